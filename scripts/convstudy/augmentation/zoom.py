"""Make images larger or smaller about their middle."""

from typing import Annotated, Literal

import tensorflow as tf

from convstudy.augmentation._affine import Affine, about_centre


def make(
    *,
    factor: Annotated[float, {"minimum": 0, "maximum": 0.9}] = 0.2,
    fill: Literal["nearest", "reflect", "wrap", "constant"] = "nearest",
) -> Affine:
    """Make the step.

    Args:
        factor: 0.2 makes an image between 0.8 and 1.2 times as large, evenly drawn.
        fill: what comes in around a smaller image; constant is black.
    """

    def draw(n, size, seed):
        scale = 1.0 / (1.0 + factor * tf.random.stateless_uniform([n], seed, -1.0, 1.0))
        return about_centre(n, size, scale, 0.0, 0.0, scale)

    return Affine(draw, fill)
