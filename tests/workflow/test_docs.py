"""The pages say what is there, and their walk leads where they say."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import projects
import pytest
import yaml
from PIL import Image

from convstudy.foundation import atomic_files
from convstudy.study import config_reference

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "results/README.md"]
PUBLISHED = sorted((ROOT / "docs").glob("*/README.md"))
TRACKED = ("config/", "docs/", "envs/", "profiles/", "rules/", "scripts/", "tests/")
SCHEMA = yaml.safe_load(config_reference.SCHEMA.read_text())
TOP = [("config", SCHEMA), *SCHEMA["$defs"].items()]
KEYS = [
    (*key[:2], start) for start, part in TOP for key in config_reference.keys(part, SCHEMA["$defs"])
]
WALK = ROOT / "docs/your_own_study.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", WALK.read_text(), re.M | re.S)
PICTURE = "results/plots/comparison_augmentation.png"


def is_file(text: str) -> str | None:
    """The path on the first line of a block that is a whole file."""
    found = re.match(r"# (\S+\.(?:py|yaml))\n", text)
    return found and found[1]


FILES = {is_file(text): text for _, text in BLOCKS if is_file(text)}


@dataclass
class Typed:
    """A command of the walk: what the page says it prints, what it did, and what it left."""

    command: str
    promised: list[str]
    output: str = ""
    failed: bool = True
    rows: tuple[str, ...] = ()
    picture: tuple[int, int] = (0, 0)

    def run(self, folder: Path) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", self.command],
            cwd=folder,
            env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output, self.failed = done.stdout, done.returncode != 0
        if (folder / "results/summary.csv").is_file():
            self.rows = tuple(pd.read_csv(folder / "results/summary.csv")["variant"])
            self.picture = Image.open(folder / PICTURE).size

    def trained(self) -> set[str]:
        return set(re.findall(r"^ *\d+/\d+ Training (\w+)", self.output, re.M))


def commands(text: str) -> list[Typed]:
    """The commands of a console block, each with the lines that follow it."""
    return [
        Typed(lines[0], [line for line in lines[1:] if line != "..."])
        for lines in (part.splitlines() for part in re.split(r"^\$ ", text, flags=re.M)[1:])
    ]


COMMANDS = [x for language, text in BLOCKS if language == "console" for x in commands(text)]
RUNS = [x for x in COMMANDS if x.command.startswith("snakemake -c")]


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Path:
    """A project in which somebody has followed the page, block after block."""
    folder = tmp_path_factory.mktemp("walk")
    projects.put_sources(folder)
    typed = iter(COMMANDS)
    for language, text in BLOCKS:
        if path := is_file(text):
            assert not (folder / path).exists()
            (folder / path).write_text(text)
        elif language == "console":
            for _ in commands(text):
                next(typed).run(folder)
    return folder


def without_numbers(text: str) -> set[str]:
    """Lines, with their figures, times and spacing made equal."""
    text = re.sub(r"\d+ min (?=\d+ s)", "", text)
    text = re.sub(r"[-+]?\d[\d.,]*", "#", text)
    return {" ".join(line.split()) for line in text.splitlines()}


@pytest.mark.parametrize("typed", COMMANDS, ids=lambda typed: typed.command)
def test_the_walks_commands_print_what_the_page_says(walk, typed):
    assert not typed.failed, typed.output
    missing = without_numbers("\n".join(typed.promised)) - without_numbers(typed.output)
    assert not missing, typed.output


@pytest.mark.parametrize("typed", RUNS, ids=lambda typed: typed.command)
def test_the_walks_studies_have_the_rows_of_their_last_file(walk, typed):
    last = yaml.safe_load((walk / typed.command.split()[-1]).read_text())
    assert list(typed.rows) == last["studies"]["mine"]["variants"]


def test_each_study_of_the_walk_trains_what_it_adds_and_nothing_again(walk):
    assert [x.trained() for x in RUNS] == [
        {"from_recipe", "small_net", "small_net_augmented"},
        {"my_net"},
        {"small_net_brightness"},
        {"my_head"},
        set(),
    ]


def test_a_model_with_a_layer_of_its_own_is_trained_evaluated_and_used(walk):
    run = walk / "results/runs/my_images/my_net/seed0"
    assert b"my_net>SqueezeExcite" in subprocess.check_output(
        ["unzip", "-p", run / "model.keras", "config.json"]
    )
    assert atomic_files.read_json(run / "metrics.json")["test_accuracy"] > 0.45  # guessing: 0.33
    assert len(pd.read_csv(walk / "classes.csv")) == 200


def test_an_edit_of_ones_own_model_concerns_its_runs_alone(walk):
    (said,) = (x for x in COMMANDS if "build changed" in "".join(x.promised))
    steps = re.findall(r"^    (\w+_(?:model|weights|data|curves)): (\w+)", said.output, re.M)
    assert len(steps) == 4 and {about for _, about in steps} == {"my_net"}


def test_the_pages_picture_is_one_as_the_walk_draws_it(walk):
    shown = Image.open(ROOT / "docs/your_own_study.png").size
    assert shown == RUNS[0].picture, f"replace it by {PICTURE} of section 3"


def links(page: Path) -> list[str]:
    """What a page links to beside addresses, as it is written there."""
    found = re.findall(r"\](?:\(|: )([^)#\s]+)", page.read_text())
    return [x for x in found if "://" not in x]


@pytest.mark.parametrize("page", [*PAGES, *PUBLISHED], ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    assert not [x for x in links(page) if not (page.parent / x).exists()]


def test_the_readme_leads_to_every_page():
    reached = {ROOT / x for page in PAGES[:1] for x in links(page)}
    assert not [page for page in PAGES[1:] if page not in reached]


def tables(text: str) -> list[pd.DataFrame]:
    """The tables of a page that have a row a variant, their cells as texts."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        head, _, *rows = ([x.strip() for x in row.split("|")[1:-1]] for row in block.splitlines())
        if head[0] == "variant":
            found.append(pd.DataFrame(rows, columns=head).set_index("variant"))
    return found


def test_the_readme_quotes_the_walk():
    quoted = " ".join(re.search(r'"(The test images do not.*?)"', README, re.S)[1].split())
    assert quoted in " ".join(WALK.read_text().split())


def test_the_page_on_the_practical_has_the_figures_of_the_config():
    (printed,) = tables((ROOT / "docs/practical.md").read_text())
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text())["variants"]
    known = {name: about["reference"] for name, about in shipped.items() if "reference" in about}
    assert list(printed.index) == list(known)
    for name in ("loss", "accuracy"):
        assert [float(x) for x in printed[name]] == [about[name] for about in known.values()]


def test_the_readmes_fifteen_lines_are_a_study(tmp_path):
    text = re.search(r"```yaml\n(.*?)```", README, re.S)[1]
    assert len(text.splitlines()) == 15
    projects.put_sources(tmp_path)
    (tmp_path / "my.yaml").write_text(text)
    for number in range(6):
        for name in ("cat", "dog"):
            picture = tmp_path / f"photos/{name}/{number}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), (40 * number, 0, 0)).save(picture)
    typed = Typed("./convstudy run my.yaml -n", [])
    typed.run(tmp_path)
    assert not typed.failed, typed.output
    assert set(re.findall(r"^Job \d+: Training (\w+)", typed.output, re.M)) == {"small", "deep"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_pages_own_contents_lead_to_its_headings(page):
    text = page.read_text()
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    anchors = [re.sub(r"[^\w -]", "", x.lower()).replace(" ", "-") for x in headings]
    linked = re.findall(r"\]\(#([^)]+)\)", text)
    assert not set(linked) - set(anchors)
    if page.name == "config.md":
        assert linked == anchors[1:] and len(set(anchors)) == len(anchors)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_are_there(page):
    text = page.read_text()
    named = re.findall(r"[\w./-]+", " ".join(re.findall(r"`([^`\n]+)`", text)))
    named += re.findall(r"(?<![\w/])(?:scripts|rules|config|envs|tests)/[\w./-]*\w", text)
    paths = {x for x in named if x.startswith(TRACKED)} - set(FILES)
    assert not [x for x in sorted(paths) if not (ROOT / x).exists()]


@pytest.mark.parametrize(("key", "about"), [(f"{x[2]}:{x[0]}", x[1]) for x in KEYS])
def test_every_key_of_the_config_has_a_description(key, about):
    assert about.get("description", "").strip(), f"{key} in {config_reference.SCHEMA.name}"


def test_the_reference_is_up_to_date():
    assert (ROOT / "docs/config.md").read_text() == config_reference.markdown(), (
        "docs/config.md is out of date: run `./convstudy reference > docs/config.md`"
    )
