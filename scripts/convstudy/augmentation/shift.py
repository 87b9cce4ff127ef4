"""Shift images by fractions of their height and width."""

from typing import Annotated, Literal

import tensorflow as tf

from convstudy.augmentation._affine import Affine, moved, sampled

PART = {"minimum": 0, "exclusiveMaximum": 1}


def make(
    *,
    width: Annotated[float, PART] = 0.1,
    height: Annotated[float, PART] = 0.1,
    fill: Literal["nearest", "reflect", "wrap", "constant"] = "nearest",
) -> Affine:
    """Make the step.

    Args:
        width: largest shift to the left or right, as a fraction of the width.
        height: largest shift up or down, as a fraction of the height.
        fill: what comes in at the border; constant is black.
    """

    def draw(n, size, seed):
        rows, columns = tf.unstack(_offsets(n, size, height, width, seed), axis=1)
        return moved(n, columns, rows)

    return Affine(draw, fill)


def random_shift(images: tf.Tensor, height: float, width: float, seed: tf.Tensor) -> tf.Tensor:
    """Shift each image by up to the given fractions of its height and width, evenly drawn."""
    size = images.shape[1:3]
    return shift(images, _offsets(tf.shape(images)[0], size, height, width, seed))


def shift(images: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Sample each image of (b, h, w, c) at its pixels moved by `offsets` (b, 2), in pixels.

    Bilinear between pixels, and the nearest pixel beyond the border, as ImageDataGenerator's
    `tx`, `ty` with its default `fill_mode="nearest"`.
    """
    maps = moved(tf.shape(images)[0], offsets[:, 1], offsets[:, 0])
    return sampled(images, maps, "nearest")


def _offsets(n, size, height: float, width: float, seed: tf.Tensor) -> tf.Tensor:
    """Rows and columns (n, 2), in pixels."""
    limits = [height * size[0], width * size[1]]
    return tf.random.stateless_uniform([n, 2], seed, -1.0, 1.0) * limits
