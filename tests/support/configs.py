"""The shipped config with some values changed."""

import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from convstudy.foundation.errors import UserError
from convstudy.study import studies
from convstudy.study import validation as settings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "rules/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


def checked(**changes):
    """The shipped config with some values changed, by dotted path (`__` for a dot).

    A study that gets other variants has the comparisons that are given with them, or none.
    """
    config = copy.deepcopy(SHIPPED)
    for path in [x for x in changes if x.startswith("studies__") and x.endswith("__variants")]:
        changes.setdefault(path.replace("__variants", "__comparisons"), [])
    for path, value in changes.items():
        *parents, last = path.split("__")
        block = config
        for parent in parents:
            block = block[parent]
        block[last] = value
    settings.validate(config, SCHEMA)
    return config


def from_yaml(text):
    """The shipped config under a file of the user's, as `--configfile` lays it."""
    config = copy.deepcopy(SHIPPED)
    update_config(config, yaml.safe_load(text))
    settings.validate(config, SCHEMA)
    return config


def refused(change, *words):
    """The message with which a changed config is refused, which holds all words."""
    with pytest.raises(UserError) as refusal:
        studies.resolve(checked(**change))
    message = str(refusal.value)
    assert all(word in message for word in words), message
    return message


def selected(config):
    """The study that a config selects."""
    return studies.resolve(config)[config["study"]]
