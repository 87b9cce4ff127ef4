"""The images of a data set, read one at a time, and what is found out about them on the way."""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from convstudy.data import fingerprints, originals
from convstudy.decoding import images
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

log = logging.getLogger(__name__)
NAMED = 20  # images that a message names


class StoredImages:
    """Reads the images of a source.

    Attributes:
        source: the images, and what they are.
        where: the file or folder that messages name.
        originals: what the written images were stored as (see `originals.count`).
        unreadable: why an image cannot be read, by its number.
        prints: the fingerprints of those that can.
    """

    def __init__(self, source: Source, form: images.Form, where: str) -> None:
        self.source = source
        self.form = form
        self.where = where
        self.originals: originals.Originals = defaultdict(Counter)
        self.unreadable: dict[int, str] = {}
        self.prints = fingerprints.Fingerprints(len(source.labels))

    def look_at(self, indices: np.ndarray) -> None:
        """Take the fingerprints of images before they are written."""
        progress = Progress(len(indices), "looked at: ")
        for index in indices.tolist():
            self._decoded(index)
            progress.step()

    def read(self, index: int) -> np.ndarray | None:
        """One image in its form, uint8 (height, width, channels); None if it cannot be read."""
        decoded = None if index in self.unreadable else self._decoded(index)
        if decoded is None:
            return None
        originals.count(self.originals, decoded)
        return self._fitted(index, decoded)

    def digest(self, index: int) -> bytes:
        """The digest of an image's pixels, which is decoded once more for it."""
        return fingerprints.of_pixels(self._opened(index).image)

    def refuse_unreadable(self) -> None:
        """Raise `UserError` with the first images that cannot be read, and why."""
        if self.unreadable:
            count = len(self.unreadable)
            raise UserError(
                f"{self.where}: {count:,} image{'s' * (count > 1)} cannot be used: "
                f"{self.complaints(list(self.unreadable))}. Replace what is bad by a good copy, "
                f"remove it, or set unreadable: skip to go on without it."
            )

    def complaints(self, indices: Sequence[int]) -> str:
        """The first of these images and what is wrong with each, and how many more there are."""
        named = [f"{self.source.names[i]} ({self.unreadable[i]})" for i in indices[:NAMED]]
        more = [f"and {len(indices) - NAMED:,} more"] * (len(indices) > NAMED)
        return "; ".join([*named, *more])

    def _decoded(self, index: int) -> images.Decoded | None:
        try:
            decoded = self._opened(index)
        except images.UnreadableImage as error:
            self.unreadable[index] = error.reason
            return None
        if not self.prints.known[index]:
            self.prints.add(index, decoded.image)
        return decoded

    def _fitted(self, index: int, decoded: images.Decoded) -> np.ndarray:
        return images.fitted(decoded.image, self.form)

    def _opened(self, index: int) -> images.Decoded:
        with originals.opened(self.source.image(index)) as stored:
            return images.decode(stored, self.form, f"{self.where}: {self.source.names[index]}")


class Progress:
    """Counts images, and logs each tenth of the total."""

    def __init__(self, total: int, words: str = "") -> None:
        self.total = total
        self.words = words
        self.done = 0

    def step(self) -> None:
        """Count one image more."""
        before, self.done = self.done, self.done + 1
        if 10 * before // self.total < 10 * self.done // self.total:
            log.info(
                "%s%d of %d images (%d %%)",
                self.words, self.done, self.total, 100 * self.done // self.total,
            )  # fmt: skip
