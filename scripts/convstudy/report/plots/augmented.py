"""A few augmented training images, with their classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstudy.data import hdf5
from convstudy.report import class_names
from convstudy.report.plots import style, texts

COLUMNS = 6
LEAST = 0.01  # share of a class that is named


def plot(
    dataset: Path | str,
    images: np.ndarray,
    shares: np.ndarray,
    title: str,
    steps: str,
    outputs: Sequence[Path | str],
) -> None:
    """Draw images in rows of six, each above its class or, of mixed ones, the shares of classes.

    Args:
        dataset: the data set's HDF5 file, which has the names of the classes.
        images: (n, h, w, 3 or 1), in 0-255.
        shares: how much of each class is in them (n, classes).
        title: shown above the picture.
        steps: what was done to them, shown below.
        outputs: paths ending in `.png` or `.svg`.
    """
    names = class_names.readable(hdf5.read_attributes(dataset)["class_names"])
    pixels = np.clip(np.round(images), 0, 255).astype(np.uint8)
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    rows = -(-len(images) // COLUMNS)
    with style.figure(style.PAGE_WIDTH, 1.0 + 1.45 * rows, outputs) as figure:
        frames = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axes in frames:
            axes.set_axis_off()
        for axes, image, share in zip(frames, pixels, shares, strict=False):
            axes.imshow(image, interpolation="nearest" if len(image) < 100 else "antialiased")
            axes.set_title(caption(share, names), fontsize=6.5)
        style.heading(figure, title)
        figure.supxlabel(texts.wrapped(steps, 130, 3), fontsize=6.5)


def caption(share: np.ndarray, names: Sequence[str]) -> str:
    """The class, or the classes of a mixture with their shares in %, a line each."""
    found = [k for k in np.argsort(-share, kind="stable") if share[k] >= LEAST]
    if share[found[0]] > 1 - LEAST:
        return texts.shortened(names[found[0]], 20)
    return "\n".join(f"{100 * share[k]:.0f} % {texts.shortened(names[k], 16)}" for k in found[:2])
