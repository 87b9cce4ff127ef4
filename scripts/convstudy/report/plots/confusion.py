"""Confusion matrix of a variant, over all its seeds and folds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from convstudy.data import hdf5
from convstudy.report.class_names import readable
from convstudy.report.plots import style, texts
from convstudy.statistics import metrics

NAMED_UP_TO = 40
COUNTED_UP_TO = 10  # classes whose cells have room for the number of images as well
NAME_CHARACTERS = 26
PAIRS = 10
UNDER_ONE = "·"


def plot(
    predictions: Sequence[Path | str],
    class_names: Sequence[str],
    title: str,
    outputs: Sequence[Path | str],
    seeds: int | None = None,
) -> None:
    """Draw the share of each true class (row) that is taken for each class (column).

    With few classes each cell bears its percentage and each axis the names. With many, the axes
    bear class numbers, and the pairs most often confused stand below the matrix by name.

    Args:
        predictions: The predictions file of each run; their test images are pooled.
        class_names: Names in the order of the labels.
        title: Shown above the picture.
        outputs: Paths ending in `.png` or `.svg`.
        seeds: How many runs look at one image; None is all of them, with folds it is fewer.
    """
    counts = sum(metrics.confusion_matrix(*hdf5.read_predictions(path)) for path in predictions)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = texts.distinct(readable(class_names), NAME_CHARACTERS)
    few = len(names) <= NAMED_UP_TO
    width = min(style.PAGE_WIDTH, 4.6 + 0.2 * len(names))
    height = min(7.0, 3.6 + 0.2 * len(names)) if few else 8.6
    with style.figure(width, height, outputs) as figure:
        if few:
            above = figure
            figure.supxlabel(_explained(counts, seeds or len(predictions)), fontsize=8.5)
        else:
            above, below = figure.subfigures(2, 1, height_ratios=(6.4, 2.2))
            _pairs(below.subplots(), counts, names)
        axes = above.subplots()
        # The square root lifts rare confusions out of the white.
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 100))
        bar = above.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 1, 5, 10, 25, 50, 75, 100])
        bar.set_label("share of the true class's test images (%)")
        axes.grid(visible=False)
        numbered = "" if few else " (number from 0)"
        axes.set_xlabel(f"predicted class{numbered}")
        axes.set_ylabel(f"true class{numbered}")
        if few:
            _name_cells(axes, counts, shares, names)
        style.heading(figure, title)


def percentages(counts: np.ndarray) -> np.ndarray:
    """Whole percentages of each row of counts (rows, columns) that sum to 100 exactly.

    By largest remainders: all are rounded down, and what is missing goes to those that lost most.
    A row without images stays 0.
    """
    counts = np.asarray(counts, dtype=np.int64)
    total = counts.sum(axis=1, keepdims=True)
    whole, rest = np.divmod(100 * counts, np.maximum(total, 1))
    missing = np.where(total > 0, 100, 0) - whole.sum(axis=1, keepdims=True)
    rank = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (rank < missing)


def _name_cells(axes: Axes, counts: np.ndarray, shares: np.ndarray, names: list[str]) -> None:
    size = 8.5 if len(names) <= COUNTED_UP_TO else 7.5 if len(names) <= 30 else 6
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > 3 else 0, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    shown = percentages(counts)
    for row, column in zip(*np.nonzero(counts), strict=True):
        text = str(shown[row, column] or UNDER_ONE)
        if len(names) <= COUNTED_UP_TO:
            text = f"{text.replace(UNDER_ONE, '<1')} %\n{counts[row, column]}"
        axes.text(
            column, row, text, ha="center", va="center", fontsize=min(8.5, 130 / len(names)),
            color="white" if shares[row, column] > 28 else style.INK,
        )  # fmt: skip


def _explained(counts: np.ndarray, seeds: int) -> str:
    """What the cells say."""
    images = "images" if seeds == 1 else f"answers of {seeds} seeds"
    cell = "% of the row"
    if len(counts) <= COUNTED_UP_TO:
        cell += f", and number of {images}"
    elif (percentages(counts)[counts > 0] == 0).any():
        cell += f" ({UNDER_ONE} less than 1)"
    held = counts.sum(axis=1)
    rows = f"{held.min()}" if held.min() == held.max() else f"{held.min()} to {held.max()}"
    return f"cells: {cell};\na row has {rows} {images}"


def _pairs(axes: Axes, counts: np.ndarray, names: list[str]) -> None:
    """List the most frequent confusions by name, with their images."""
    axes.axis("off")
    axes.set_title("most frequent confusions: images, true class > predicted class", loc="left")
    total = counts.sum(axis=1)
    shares = counts / np.maximum(total[:, None], 1) * (1 - np.eye(len(names)))
    for place, flat in enumerate(np.argsort(-shares, axis=None, kind="stable")[:PAIRS]):
        true, predicted = divmod(int(flat), len(names))
        if shares[true, predicted] == 0:
            break
        text = (
            f"{counts[true, predicted]} of {total[true]}   {true} {names[true]}  >  "
            f"{predicted} {names[predicted]}"
        )
        axes.text(
            0, 1 - (place + 0.6) / PAIRS, text, fontsize=8, va="center", transform=axes.transAxes
        )
