"""The shipped profiles, each of which takes the place of the default one as a whole."""

from pathlib import Path

import pytest
import yaml

PROFILES = Path(__file__).parents[2] / "profiles"
SAME = ("rerun-triggers", "rerun-incomplete", "max-checksum-file-size")


def settings(name):
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


@pytest.mark.parametrize("name", sorted(x.name for x in PROFILES.iterdir() if x.is_dir()))
def test_what_decides_a_rerun_is_as_by_default(name):
    found, usual = settings(name), settings("default")
    assert {key: found[key] for key in SAME} == {key: usual[key] for key in SAME}
