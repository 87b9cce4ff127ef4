"""The project's own files agree with each other."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from convstudy.foundation import devices

ROOT = Path(__file__).parents[2]


def requirements(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", "\n".join(lines), re.M))


@pytest.mark.parametrize("name", ["tensorflow", "plotting", "download", "cluster"])
def test_conda_environments_pin_what_the_requirements_pin(name):
    entries = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())["dependencies"]
    pip = next((entry["pip"] for entry in entries if isinstance(entry, dict)), [])
    pins = [re.split("==?", entry) for entry in entries if isinstance(entry, str) and "=" in entry]
    pins += [entry.split("==") for entry in pip]
    pinned = requirements("requirements.txt") | requirements("requirements-cluster.txt")
    assert {n: v for n, v in pins if n != "python"} == {
        n: pinned[n] for n, v in pins if n != "python"
    }


def test_the_lock_file_holds_every_direct_requirement():
    assert requirements("requirements.in").items() <= requirements("requirements.txt").items()


def test_the_libraries_for_gpus_are_of_the_pinned_tensorflow():
    text = (ROOT / "requirements-gpu.txt").read_text()
    pinned = requirements("requirements.txt")["tensorflow"]
    assert f"\ntensorflow[and-cuda]=={pinned}\n" in text
    assert devices.CUDNN in requirements("requirements-gpu.txt")


def test_what_only_some_need_replaces_nothing_that_all_have():
    assert not requirements("requirements-records.txt").keys() & requirements("requirements.txt")


def test_the_profiles_for_clusters_hold_what_the_default_profile_says_of_staleness():
    def read(name):
        return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())

    default = read("default")
    del default["cores"]  # of this machine
    for name in ("slurm", "slurm-gpu", "generic"):
        assert default.items() <= read(name).items(), name
    with_gpus = read("slurm-gpu")
    del with_gpus["set-resources"]
    assert with_gpus == read("slurm")


def test_every_script_has_a_rule_and_every_rule_a_script():
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    used = set(re.findall(r'"../scripts/(\w+\.py)"', text))
    assert used == {path.name for path in (ROOT / "scripts").glob("*.py")}


def test_the_tests_have_the_rooms_of_the_package():
    beside = {"support", "workflow", "fuzz", "benchmarks"}
    rooms, tested = (
        {path.name for path in folder.iterdir() if path.is_dir() and path.name[0] not in "_."}
        for folder in (ROOT / "scripts/convstudy", ROOT / "tests")
    )
    assert tested - beside == rooms


def test_every_room_says_what_it_is_for():
    for path in (ROOT / "scripts/convstudy").glob("*/__init__.py"):
        assert len(ast.get_docstring(ast.parse(path.read_text())) or "") > 20, path


def test_the_page_on_the_rooms_has_every_room_and_its_imports():
    page = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)/` \| (.*) \|(.*)\|$", page, re.M)
    told = {room: set(re.findall(r"`(\w+)`", imports)) for room, _, imports in rows}
    assert told == imports_between_rooms()


def imports_between_rooms() -> dict[str, set[str]]:
    package, found = ROOT / "scripts/convstudy", {}
    for path in package.glob("*/**/*.py"):
        room = path.relative_to(package).parts[0]
        names = re.findall(r"^ *from convstudy(?:\.(\w+)\S*)? import (.*)$", path.read_text(), re.M)
        targets = {x for part, what in names for x in ([part] if part else what.split(", "))}
        found.setdefault(room, set()).update(targets - {room})
    return found
