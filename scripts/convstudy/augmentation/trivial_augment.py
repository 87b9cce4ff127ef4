"""Apply one operation to each image, drawn from a list, of a strength that is drawn, too.

Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", ICCV 2021:
nothing to tune. Strengths are multiples of 1/30.
"""

from typing import Literal

import tensorflow as tf

from convstudy.augmentation import _operations, rand_augment

RANGES = {
    "wide": _operations.Ranges(
        degrees=135.0, shear=0.99, translation=lambda side: 32.0, enhance=0.99, bits=6
    ),
    "standard": rand_augment.RANGES,
}
LEVELS = 30


def make(*, space: Literal["wide", "standard"] = "wide"):
    """Make the step.

    Args:
        space: how strong the strongest operations are, by the paper's names; standard is
            AutoAugment's.
    """

    def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        numbers, signs = _operations.drawn(tf.shape(images)[0], first)
        levels = tf.random.stateless_uniform(tf.shape(signs), second, 0, LEVELS + 1, tf.int32)
        strengths = tf.cast(levels, tf.float32) / LEVELS * signs
        return _operations.applied(images, numbers, strengths, RANGES[space])

    return augment
