"""Sample images of a data set: one column a class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convstudy.data import hdf5
from convstudy.report import class_names
from convstudy.report.plots import style, texts


def plot(
    dataset: Path | str,
    title: str,
    outputs: Sequence[Path | str],
    rows: int = 4,
    columns: int = 12,
) -> None:
    """Draw the first training images of up to `columns` classes, spread over the list of classes.

    Of a data set with folds, where each image trains in one and tests in another, the first images.

    Args:
        dataset: A data set's HDF5 file; only the images shown are read.
        title: Shown above the picture.
        outputs: Paths ending in `.png` or `.svg`.
        rows: Images a class.
        columns: Classes at most.
    """
    names = hdf5.read_attributes(dataset)["class_names"]
    subset = hdf5.POOL if hdf5.is_pooled(dataset) else "train"
    (labels,) = hdf5.read_subset(dataset, subset, ("labels",))
    columns = min(columns, len(names))
    classes = np.linspace(0, len(names) - 1, columns).round().astype(int)
    picks = [np.flatnonzero(labels == c)[:rows] for c in classes]
    images = hdf5.read_rows(dataset, subset, np.concatenate(picks))
    mosaic, pitch = _mosaic(images, [len(p) for p in picks], rows)
    width = style.PAGE_WIDTH
    cell = width / max(columns, 6)
    readable = class_names.readable(names)
    shown = texts.distinct([readable[c] for c in classes], 28)
    # Names at 45 degrees need about 0.04 inches of height a letter.
    height = 0.93 * cell * rows * pitch[0] / pitch[1] + 1.05 + 0.04 * max(map(len, shown))
    with style.figure(max(3.8, cell * columns), height, outputs) as figure:
        axes = figure.subplots()
        axes.set_anchor("S")  # room that is left goes to the names
        axes.imshow(mosaic, interpolation="nearest" if pitch[0] < 100 else "antialiased")
        centres = np.arange(columns) * pitch[1] + pitch[1] / 2
        axes.set_xticks(centres, shown, rotation=45, ha="left", rotation_mode="anchor")
        axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        size = f"{images.shape[2]} x {images.shape[1]} pixels"
        drawn = "images" if subset == hdf5.POOL else "training images"
        axes.set_xlabel(f"{columns} of {len(names)} classes; {drawn}, {size}")
        axes.set_ylabel("images of the class")
        style.heading(figure, title)


def _mosaic(images: np.ndarray, counts: list[int], rows: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Lay images (n, h, w, 3 or 1) out by class; also the (vertical, horizontal) pitch."""
    height, width = images.shape[1:3]
    gap = max(1, height // 16)
    pitch = height + gap, width + gap
    mosaic = np.full((rows * pitch[0], len(counts) * pitch[1], 3), 255, np.uint8)
    start = 0
    for column, count in enumerate(counts):
        for row in range(count):
            top, left = row * pitch[0] + gap // 2, column * pitch[1] + gap // 2
            mosaic[top : top + height, left : left + width] = images[start + row]
        start += count
    return mosaic, pitch
