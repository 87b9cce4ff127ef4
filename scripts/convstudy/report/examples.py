"""Pictures of test images that a network took for something else."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from convstudy.data import folds, hdf5
from convstudy.foundation.errors import UserError
from convstudy.report.confusion import Pair
from convstudy.report.results import Predictions, Result

MOST = 12
EACH = 3
SIDE = 96  # pixels at most
PNG_UP_TO = 48  # pixels of a side; larger pictures are smaller as JPEG


@dataclass(frozen=True)
class Example:
    """A test image: its picture, its row in the predictions file, and what the network said."""

    picture: str
    source: str
    row: int
    name: str
    true: str
    predicted: str
    confidence: float


class Pictures:
    """The test images of one data set, read a few at a time; with folds all images, fold by fold.

    Args:
        path: the data set's HDF5 file.
    """

    def __init__(self, path: Path | str):
        self.path = path
        pooled = hdf5.is_pooled(path)
        self._subset = hdf5.POOL if pooled else "test"
        (self.labels,) = hdf5.read_subset(path, self._subset, ("labels",))
        self._order = np.arange(len(self.labels))
        if pooled:
            self._order = folds.order(path)
            self.labels = self.labels[self._order]

    def check(self, result: Result, labels: np.ndarray) -> None:
        """Raise `UserError` where predictions are not of these images in this order."""
        if not np.array_equal(labels, self.labels):
            raise UserError(
                f"{result.sources[0][1]}: its labels are not those of the test images in "
                f"{self.path} ({len(labels)} and {len(self.labels)}), so no picture belongs to a "
                f"prediction. Delete the run's folder and run the same command again."
            )

    def read(self, rows: np.ndarray) -> list[tuple[str, str]]:
        """(data address, name) of test images, each picture 96 pixels wide at most."""
        if not len(rows):
            return []
        places = self._order[rows]
        images = hdf5.read_rows(self.path, self._subset, places)
        names = hdf5.read_rows(self.path, self._subset, places, "names")
        texts = [name.decode("utf-8", "replace") for name in names]
        return [(address(image), text) for image, text in zip(images, texts, strict=True)]


def certain_mistakes(
    result: Result, pictures: Pictures, predictions: Predictions, most: int = MOST
) -> list[Example]:
    """The wrong predictions of one run that were most certain, the most certain first."""
    probabilities, labels = predictions
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return _examples(result, pictures, probabilities, wrong, most)


def of_pair(
    result: Result, pictures: Pictures, predictions: Predictions, pair: Pair, most: int = EACH
) -> list[Example]:
    """Images that one run confused as a pair says, the most certain first."""
    probabilities, labels = predictions
    confused = (labels == pair.true) & (probabilities.argmax(axis=1) == pair.predicted)
    return _examples(result, pictures, probabilities, np.flatnonzero(confused), most)


def typical(pictures: Pictures, label: int) -> str | None:
    """A picture of a class: its first test image; None without one."""
    found = pictures.read(np.flatnonzero(pictures.labels == label)[:1])
    return found[0][0] if found else None


def address(image: np.ndarray) -> str:
    """A `data:` address of an image (height, width, 3 or 1) uint8, 96 pixels a side at most."""
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture.thumbnail((SIDE, SIDE))
    kind = "png" if max(picture.size) <= PNG_UP_TO else "jpeg"
    stream = io.BytesIO()
    picture.save(stream, kind, **({"optimize": True} if kind == "png" else {"quality": 85}))
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"


def _examples(
    result: Result, pictures: Pictures, probabilities: np.ndarray, held: np.ndarray, most: int
) -> list[Example]:
    """Of the rows that are held, those of the highest confidence."""
    confidence = probabilities[held].max(axis=1)
    rows = held[np.argsort(-confidence, kind="stable")][:most]
    names = result.readable_names
    return [
        Example(
            picture,
            *result.origin(int(row)),
            name,
            names[pictures.labels[row]],
            names[probabilities[row].argmax()],
            float(probabilities[row].max()),
        )
        for row, (picture, name) in zip(rows, pictures.read(rows), strict=True)
    ]
