"""Figures of every class, as means over the seeds of a result."""

import math
from collections.abc import Sequence

from convstudy.report.grids import Cell, Grid, Head, fixed
from convstudy.report.notes import percent
from convstudy.report.results import Result

FIGURES = (
    ("test_per_class_precision", Head("precision %", "precision"), percent),
    ("test_per_class_accuracy", Head("recall %", "recall"), percent),
    ("test_per_class_f1", Head("F1 %", "F1"), percent),
    ("test_per_class_roc_auc", Head("AUC", "AUC"), fixed(3)),
)


def grid(result: Result) -> Grid:
    """A row a class; a figure is empty for a class without images."""
    found = result.by_class()
    images = found[0]["test_per_class_images"]
    never = set().union(*(seed["test_never_predicted"] for seed in found))
    heads = [Head("class"), Head("test images"), *(head for _, head, _ in FIGURES)]
    body = []
    for place, name in enumerate(result.class_names):
        row = [Cell.of(name), Cell.of(images[place], str, f"{result.key}|images|{place}")]
        for key, _, form in FIGURES:
            value = _mean([seed[key][place] for seed in found])
            row.append(Cell.of(value, form, f"{result.key}|{key}|{place}"))
        body.append(row)
    notes = []
    if never:
        notes.append(
            f"{len(never)} of {len(result.class_names)} classes have test images and are never "
            f"predicted, by one seed at least: {', '.join(sorted(never))}."
        )
    return Grid(
        f"Classes: {result.label} on {result.dataset}",
        heads,
        body,
        notes,
        [path for path, _ in result.sources],
    )


def _mean(values: Sequence[float | None]) -> float:
    """The mean over the seeds that have a value; NaN if none has."""
    held = [value for value in values if value is not None]
    return math.fsum(held) / len(held) if held else math.nan
