"""How time and memory grow with variants and with images.

    python tests/benchmarks/growth.py --table docs/growth.csv --picture docs/growth.svg

Variants: a study with a sweep of so many values of which two are trained; the others are copies of
these, with their pictures and with records of their own, so that what a study of this size costs
beside its trainings is seen: the plan of all of it, its tables, a plan where nothing is stale,
`why` and `verify`.
Images: preparation of so many of 32x32 from an array, each time in a process of its own. Prints a
row a measurement and, of each series, the exponent between its last two sizes.
"""

import copy
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import configs
import projects

from convstudy.foundation import atomic_files, digests
from convstudy.provenance import records

STUDY = """
study: grown
studies:
  grown:
    seeds: [0]
    tasks: {{objects: {{dataset: tiny_objects, max_epochs: 1}}}}
    variants: [rates]
variants:
  rates: {{task: objects, model: base_net, sweep: {{training.learning_rate: {values}}}}}
datasets:
  tiny_objects:
    reader: cifar
    files: {{archive: results/demo/objects.tar.gz}}
    image_size: [32, 32]
demo:
  objects: {{train_per_class: 6, test_per_class: 3}}
"""
PATHS = sys.path[:2]
TABLES = "results/summary.csv"
PLOTS = "results/studies/grown/plots"
SPEC = ("kind", "input", "generator", "training")  # as rules/train.smk has it
PREPARE = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
import reader_fixtures as fx
output = Path(sys.argv[2])
block = fx.block("arrays", {"arrays": Path(sys.argv[1])}, image_size=[32, 32])
fx.prepare(block, fx.outputs(output))
"""
Row = tuple[str, int, float, float]  # what, how many, seconds, MiB


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall seconds of a command, and the largest memory of its processes in MiB."""
    start = time.monotonic()
    with open(folder / "output.txt", "wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{' '.join(command)}:\n{(folder / 'output.txt').read_text()}")
    return time.monotonic() - start, used.ru_maxrss / 1024


def snakemake(folder: Path, *arguments: str) -> tuple[float, float]:
    """The same of Snakemake in a project."""
    command = [sys.executable, "-m", "snakemake", "-c1", *arguments, "--configfile", "tiny.yaml"]
    return measured(command, folder)


def convstudy(folder: Path, command: str, *arguments: str) -> tuple[float, float]:
    """The same of a command of ours."""
    return measured([sys.executable, "convstudy", command, *arguments], folder)


def write_study(folder: Path, count: int) -> str:
    """Write a config with so many variants, and return it."""
    text = STUDY.format(values=[round(1e-4 * (i + 1), 4) for i in range(count)])
    (folder / "tiny.yaml").write_text(text)
    return text


def with_variants(folder: Path, count: int) -> None:
    """Let a project that has trained some variants have all of a larger study."""
    study = configs.selected(configs.from_yaml(write_study(folder, count)))
    first, *others = study.rows
    for row in others:
        if not (folder / run_of(row)).exists():
            add(folder, study, first, row)


def run_of(row: dict) -> str:
    """The folder of a row's run."""
    return f"results/runs/{row['dataset']}/{row['variant']}/seed0"


def add(folder: Path, study, first: dict, row: dict) -> None:
    """Copy a run, with records that say what the row's own training would."""
    old, new = run_of(first), run_of(row)
    shutil.copytree(folder / old, folder / new)
    metrics = atomic_files.read_json(folder / new / "metrics.json")
    atomic_files.write_json(folder / new / "metrics.json", metrics | {"variant": row["variant"]})
    run = study.run(row["dataset"], row["variant"])
    spec = digests.canonical({key: run[key] for key in SPEC} | run["switches"])
    for name in ("model.keras", "metrics.json"):
        made = copy.deepcopy(records.read(folder / records.path_of(f"{old}/{name}")))
        made["wildcards"]["variant"] = row["variant"]
        if name == "model.keras":
            made["params"]["spec"] = spec
        for one in made["inputs"]:
            one["path"] = one["path"].replace(old, new)
        outputs = [path.replace(old, new) for path in made["outputs"]]
        made["outputs"] = {path: digests.of_file(folder / path) for path in outputs}
        for path in outputs:
            atomic_files.write_json(folder / records.path_of(path), made)
    colour = study.colour(row["variant"])
    for picture in sorted((folder / PLOTS).glob(f"*_{first['variant']}.*")):
        add_picture(folder, f"{PLOTS}/{picture.name}", (first["variant"], row["variant"]), colour)


def add_picture(folder: Path, picture: str, names: tuple[str, str], colour: int) -> None:
    """Copy a picture of a variant for another one, with the record that its own would have."""
    shutil.copy(folder / picture, folder / picture.replace(*names))
    text = (folder / records.path_of(picture)).read_text()
    made = json.loads(text.replace(*names))
    spec = json.loads(made["params"]["spec"])
    made["params"]["spec"] = digests.canonical(
        spec | ({"colour": colour} if "colour" in spec else {})
    )
    for one in made["inputs"]:
        one["sha256"] = digests.of_file(folder / one["path"])
    atomic_files.write_json(folder / records.path_of(picture.replace(*names)), made)


def of_variants(sizes: list[int], folder: Path) -> list[Row]:
    """Measure studies of these sizes."""
    project, empty = folder / "project", folder / "empty"
    for one in (project, empty):
        one.mkdir()
        projects.put_sources(one)
        write_study(one, 2)
    snakemake(project, TABLES)
    rows = []
    for size in sizes:
        write_study(empty, size)
        with_variants(project, size)
        found = {
            "plan of all": snakemake(empty, "-n", TABLES),
            "tables": snakemake(project, TABLES),
            "plan, nothing stale": snakemake(project, "-n", TABLES),
            "why": convstudy(project, "why", "tiny.yaml"),
            "verify": convstudy(project, "verify"),
        }
        rows += [(what, size, *cost) for what, cost in found.items()]
        show(rows[-len(found) :])
    return rows


def of_images(sizes: list[int], folder: Path) -> list[Row]:
    """Measure the preparation of so many images."""
    rows, rng = [], np.random.default_rng(0)
    for size in sizes:
        given = folder / "images.npz"
        images = rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
        np.savez(given, images=images, labels=np.arange(size) % 10)
        del images
        command = [sys.executable, "-c", PREPARE, str(given), str(folder / "data.h5"), *PATHS]
        rows.append(("preparation", size, *measured(command, folder)))
        show(rows[-1:])
    return rows


def show(rows: list[Row]) -> None:
    """Print rows."""
    for what, size, seconds, memory in rows:
        click.echo(f"{what:<20} {size:>9,} {seconds:8.1f} s {memory:8.0f} MiB")


def exponent(rows: list[Row], what: str, column: int) -> float:
    """The power of the size with which seconds (2) or MiB (3) grow, at the last two sizes."""
    before, last = [row for row in rows if row[0] == what][-2:]
    return math.log(last[column] / before[column]) / math.log(last[1] / before[1])


def draw(rows: list[Row], path: Path) -> None:
    """A picture: seconds and memory against the size, on logarithmic axes."""
    series = list(dict.fromkeys(row[0] for row in rows))
    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for line, (column, unit) in zip(axes, ((2, "seconds"), (3, "MiB")), strict=True):
        for axis, is_images in zip(line, (False, True), strict=True):
            for what in [x for x in series if (x == "preparation") == is_images]:
                own = np.array([row[1:] for row in rows if row[0] == what])
                label = f"{what}, exponent {exponent(rows, what, column):.2f}"
                axis.loglog(own[:, 0], own[:, column - 1], "o-", label=label)
            axis.set_xlabel("images" if is_images else "variants")
            axis.set_ylabel(unit)
            axis.legend(fontsize=7)
            axis.grid(alpha=0.3)
    plt.rcParams["svg.hashsalt"] = "growth"
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


@click.command()
@click.option("--variants", default="10,100,1000", help="Sizes, with commas.")
@click.option("--images", default="2000,20000,200000", help="Sizes, with commas.")
@click.option("--table", type=Path, help="A CSV file to write.")
@click.option("--picture", type=Path, help="A picture to write.")
def main(variants: str, images: str, table: Path | None, picture: Path | None) -> None:
    """Measure, and print the table."""
    sizes = [[int(x) for x in text.split(",")] for text in (variants, images)]
    with tempfile.TemporaryDirectory() as temporary:
        rows = of_variants(sizes[0], Path(temporary)) + of_images(sizes[1], Path(temporary))
    for what in dict.fromkeys(row[0] for row in rows):
        powers = [exponent(rows, what, column) for column in (2, 3)]
        click.echo(f"{what}: time grows by the power {powers[0]:.2f}, memory {powers[1]:.2f}")
    if table:
        with open(table, "w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["what", "size", "seconds", "mib"])
            writer.writerows([what, size, f"{x:.2f}", f"{y:.0f}"] for what, size, x, y in rows)
    if picture:
        draw(rows, picture)


if __name__ == "__main__":
    main()
