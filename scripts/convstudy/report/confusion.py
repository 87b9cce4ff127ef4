"""Which class is taken for which: the matrix as a drawing, and the pairs confused most."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from convstudy.report import drawings
from convstudy.report.drawings import tag
from convstudy.report.results import Predictions, Result
from convstudy.statistics import metrics

COUNTS_UP_TO = 30  # classes whose counts stand in the cells
DRAWN_UP_TO = 400  # classes of which a cell is as large as a pixel
SHADES = 8
CELL = 20
LEAST_SIDE = 240
MARGIN = 96
LETTERS = 16  # of a name, as many as the margin has room for


@dataclass(frozen=True)
class Pair:
    """Images of the class `true` that were taken for the class `predicted`."""

    true: int
    predicted: int
    images: int
    share: float  # of the images of the true class


def counts_of(predictions: Sequence[Predictions]) -> np.ndarray:
    """Test images of all seeds by true class (rows) and predicted class: (classes, classes)."""
    return sum(metrics.confusion_matrix(*one) for one in predictions)


def pairs(counts: np.ndarray, most: int) -> list[Pair]:
    """The pairs confused most, by the share of the true class's images, then by their number."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.lexsort((-wrong.ravel(), -(wrong / total).ravel()))[:most]
    places = [divmod(int(flat), len(counts)) for flat in order]
    return [
        Pair(t, p, int(wrong[t, p]), float(wrong[t, p] / total[t, 0]))
        for t, p in places
        if wrong[t, p]
    ]


def drawing(result: Result, counts: np.ndarray) -> Markup | None:
    """The matrix: a row a true class, a column a predicted one, darker where more of the row.

    Cells of one shade are one path, so that 200 classes stay small and sharp. Where the classes are
    few, cells bear their counts, and rows and columns their names. None above 400 classes, where a
    cell would be smaller than a pixel.
    """
    size = len(counts)
    if size > DRAWN_UP_TO:
        return None
    cell = max(CELL, LEAST_SIDE // size)
    side = size * cell
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The square root lifts rare confusions out of the ground.
    shades = np.ceil(np.sqrt(shares) * SHADES).astype(int)
    parts = [tag("rect", class_="ground", x=0, y=0, width=side, height=side)]
    for right in (True, False):
        on_diagonal = np.eye(size, dtype=bool) == right
        for shade in range(1, SHADES + 1):
            cells = np.argwhere((shades == shade) & on_diagonal)
            path = "".join(f"M{c * cell} {r * cell}h{cell}v{cell}h-{cell}z" for r, c in cells)
            if path:
                name = "right" if right else "wrong"
                parts.append(tag("path", class_=f"{name} shade{shade}", d=path))
    margin = 0
    if size <= COUNTS_UP_TO:
        margin = MARGIN
        parts += _written(counts, shades, cell) + _named(result.readable_names, cell)
    about = f"confusion matrix of {result.label}: {size} classes"
    whole = side + margin
    drawn = drawings.svg(parts, 0, "matrix", about, box=(-margin, -margin, whole, whole))
    return Markup('<div class="matrix-size" style="max-width:{}px">{}</div>').format(
        min(760, 2 * whole), drawn
    )


def _written(counts: np.ndarray, shades: np.ndarray, cell: int) -> list[Markup]:
    """The counts in the cells, smaller where they have more digits."""
    parts = []
    for row, column in np.argwhere(counts):
        text = str(counts[row, column])
        name = "strong" if shades[row, column] > SHADES / 2 else None
        letter = min(18.0, 0.45 * cell, 1.25 * cell / len(text))
        parts.append(
            tag("text", text, x=(int(column) + 0.5) * cell, y=(int(row) + 0.5) * cell,
                class_=name, font_size=letter)
        )  # fmt: skip
    return parts


def _named(names: list[str], cell: int) -> list[Markup]:
    """The names left of the rows and, turned, above the columns."""
    parts = []
    for place, name in enumerate(_cut_apart(names)):
        middle = (place + 0.5) * cell
        about = {"class_": "class-name", "font_size": 8.5}
        parts.append(tag("text", name, x=-4, y=middle, **about))
        turned = f"translate({drawings.number(middle)} -4) rotate(90)"
        parts.append(tag("text", name, transform=turned, **about))
    return parts


def _cut_apart(names: list[str]) -> list[str]:
    """Each name cut; those that look the same afterwards bear their place in the list."""
    found = [_cut(name) for name in names]
    return [
        f"{_cut(name, LETTERS - len(f' ({place})'))} ({place})" if found.count(cut) > 1 else cut
        for place, (name, cut) in enumerate(zip(names, found, strict=True), 1)
    ]


def _cut(name: str, room: int = LETTERS) -> str:
    """A class's name as far as the margin has room; Chinese letters are twice as wide as Latin."""
    shown = ""
    for letter in name:
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return shown + "…"
        shown += letter
    return shown


def sparse(counts: np.ndarray) -> list[list[int]]:
    """The counts that are not 0 as [true, predicted, images], for the page's tips."""
    return [[int(r), int(c), int(counts[r, c])] for r, c in np.argwhere(counts)]
