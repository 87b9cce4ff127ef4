"""Kinds of optimizers, learning rate schedules and losses, with the schemas of their options.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from functools import cache
from typing import Any

import yaml

from convstudy.foundation import plugin_files

Block = dict[str, Any]

TABLES = plugin_files.SCRIPTS.parent / "rules/schemas/training.schema.yaml"
BLOCKS = ("optimizer", "schedule", "loss")


@cache
def tables() -> Block:
    """Of each of `BLOCKS` what it is `about`, its `common` options, and those of its `kinds`."""
    return yaml.safe_load(TABLES.read_text())


@cache
def options(block: str, kind: str) -> Block:
    """The JSON schema of what may stand beside `kind`; an option without a default is required."""
    found = tables()[block]["kinds"][kind] | {
        name: about
        for name, about in tables()[block]["common"].items()
        if name not in tables()[block]["kinds"][kind]
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": found,
        "required": [name for name, about in found.items() if "default" not in about],
    }
