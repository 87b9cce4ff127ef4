"""Random flips and shifts of a batch as stateless graph operations.

Stateless: the result is a function of the images and the seed alone, so an epoch can be repeated.
"""

import tensorflow as tf


def random_flip(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Flip each image of (b, h, w, c) from left to right with probability 1/2."""
    heads = tf.random.stateless_uniform([tf.shape(images)[0]], seed) < 0.5
    return tf.where(heads[:, None, None, None], tf.reverse(images, [2]), images)


def random_shift(images: tf.Tensor, height: float, width: float, seed: tf.Tensor) -> tf.Tensor:
    """Shift each image by up to the given fractions of its height and width, evenly drawn."""
    n = tf.shape(images)[0]
    limits = [height * images.shape[1], width * images.shape[2]]
    return shift(images, tf.random.stateless_uniform([n, 2], seed, -1.0, 1.0) * limits)


def shift(images: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Sample each image of (b, h, w, c) at its pixels moved by `offsets` (b, 2), in pixels.

    Bilinear between pixels, and the nearest pixel beyond the border, as ImageDataGenerator's
    `tx`, `ty` with its default `fill_mode="nearest"`.
    """
    n = tf.shape(images)[0]
    ones, zeros = tf.ones([n]), tf.zeros([n])
    rows, columns = offsets[:, 0], offsets[:, 1]
    transforms = tf.stack([ones, zeros, columns, zeros, ones, rows, zeros, zeros], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=images.shape[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )
