"""Confusion matrix of a variant, over all its seeds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from convstudy.data import hdf5
from convstudy.report.plots import style
from convstudy.statistics import metrics

NAMED_UP_TO = 40
PAIRS = 8


def plot(
    predictions: Sequence[Path | str],
    class_names: Sequence[str],
    title: str,
    outputs: Sequence[Path | str],
) -> None:
    """Draw the share of each true class (row) that is taken for each class (column).

    With few classes each cell bears its percentage and each axis the names. With many, the axes
    bear class numbers, and the pairs most often confused stand below the matrix by name.

    Args:
        predictions: The predictions file of each seed; their test images are pooled.
        class_names: Names in the order of the labels.
        title: Shown above the picture.
        outputs: Paths ending in `.png` or `.svg`.
    """
    counts = sum(metrics.confusion_matrix(*hdf5.read_predictions(path)) for path in predictions)
    total = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.maximum(total, 1)
    names = [style.display_name(name) for name in class_names]
    few = len(names) <= NAMED_UP_TO
    height = 6.7 if few else 8.3
    with style.figure(style.PAGE_WIDTH, height, outputs) as figure:
        if few:
            axes = figure.subplots()
        else:
            axes, below = figure.subplots(2, 1, height_ratios=(6.6, 1.7))
            _pairs(below, counts, names)
        # The square root lifts rare confusions out of the white.
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 100))
        bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[0, 1, 5, 10, 25, 50, 75, 100])
        bar.set_label("share of the true class's test images (%)")
        axes.grid(visible=False)
        axes.set_xlabel("predicted class" if few else "predicted class (number)")
        axes.set_ylabel("true class" if few else "true class (number)")
        if few:
            _name_cells(axes, shares, names)
        axes.set_title(title)


def _name_cells(axes: Axes, shares: np.ndarray, names: list[str]) -> None:
    size = 7.5 if len(names) <= 30 else 6
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    for row, column in zip(*np.nonzero(shares >= 0.5), strict=True):
        axes.text(
            column, row, f"{shares[row, column]:.0f}", ha="center", va="center",
            fontsize=min(8, 130 / len(names)),
            color="white" if shares[row, column] > 28 else style.INK,
        )  # fmt: skip


def _pairs(axes: Axes, counts: np.ndarray, names: list[str]) -> None:
    """List the most frequent confusions by name."""
    axes.axis("off")
    axes.set_title("most frequent confusions (true > predicted, % of the true class)", loc="left")
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = counts / total * (1 - np.eye(len(names)))
    for place, flat in enumerate(np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]):
        true, predicted = divmod(int(flat), len(names))
        if wrong[true, predicted] == 0:
            break
        share = 100 * wrong[true, predicted]
        text = f"{share:.0f} %   {true} {names[true][:34]}  >  {predicted} {names[predicted][:34]}"
        axes.text(
            0, 1 - (place + 0.6) / PAIRS, text, fontsize=8, va="center", transform=axes.transAxes
        )
