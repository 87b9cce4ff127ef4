"""Generators: the statistics of the training images, preprocessing and augmentation.

A generator is one file with a function `make(*, <options>) -> Generator` and two constants: `FITS`
(it learns statistics from the training images) and `AUGMENTS` (its training stream is random). A
constant `LARGEST` limits the number of values (height x width x channels) of an image.
"""

from typing import Any

import numpy as np

from convstudy.foundation import plugin_files

Statistics = dict[str, np.ndarray]


class Generator:
    """Feeds arrays as they are (feature vectors, say); image generators override its methods."""

    def fit(self, images: np.ndarray) -> Statistics:
        """Learn statistics from the training images (n, h, w, 3 or 1), uint8 in 0-255."""
        return {}

    def training_arrays(self, images: np.ndarray, statistics: Statistics) -> np.ndarray:
        """What a training job keeps in memory, one entry an image."""
        return images

    def test_arrays(self, images: np.ndarray, statistics: Statistics) -> np.ndarray:
        """What is kept in memory of images that are never augmented."""
        return images

    def training_batch(self, batch: Any, seed: Any, statistics: Statistics) -> Any:
        """Turn a batch of `training_arrays` into the network's input, inside the graph.

        Args:
            batch: tensor of entries.
            seed: tensor of two integers; equal seeds give equal augmentation.
            statistics: what `fit` returned.
        """
        return self.test_batch(batch, statistics)

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


def make(kind: str, options: dict[str, Any]) -> Generator:
    """Make the generator of the file `kind`."""
    return plugin_files.load("generators", kind).make(**options)
