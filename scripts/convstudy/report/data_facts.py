"""What the data sets of a study are: classes, images a part, and what their files say of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data import hdf5
from convstudy.report.grids import Cell, Grid, Head
from convstudy.report.notes import percent

LONGEST = 120  # letters of an attribute; what is longer is cut


def grid(files: Mapping[str, Path | str]) -> Grid:
    """A row a data set: classes, images of each part, the smallest and the largest class.

    Of one with folds the images of a fold on average, and all that test, of which each does once.

    Args:
        files: the HDF5 file of each data set.
    """
    heads = [
        Head("data set"), Head("classes"), *(Head(f"{part} images") for part in hdf5.SUBSETS),
        Head("images a class, training"), Head("largest class in test, %", "majority"),
        Head("pixels"),
    ]  # fmt: skip
    body, notes = [], []
    for dataset, path in files.items():
        attributes = hdf5.read_attributes(path)
        classes = len(attributes["class_names"])
        counts, folds = _counts(path, classes), attributes.get("folds")
        if folds:
            notes.append(
                f"{dataset}: {folds} folds; training and validation images are those of one fold, "
                f"on average, and every image tests once."
            )
        train, test = counts["train"], counts["test"]
        least, most = int(train.min()), int(train.max())
        height, width = attributes["image_size"]
        body.append([
            Cell.of(dataset), Cell.of(classes),
            *(Cell.of(int(own.sum()), _count, f"{dataset}||n_{x}") for x, own in counts.items()),
            Cell.of(f"{least}" if least == most else f"{least} to {most}"),
            Cell.of(float(test.max() / max(1, test.sum())), percent, f"{dataset}||majority"),
            Cell.of(f"{width} × {height}"),
        ])  # fmt: skip
    return Grid("Data sets", heads, body, notes, [str(path) for path in files.values()])


def _counts(path: Path | str, classes: int) -> dict[str, np.ndarray]:
    """Images (classes,) of each part."""
    if not hdf5.is_pooled(path):
        return {
            part: np.bincount(hdf5.read_subset(path, part, ("labels",))[0], minlength=classes)
            for part in hdf5.SUBSETS
        }
    labels, parts = hdf5.read_subset(path, hdf5.POOL, ("labels", "parts"))
    found = {}
    for place, part in enumerate(hdf5.SUBSETS):
        shares = (parts == place).sum(axis=1) / (1 if part == "test" else parts.shape[1])
        found[part] = np.bincount(labels, shares, minlength=classes).round().astype(int)
    return found


def said(files: Mapping[str, Path | str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each data set what its file says: where it came from, how it was split, what is left out.

    Names of classes are not repeated: the tables of classes have them.
    """
    found = []
    for dataset, path in files.items():
        attributes = hdf5.read_attributes(path)
        facts = [
            (key, _short(attributes[key])) for key in sorted(attributes) if key != "class_names"
        ]
        found.append((dataset, facts))
    return found


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        text = ", ".join(str(x) for x in value)
    else:
        text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _count(value: int) -> str:
    return f"{value:,}"
