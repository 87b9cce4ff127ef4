"""What the page shows of one result alone: its classes, its confusions, its certain mistakes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from convstudy.report import calibration, confusion, examples, per_class
from convstudy.report.confusion import Pair
from convstudy.report.examples import Example, Pictures
from convstudy.report.grids import Grid
from convstudy.report.results import Predictions, Result

PAIRS = 8
PAIRS_WITH_PICTURES = 4


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes by name, how often one was taken for the other, and pictures of both."""

    true: str
    predicted: str
    pair: Pair
    pictures: list[Example]
    typical: str | None  # an image of the class that was predicted


@dataclass(frozen=True)
class Look:
    """One result: drawings are ready to be placed, `counts` is JSON for the tips of the matrix."""

    result: Result
    classes: Grid
    matrix: Markup | None
    counts: str
    pairs: list[ConfusedPair]
    mistakes: list[Example]
    calibration: Markup
    images_a_bin: int
    figures: list[tuple[str, str, str]]  # term, figure in points, what it is of


def at(results: Sequence[Result], pictures: Mapping[str, Pictures]) -> list[Look]:
    """Look into each result, whose runs' predictions are in memory one result at a time.

    Args:
        results: of `results.load`.
        pictures: the test images of each data set.
    """
    return [_look(result, pictures[result.dataset]) for result in results]


def _look(result: Result, pictures: Pictures) -> Look:
    predictions = result.predictions()
    pictures.check(result, predictions[0][1])
    counts = confusion.counts_of(predictions)
    bins = calibration.bins(predictions)
    held = {"names": result.class_names, "counts": confusion.sparse(counts)}
    return Look(
        result,
        per_class.grid(result),
        confusion.drawing(result, counts),
        json.dumps(held, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        [
            _pair(result, pictures, predictions[0], pair, place < PAIRS_WITH_PICTURES)
            for place, pair in enumerate(confusion.pairs(counts, PAIRS))
        ],
        examples.certain_mistakes(result, pictures, predictions[0]),
        calibration.drawing(result, bins),
        min(one.images for one in bins),
        _figures(result),
    )


def _pair(
    result: Result, pictures: Pictures, predictions: Predictions, pair: Pair, shown: bool
) -> ConfusedPair:
    return ConfusedPair(
        result.readable_names[pair.true],
        result.readable_names[pair.predicted],
        pair,
        examples.of_pair(result, pictures, predictions, pair) if shown else [],
        examples.typical(pictures, pair.predicted) if shown else None,
    )


def _figures(result: Result) -> list[tuple[str, str, str]]:
    """The calibration's figures that the runs have, as means over seeds."""
    found = []
    for term, key, scale in (
        ("ECE", "test_ece", 100), ("ECE floor", "test_ece_floor", 100),
        ("temperature", "temperature", 1),
    ):  # fmt: skip
        values: list[Any] = [run.get(key) for run in result.metrics]
        if all(value is not None for value in values):
            mean = sum(values) / len(values)
            found.append((term, f"{scale * mean:.{1 if scale == 100 else 2}f}", repr(mean)))
    return found
