"""Put a rectangle of another image of the batch into each image; labels mix as the areas do.

Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features",
ICCV 2019, with a rectangle for each image.
"""

from typing import Annotated

import tensorflow as tf

from convstudy.augmentation._mixing import mixed_labels, partners, shares
from convstudy.augmentation._rectangles import mask

MIXES_LABELS = True


def make(
    *,
    alpha: Annotated[float, {"exclusiveMinimum": 0, "maximum": 100}] = 1.0,
    probability: Annotated[float, {"minimum": 0, "maximum": 1}] = 1.0,
):
    """Make the step.

    Args:
        alpha: of Beta(alpha, alpha), from which the areas are drawn; with 1 all are as likely.
        probability: of an image to be mixed.
    """

    def mix(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first, second, third = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
        n, size = tf.shape(images)[0], images.shape[1:3]
        partner, sides = partners(n, first), tf.constant([*size], tf.float32)[:, None]
        lengths = tf.floor(tf.sqrt(1.0 - shares(n, alpha, probability, second)) * sides)
        middles = tf.floor(tf.random.stateless_uniform([2, n], third) * sides)
        inside = mask(middles - tf.floor(lengths / 2.0), lengths, size)
        images = tf.where(inside, tf.gather(images, partner), images)
        # a rectangle that the border cut is smaller than it was drawn
        share = 1.0 - tf.reduce_mean(tf.cast(inside, tf.float32), axis=[1, 2, 3])
        return images, mixed_labels(labels, partner, share)

    return mix
