"""The project's own files agree with each other."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def requirements(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", "\n".join(lines), re.M))


@pytest.mark.parametrize("name", ["tensorflow", "plotting", "download"])
def test_conda_environments_pin_what_the_requirements_pin(name):
    entries = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())["dependencies"]
    pip = next((entry["pip"] for entry in entries if isinstance(entry, dict)), [])
    pins = [re.split("==?", entry) for entry in entries if isinstance(entry, str) and "=" in entry]
    pins += [entry.split("==") for entry in pip]
    pinned = requirements("requirements.txt")
    assert {n: v for n, v in pins if n != "python"} == {
        n: pinned[n] for n, v in pins if n != "python"
    }


def test_the_lock_file_holds_every_direct_requirement():
    assert requirements("requirements.in").items() <= requirements("requirements.txt").items()


def test_every_script_has_a_rule_and_every_rule_a_script():
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    used = set(re.findall(r'"../scripts/(\w+\.py)"', text))
    assert used == {path.name for path in (ROOT / "scripts").glob("*.py")}
