"""Reliability diagram: does a network that says "80 %" get 80 % right?"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from scipy import stats

from convstudy.data import hdf5
from convstudy.report.plots import scales, style, texts

BINS = 10  # at most
LEAST_IMAGES = 30  # of a bin and seed: fewer say nothing of an accuracy
HISTOGRAM_BINS = 25


class Bins(NamedTuple):
    """Groups of images with like confidences; each array has an entry a group."""

    images: np.ndarray  # of all seeds
    confidence: np.ndarray  # mean, 0-1
    accuracy: np.ndarray  # 0-1
    low: np.ndarray  # ends of the 95 % interval of `accuracy`
    high: np.ndarray


def plot(
    predictions: Sequence[Path | str],
    ece: float,
    ece_floor: float,
    title: str,
    colour: str,
    outputs: Sequence[Path | str],
    seeds: int | None = None,
) -> None:
    """Draw accuracy against confidence with 95 % intervals, and how many images have which.

    Args:
        predictions: The predictions file of each run; the bins pool their test images.
        ece: Expected calibration error (Guo et al. 2017), mean over runs, as a fraction.
        ece_floor: The mean ECE of perfectly calibrated networks with these probabilities.
        title: Shown above the picture.
        colour: The variant's colour.
        outputs: Paths ending in `.png` or `.svg`.
        seeds: How many runs look at one image; None is all of them, with folds it is fewer.
    """
    loaded = [hdf5.read_predictions(path) for path in predictions]
    probabilities, labels = (np.concatenate(parts) for parts in zip(*loaded, strict=True))
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = bins_of(confidence, probabilities.argmax(axis=1) == labels, seeds or len(loaded))
    with style.figure(4.6, 5.4, outputs) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        _draw(top, bins, colour)
        weights = np.full(len(confidence), 100 / len(confidence))
        edges = np.linspace(0, 100, HISTOGRAM_BINS + 1)
        bottom.hist(100 * confidence, edges, weights=weights, color=colour, alpha=0.7)
        # Both axes hold the same percentages, so that the diagonal is seen whole.
        shown = np.concatenate([100 * confidence, 100 * bins.low, 100 * bins.high])
        scales.fit_percent(bottom, "x", shown)
        scales.fit_percent(top, "y", shown)
        bottom.set_xlabel("confidence: probability of the predicted class (%)")
        bottom.set_ylabel("images (%)")
        figure.suptitle(
            f"{texts.wrapped(title, 48, style.TITLE_LINES)}\nECE {100 * ece:.1f} points; "
            f"{100 * ece_floor:.1f} if perfectly calibrated",
            fontsize=10,
        )
        figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=1)


def bins_of(confidence: np.ndarray, correct: np.ndarray, seeds: int) -> Bins:
    """Put images (n,) of all seeds into bins of equal width, and join those that hold few.

    A bin has `LEAST_IMAGES` a seed or more, or is the only one. The interval is Wilson's. An image
    that several seeds judge counts once for it: their answers to one image are alike, and so no
    further evidence.
    """
    narrow = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    held, least = np.bincount(narrow, minlength=BINS), seeds * LEAST_IMAGES
    joined, open_images, number = np.zeros(BINS, dtype=int), 0, 0
    for place, count in enumerate(held):
        joined[place] = number
        open_images += count
        if open_images >= least and held[place + 1 :].sum() >= least:
            open_images, number = 0, number + 1
    index = joined[narrow]
    images, right = np.bincount(index), np.bincount(index, weights=correct)
    intervals = [
        stats.binomtest(round(r / seeds), max(1, round(n / seeds))).proportion_ci(method="wilson")
        for r, n in zip(right, images, strict=True)
    ]
    low, high = np.transpose([(found.low, found.high) for found in intervals])
    means = np.bincount(index, weights=confidence) / images
    return Bins(images, means, right / images, low, high)


def _draw(axes: Axes, bins: Bins, colour: str) -> None:
    x, y = 100 * bins.confidence, 100 * bins.accuracy
    ends = np.maximum(0, [y - 100 * bins.low, 100 * bins.high - y])
    axes.plot([0, 100], [0, 100], "--", color=style.INK, lw=1, label="perfect calibration")
    fewest, most = bins.images.min(), bins.images.max()
    held = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    axes.errorbar(
        x, y, ends, fmt="o-", color=colour, ms=5, lw=1, elinewidth=1.6, capsize=3,
        label=f"accuracy with 95 % interval (Wilson);\nsmall bins joined: each has {held} images",
    )  # fmt: skip
    axes.set_ylabel("accuracy (% of images)")
