"""The pages say what is there: the schema's descriptions and the reference made from them."""

from pathlib import Path

import pytest
import yaml

from convstudy import reference

ROOT = Path(__file__).parent.parent
SCHEMA = yaml.safe_load(reference.SCHEMA.read_text())
TOP = [("config", SCHEMA), *SCHEMA["$defs"].items()]
KEYS = [(*key[:2], start) for start, part in TOP for key in reference.keys(part, SCHEMA["$defs"])]


@pytest.mark.parametrize(("key", "about"), [(f"{x[2]}:{x[0]}", x[1]) for x in KEYS])
def test_every_key_of_the_config_has_a_description(key, about):
    assert about.get("description", "").strip(), f"{key} in {reference.SCHEMA.name}"


def test_the_reference_is_up_to_date():
    assert (ROOT / "docs/config.md").read_text() == reference.markdown(), (
        "docs/config.md is out of date: run `./convstudy reference > docs/config.md`"
    )
