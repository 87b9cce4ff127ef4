"""Mix each image, and its label, with another one of the batch.

Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, with a share for each image.
"""

from typing import Annotated

import tensorflow as tf

from convstudy.augmentation._mixing import mixed_labels, partners, shares

MIXES_LABELS = True


def make(
    *,
    alpha: Annotated[float, {"exclusiveMinimum": 0, "maximum": 100}] = 0.2,
    probability: Annotated[float, {"minimum": 0, "maximum": 1}] = 1.0,
):
    """Make the step.

    Args:
        alpha: of Beta(alpha, alpha), from which the shares are drawn; with 1 all are as likely.
        probability: of an image to be mixed.
    """

    def mix(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        n = tf.shape(images)[0]
        partner, share = partners(n, first), shares(n, alpha, probability, second)
        others = tf.gather(images, partner) - images
        images += (1.0 - share)[:, None, None, None] * others
        return images, mixed_labels(labels, partner, share)

    return mix
