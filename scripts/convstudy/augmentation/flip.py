"""Mirror images, left to right or upside down."""

from typing import Annotated

import tensorflow as tf

CHANCE = {"minimum": 0, "maximum": 1}


def make(
    *,
    horizontal: Annotated[float, CHANCE] = 0.5,
    vertical: Annotated[float, CHANCE] = 0.0,
):
    """Make the step.

    Args:
        horizontal: probability that an image is mirrored from left to right.
        vertical: probability that it is turned upside down.
    """

    def flip(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        for axis, chance, own in ((2, horizontal, first), (1, vertical, second)):
            images = random_flip(images, own, chance, axis) if chance else images
        return images

    return flip


def random_flip(
    images: tf.Tensor, seed: tf.Tensor, chance: float = 0.5, axis: int = 2
) -> tf.Tensor:
    """Mirror each image of (b, h, w, c) along an axis (2: left to right) with a probability."""
    heads = tf.random.stateless_uniform([tf.shape(images)[0]], seed) < chance
    return tf.where(heads[:, None, None, None], tf.reverse(images, [axis]), images)
