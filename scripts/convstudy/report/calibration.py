"""Calibration: does a network that says "80 %" get 80 % right? With the error of every answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from scipy import stats

from convstudy.report import drawings
from convstudy.report.drawings import tag
from convstudy.report.results import Predictions, Result

IMAGES_A_BIN = 30
MOST_BINS = 10
SIDE, LEFT, TOP = 240, 40, 10


@dataclass(frozen=True)
class Bin:
    """Test images of similar confidence: how many, mean confidence, accuracy, and its interval."""

    images: int
    confidence: float
    accuracy: float
    low: float
    high: float


def bins(predictions: Sequence[Predictions]) -> list[Bin]:
    """Sort the test images of all seeds by confidence and cut them into bins of equal size.

    A bin holds 30 test images or more (all of them, where there are fewer) and there are ten at
    most. The 95 % interval is Wilson's (1927), for as many independent images as the bin holds of
    one seed: several networks that look at one image are not several images.

    Args:
        predictions: (probabilities (n, classes), labels (n,)) of each seed.
    """
    seeds, images = len(predictions), len(predictions[0][1])
    confidence = np.concatenate([p.max(axis=1) for p, _ in predictions])
    right = np.concatenate([p.argmax(axis=1) == labels for p, labels in predictions])
    order = np.argsort(confidence, kind="stable")
    found = []
    for part in np.array_split(order, min(MOST_BINS, max(1, images // IMAGES_A_BIN))):
        accuracy = float(right[part].mean())
        independent = max(1, round(len(part) / seeds))
        test = stats.binomtest(round(accuracy * independent), independent)
        low, high = test.proportion_ci(method="wilson")
        mean = float(confidence[part].astype(float).mean())
        found.append(Bin(independent, mean, accuracy, min(low, accuracy), max(high, accuracy)))
    return found


def drawing(result: Result, found: Sequence[Bin]) -> Markup:
    """Accuracy against confidence, both in %, a point a bin; on the diagonal they agree."""

    def x(share: float) -> float:
        return LEFT + SIDE * share

    def y(share: float) -> float:
        return TOP + SIDE * (1 - share)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(tag("line", class_="grid", x1=x(share), x2=x(share), y1=y(0), y2=y(1)))
        parts.append(tag("line", class_="grid", x1=x(0), x2=x(1), y1=y(share), y2=y(share)))
        text = f"{100 * share:.0f}"
        parts.append(tag("text", text, x=x(share), y=y(0) + 16, text_anchor="middle"))
        parts.append(tag("text", text, x=LEFT - 6, y=y(share) + 4, text_anchor="end"))
    parts.append(tag("line", class_="diagonal", x1=x(0), x2=x(1), y1=y(0), y2=y(1)))
    for one in found:
        place = x(one.confidence)
        about = (
            f"{one.images} images: confidence {100 * one.confidence:.1f} %, right "
            f"{100 * one.accuracy:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        )
        whole = [
            tag("title", about),
            tag("line", class_="interval", x1=place, x2=place, y1=y(one.low), y2=y(one.high)),
            tag("circle", class_="point", cx=place, cy=y(one.accuracy), r=4),
        ]
        parts.append(tag("g", Markup("").join(whole)))
    middle = TOP + SIDE / 2
    parts.append(tag("text", "confidence %", x=x(0.5), y=y(0) + 34, text_anchor="middle"))
    parts.append(
        tag("text", "accuracy %", x=10, y=middle, text_anchor="middle",
            transform=f"rotate(-90 10 {middle:g})")
    )  # fmt: skip
    box = (0, 0, LEFT + SIDE + 12, TOP + SIDE + 42)
    name = f"reliability colour{result.colour}"
    return drawings.svg(parts, 0, name, f"calibration of {result.label}", box=box)
