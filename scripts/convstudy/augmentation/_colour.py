"""Blends of images, of which brightness, contrast, saturation and sharpness are made.

As in PIL's ImageEnhance: `degenerate + factor * (image - degenerate)`, cut to 0-255.
"""

import tensorflow as tf

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL's conversion to grey
MIDDLE = 4.0  # PIL's ImageFilter.SMOOTH: a square of ones, with so much more in its middle


def brightness(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Make images (b, h, w, c) so many times (b,) as bright."""
    return _blend(tf.zeros([]), images, factor)


def contrast(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Pull pixels away from the mean grey of their image (factor > 1), or towards it."""
    return _blend(tf.reduce_mean(grey(images), axis=[1, 2], keepdims=True), images, factor)


def saturation(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Pull pixels away from their grey (factor > 1), or towards it; a grey image has no other."""
    return images if images.shape[-1] == 1 else _blend(grey(images), images, factor)


def sharpness(images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Pull pixels away from a smoothed image (factor > 1), or towards it; not at the border."""
    # sums of slices: a convolution of no image at all has another shape with some processors
    rows = images[:, :-2] + images[:, 1:-1] + images[:, 2:]
    square = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    inner = (square + MIDDLE * images[:, 1:-1, 1:-1]) / (9.0 + MIDDLE)
    around = [[0, 0], [1, 1], [1, 1], [0, 0]]
    is_inner = tf.pad(tf.ones_like(inner, tf.bool), around)
    return _blend(tf.where(is_inner, tf.pad(inner, around), images), images, factor)


def hue(images: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    """Turn the hue by parts (b,) of the whole circle; a grey image has none."""
    if images.shape[-1] == 1:
        return images
    hues, *others = tf.unstack(tf.image.rgb_to_hsv(images / 255.0), axis=-1)
    hues = tf.math.floormod(hues + turn[:, None, None], 1.0)
    return tf.clip_by_value(255.0 * tf.image.hsv_to_rgb(tf.stack([hues, *others], -1)), 0.0, 255.0)


def grey(images: tf.Tensor) -> tf.Tensor:
    """Grey images (b, h, w, 1)."""
    if images.shape[-1] == 1:
        return images
    return tf.reduce_sum(images * tf.constant(LUMA), axis=-1, keepdims=True)


def _blend(degenerate: tf.Tensor, images: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    blended = degenerate + factor[:, None, None, None] * (images - degenerate)
    return tf.clip_by_value(blended, 0.0, 255.0)
