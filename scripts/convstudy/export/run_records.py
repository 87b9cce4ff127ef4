"""A finished run as plain values, for programs that keep records of runs.

Names are alike in all of them: letters of any language, digits, `_ . : -`, blanks and `/`.
"""

import csv
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convstudy.export.finished_run import FinishedRun
from convstudy.foundation import atomic_files

IDENTITY = ("dataset", "variant", "seed")
LONGEST = 100  # characters of a class's name
Plain = str | int | float | bool


@dataclass(frozen=True)
class RunRecord:
    """What is known of a finished run.

    Attributes:
        name: `dataset/variant/seed0`, by which it is known within its project.
        key: the digest of all that decides its figures.
        params: what it was made with, by dotted names as in the config.
        metrics: the numbers of metrics.json; those of each class as `name/class`.
        texts: its texts, and where its figures come from (`provenance.*`).
        epochs: figures of each epoch by the columns of history.csv, and `epoch`, from 1.
        files: what to keep with a record: metrics.json, which has all of it, and history.csv.
    """

    name: str
    key: str
    params: dict[str, Plain]
    metrics: dict[str, float]
    texts: dict[str, str]
    epochs: list[dict[str, float]]
    files: list[Path]


def of_run(run: FinishedRun) -> RunRecord:
    """The record of a finished run.

    Raises:
        UserError: a file was changed since the run was made, or a record is missing.
    """
    files = [run.output("metrics.json"), run.output("history.csv")]
    content = atomic_files.read_json(files[0])
    identity = {name: content.pop(name) for name in IDENTITY}
    settings = dict(_flat(run.settings))
    return RunRecord(
        name=run.name.removeprefix("results/runs/"),
        key=run.key,
        params=identity | {name: _plain(value) for name, value in settings.items()},
        metrics=dict(_numbers(content)),
        texts=dict(_texts(content)),
        epochs=_epochs(files[1]),
        files=files,
    )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The ends of nested blocks, by dotted names."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def _plain(value: Any) -> Plain:
    """A setting as it is; lists and null as JSON has them."""
    return value if isinstance(value, Plain) else json.dumps(value, ensure_ascii=False)


def _numbers(content: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The metrics, those of each class one by one; null is no figure and is left out."""
    classes = _names(content["class_names"])
    for name, value in content.items():
        if _is_number(value):
            yield name, float(value)
        elif isinstance(value, list) and any(map(_is_number, value)):
            labels = classes if len(value) == len(classes) else map(str, range(len(value)))
            for label, figure in zip(labels, value, strict=True):
                if figure is not None:
                    yield f"{name}/{label}", float(figure)


def _texts(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Texts, lists of texts in one line each, and all of the provenance."""
    provenance = {"provenance": content.get("provenance")}
    texts = {name: value for name, value in content.items() if isinstance(value, str)}
    lists = {name: value for name, value in content.items() if _are_texts(value)}
    for name, value in texts.items():
        yield name, value
    for name, value in lists.items():
        yield name, " | ".join(value)
    for name, value in _flat(provenance):
        if value is not None:
            yield name, str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, str) for x in value)


def _names(classes: list[str]) -> list[str]:
    """Names of classes without the characters that are not taken everywhere, all different.

    Where two would be alike, or nothing is left of one, all begin with their numbers, from 0.
    """
    names = [re.sub(r"[^\w. :-]", "_", name)[:LONGEST].strip() for name in classes]
    if len(set(names)) == len(names) and all(name.strip(".") for name in names):
        return names
    return [f"{number} {name}".strip() for number, name in enumerate(names)]


def _epochs(path: Path) -> list[dict[str, float]]:
    """The rows of history.csv; a figure that is missing there is no number.

    Of a network whose weights were computed the rows are candidates, and no epochs.
    """
    with open(path, newline="") as stream:
        return [
            {name: float(text) if text else math.nan for name, text in row.items()}
            for row in csv.DictReader(stream)
            if "epoch" in row
        ]
