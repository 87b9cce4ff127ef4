"""Feature-wise centring and scaling; random shifts and horizontal flips in training.

What Keras's ImageDataGenerator does, one for training and one for validation images; the
augmentation is made of graph operations.
"""

import math
from typing import Annotated

import numpy as np

from convstudy.augmentation.flip import random_flip
from convstudy.augmentation.shift import random_shift
from convstudy.generators import Generator, blocks

FITS = True
AUGMENTS = True
RANDOM_OPTIONS = ("width_shift", "height_shift", "horizontal_flip")
# ImageDataGenerator's guard against a division by zero.
EPSILON = 1e-6


class Normalize(Generator):
    """Pixels with zero mean and unit variance in each colour channel."""

    def __init__(self, width_shift: float, height_shift: float, horizontal_flip: bool):
        self.shift = (height_shift, width_shift)
        self.horizontal_flip = horizontal_flip

    def fit(self, images):
        """Mean and standard deviation (c,) of each channel of images in [0, 1]."""
        # Exact integer sums: no float copy of the images and no rounding that grows with n.
        n = math.prod(images.shape[:3])
        total = squares = np.zeros(images.shape[3], np.uint64)
        for block in blocks(images, least=32):
            total = total + block.sum(axis=(0, 1, 2), dtype=np.uint64)
            squares = squares + np.square(block, dtype=np.uint64).sum(axis=(0, 1, 2))
        mean = total / n
        return {"mean": mean / 255.0, "std": np.sqrt(squares / n - mean**2) / 255.0}

    def training_batch(self, batch, seed, statistics):
        """Shift and flip at random, then standardise."""
        import tensorflow as tf

        batch = tf.cast(batch, tf.float32)
        batch = random_shift(batch, *self.shift, seed)
        if self.horizontal_flip:
            batch = random_flip(batch, seed + 1)
        return self.test_batch(batch, statistics)

    def test_batch(self, batch, statistics):
        """Standardise."""
        import tensorflow as tf

        mean, std = (statistics[name].astype(np.float32) for name in ("mean", "std"))
        return (tf.cast(batch, tf.float32) / 255.0 - mean) / (std + EPSILON)

    def layers(self, shape, statistics):
        """Scale to [0, 1] and standardise."""
        from keras import layers

        mean, variance = statistics["mean"], (statistics["std"] + EPSILON) ** 2
        return [
            layers.Rescaling(1 / 255, name="scale_pixels"),
            layers.Normalization(
                mean=mean.tolist(), variance=variance.tolist(), name="standardise_pixels"
            ),
        ]


def make(
    *,
    width_shift: Annotated[float, {"minimum": 0, "exclusiveMaximum": 1}] = 0.1,
    height_shift: Annotated[float, {"minimum": 0, "exclusiveMaximum": 1}] = 0.1,
    horizontal_flip: bool = True,
) -> Generator:
    """Make the generator.

    Args:
        width_shift: largest shift, as a fraction of the width.
        height_shift: largest shift, as a fraction of the height.
        horizontal_flip: flip half of the training images.
    """
    return Normalize(width_shift, height_shift, horizontal_flip)
