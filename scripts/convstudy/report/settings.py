"""Every setting of every variant, and in which of them variants differ."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convstudy.report import results

SHOWN = (
    "dataset", "protocol", "model", "model_options", "generator", "generator_options", "backbone",
    "training", "stages", "budget", "statistics_from", "switches", "values", "combines",
)  # fmt: skip
NONE = "–"


@dataclass(frozen=True)
class Setting:
    """One setting: its name as in the config, its value for each variant, and if any differ."""

    name: str
    values: list[str]
    varies: bool


def table(rows: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """The settings of all variants, in the order in which the variants first have them.

    Args:
        rows: `rows` of `Study.spec`; a key that they lack is left out.
    """
    flat = [settings(row) for row in rows]
    names = list(dict.fromkeys(name for held in flat for name in held))
    found = []
    for name in sorted(names, key=lambda n: SHOWN.index(n.split(".")[0])):
        values = [held.get(name, NONE) for held in flat]
        if set(values) != {NONE}:
            found.append(Setting(name, values, len(set(values)) > 1))
    return found


def settings(row: Mapping[str, Any]) -> dict[str, str]:
    """The settings of one variant by name, blocks within blocks joined by dots, as texts.

    A budget that says the same as the training beside it is left out.
    """
    found: dict[str, str] = {}
    for key in SHOWN:
        if key in row:
            _flatten(key, row[key], found)
    for name in [name for name in found if name.startswith("budget.")]:
        if found.get(name.replace("budget.", "training.", 1)) == found[name]:
            del found[name]
    return found


def heads(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the variants are called above their settings; the data set where two share a name."""
    labels = results.labels(rows)
    names = [labels[row["dataset"], row["variant"]] for row in rows]
    return [
        f"{name} ({row['dataset']})" if names.count(name) > 1 else name
        for name, row in zip(names, rows, strict=True)
    ]


def _flatten(name: str, value: Any, found: dict[str, str]) -> None:
    if isinstance(value, Mapping):
        for key in value:
            # the kind is the file's name, and its options are named like those in the config
            _flatten(name if key == "options" else f"{name}.{key}", value[key], found)
    elif value is None:
        found[name] = NONE
    else:
        found[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
