"""What mixup and cutmix share: with which image each one is mixed, and how much of it stays."""

import tensorflow as tf


def partners(n: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """For each image of a batch (n,) the number of another one, or its own: a permutation."""
    return tf.random.experimental.stateless_shuffle(tf.range(n), seed)


def shares(n: tf.Tensor, alpha: float, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """How much of each image stays (n,): of Beta(alpha, alpha), or all of it where it is left.

    From logarithms of gamma variates, which would be 0 for a small alpha: log G(a) =
    log G(a + 1) + log(U) / a (Marsaglia and Tsang, ACM TOMS 26, 2000).
    """
    first, second, third = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    gammas = tf.math.log(tf.random.stateless_gamma([2, n], first, alpha + 1.0))
    uniform = tf.random.stateless_uniform([2, n], second, 1e-12, 1.0)
    logs = gammas + tf.math.log(uniform) / alpha
    mixed = tf.random.stateless_uniform([n], third) < probability
    return tf.where(mixed, tf.sigmoid(logs[0] - logs[1]), 1.0)


def mixed_labels(labels: tf.Tensor, partner: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """Labels (n, classes) of images of which so much (n,) stayed."""
    return share[:, None] * labels + (1.0 - share)[:, None] * tf.gather(labels, partner)
