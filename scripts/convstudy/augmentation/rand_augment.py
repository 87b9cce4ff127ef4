"""Apply some operations, drawn from a list for each image, all of one magnitude.

Cubuk et al., "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space",
NeurIPS 2020: two numbers in place of a learned policy.
"""

from typing import Annotated

import tensorflow as tf

from convstudy.augmentation import _operations

# the largest strengths of AutoAugment, of which magnitude 10 is the whole
RANGES = _operations.Ranges(
    degrees=30.0, shear=0.3, translation=lambda side: 150 / 331 * side, enhance=0.9, bits=4
)
GREATEST = 10


def make(
    *,
    operations: Annotated[int, {"minimum": 1, "maximum": 10}] = 2,
    magnitude: Annotated[float, {"minimum": 0, "maximum": 10}] = 9.0,
):
    """Make the step.

    Args:
        operations: how many are applied to an image, one after the other.
        magnitude: how strong they are; 10 is AutoAugment's strongest.
    """

    def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for own in tf.unstack(tf.random.experimental.stateless_split(seed, operations)):
            numbers, signs = _operations.drawn(tf.shape(images)[0], own)
            images = _operations.applied(images, numbers, magnitude / GREATEST * signs, RANGES)
        return images

    return augment
