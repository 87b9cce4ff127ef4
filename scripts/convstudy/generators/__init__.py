"""Generators: the statistics of the training images, preprocessing and augmentation.

A generator is one file with a function `make(*, <options>) -> Generator` and two constants: `FITS`
(it learns statistics from the training images) and `AUGMENTS` (its training stream is random). A
constant `LARGEST` limits the number of values (height x width x channels) of an image, and
`RANDOM_OPTIONS` names the options of its own random changes, in whose place a config may put a list
of steps (`augmentation`): these give `test_arrays` and `test_batch` float32 in place of uint8.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from convstudy.foundation import plugin_files, row_blocks

Statistics = dict[str, np.ndarray]


class Generator:
    """Feeds arrays as they are (feature vectors, say); image generators override its methods."""

    def fit(self, images: Any) -> Statistics:
        """Learn statistics from the training images (n, h, w, 3 or 1), uint8 in 0-255.

        An array; where the images are more than a job may hold (`memory.data_mb`), rows on the disk
        that are asked for in the same way: `images[10:20]`. `blocks` gives both piece by piece.
        """
        return {}

    def training_arrays(self, images: np.ndarray, statistics: Statistics) -> np.ndarray:
        """What a training job keeps, in memory or on the disk: one entry an image.

        It is asked for block by block where there are many images, so an entry follows from its own
        image and the statistics alone.
        """
        return images

    def test_arrays(self, images: np.ndarray, statistics: Statistics) -> np.ndarray:
        """The same of images that are never augmented."""
        return images

    def training_batch(self, batch: Any, seed: Any, statistics: Statistics) -> Any:
        """Turn a batch of `training_arrays` into the network's input, inside the graph.

        Args:
            batch: tensor of entries.
            seed: tensor of two integers; equal seeds give equal augmentation.
            statistics: what `fit` returned.
        """
        return self.test_batch(batch, statistics)

    def training_pair(
        self, batch: Any, labels: Any, seed: Any, statistics: Statistics
    ) -> tuple[Any, Any]:
        """The same of images with their labels (b,); rows of `loss_labels` where they are mixed."""
        return self.training_batch(batch, seed, statistics), labels

    def loss_labels(self, labels: Any) -> Any:
        """Labels (b,) as the loss takes them: as they are, or as rows (b, classes)."""
        return labels

    def test_batch(self, batch: Any, statistics: Statistics) -> Any:
        """Turn a batch of `test_arrays` into the network's input, inside the graph."""
        return batch

    def layers(self, shape: tuple[int, int, int], statistics: Statistics) -> list[Any]:
        """The same as `test_arrays` and `test_batch`, as built-in Keras layers for an export.

        Args:
            shape: (height, width, channels) of the images, whose pixels are in 0-255.
            statistics: what `fit` returned; the layers hold what they need of it.
        """
        return []


def blocks(images: Any, least: int = 2048) -> Iterator[np.ndarray]:
    """All images in blocks, in their order, each of `least` images or more where there are so many.

    Args:
        images: an array, or rows on the disk.
        least: a block has less than twice as many.
    """
    return (images[block] for block in row_blocks.even(len(images), least))


def make(kind: str, options: dict[str, Any]) -> Generator:
    """Make the generator of the file `kind`."""
    return plugin_files.load("generators", kind).make(**options)
