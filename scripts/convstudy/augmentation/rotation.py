"""Turn images about their middle."""

import math
from typing import Annotated, Literal

import tensorflow as tf

from convstudy.augmentation._affine import Affine, about_centre


def make(
    *,
    degrees: Annotated[float, {"minimum": 0, "maximum": 180}] = 15.0,
    fill: Literal["nearest", "reflect", "wrap", "constant"] = "nearest",
) -> Affine:
    """Make the step.

    Args:
        degrees: largest angle, in both directions.
        fill: what comes in at the corners; constant is black.
    """
    limit = math.radians(degrees)

    def draw(n, size, seed):
        angle = tf.random.stateless_uniform([n], seed, -limit, limit) if limit else tf.zeros([n])
        cosine, sine = tf.cos(angle), tf.sin(angle)
        return about_centre(n, size, cosine, -sine, sine, cosine)

    return Affine(draw, fill)
