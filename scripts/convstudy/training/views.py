"""Views of images for test-time augmentation: flipped, and moved as random crops would be."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convstudy.data import stored_rows


def seen(images: np.ndarray, flip: bool, offset: tuple[int, int]) -> np.ndarray:
    """One view of images (n, h, w, c), of the same shape.

    Args:
        images: before any preprocessing.
        flip: from left to right, after the move.
        offset: pixels [down, right] by which a window moves over the images; beyond their borders
            it sees the pixels of the border, as after padding by them.
    """
    rows, columns = (
        np.clip(np.arange(size) + by, 0, size - 1)
        for size, by in zip(images.shape[1:3], offset, strict=True)
    )
    moved = images[:, rows][:, :, columns]
    return moved[:, :, ::-1] if flip else moved


class View:
    """Rows of images (n, ...) seen in one way and preprocessed, made when they are asked for.

    So all views together hold the images once.
    """

    def __init__(
        self,
        images: stored_rows.Rows,
        view: Mapping[str, Any],
        make: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._images, self._view, self._make = images, view, make
        probe = self[np.arange(1)]
        self.shape, self.dtype = (len(images), *probe.shape[1:]), probe.dtype

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """The rows of these numbers (m,)."""
        return self._make(seen(self._images[numbers], **self._view))
