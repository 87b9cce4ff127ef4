"""Put a border around images and cut their own size out again, at a random place.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016: 4 pixels of black for CIFAR.
"""

from typing import Annotated, Literal

import tensorflow as tf

from convstudy.augmentation._affine import Affine, moved

PIXELS = ("padding",)


def make(
    *,
    padding: Annotated[int, {"minimum": 1}] = 4,
    fill: Literal["constant", "nearest", "reflect", "wrap"] = "constant",
) -> Affine:
    """Make the step.

    Args:
        padding: pixels of the border on each side, fewer than the shorter side of an image has.
        fill: what the border is made of; constant is black.
    """

    def draw(n, size, seed):
        offsets = tf.random.stateless_uniform([n, 2], seed, -padding, padding + 1, tf.int32)
        return moved(n, offsets[:, 1], offsets[:, 0])

    return Affine(draw, fill)
