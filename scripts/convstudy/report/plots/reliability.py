"""Reliability diagram: does a network that says "80 %" get 80 % right?"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstudy.data import hdf5
from convstudy.report.plots import style
from convstudy.statistics import calibration


def plot(
    predictions: Sequence[Path | str],
    title: str,
    colour: str,
    outputs: Sequence[Path | str],
) -> None:
    """Draw accuracy against confidence in 15 bins, and how many images fall into each.

    Args:
        predictions: The predictions file of each seed; the bins pool their test images, and the
            calibration error (ECE, Guo et al. 2017) is the mean over seeds.
        title: Shown above the picture.
        colour: The variant's colour.
        outputs: Paths ending in `.png` or `.svg`.
    """
    loaded = [hdf5.read_predictions(path) for path in predictions]
    ece = np.mean([calibration.expected_calibration_error(*one) for one in loaded])
    probabilities, labels = (np.concatenate(parts) for parts in zip(*loaded, strict=True))
    count, confidence, accuracy = calibration.reliability(probabilities, labels)
    bins = len(count)
    centres = 100 * (np.arange(bins) + 0.5) / bins
    held = count > 0
    with style.figure(4.4, 5, outputs) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        top.bar(
            centres[held], 100 * accuracy[held], 100 / bins, color=colour, alpha=0.35,
            edgecolor=colour, label="accuracy of the bin",
        )  # fmt: skip
        top.plot(
            100 * confidence[held], 100 * accuracy[held], "o", color=colour, ms=4,
            label="at the bin's mean confidence",
        )  # fmt: skip
        top.plot([0, 100], [0, 100], "--", color=style.INK, lw=1, label="perfect calibration")
        top.set(xlim=(0, 100), ylim=(0, 100), ylabel="accuracy (% of images)")
        top.set_title(f"{title}\nECE {100 * ece:.1f} points", fontsize=10)
        bottom.bar(centres, 100 * count / count.sum(), 100 / bins, color=colour, alpha=0.7)
        bottom.set(xlabel="confidence: probability of the predicted class (%)")
        bottom.set_ylabel("images (%)")
        figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=2)
