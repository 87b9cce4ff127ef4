"""Rectangles of images, as masks."""

import tensorflow as tf


def mask(starts: tf.Tensor, lengths: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Which pixels (n, h, w, 1) of images lie in their rectangles.

    Args:
        starts: first row and first column (2, n), whole numbers.
        lengths: rows and columns (2, n); what lies outside the image does not count.
        size: height and width.
    """
    rows, columns = (
        (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
        for pixels, start, length in zip(
            (tf.range(side, dtype=tf.float32) for side in size),
            tf.unstack(starts),
            tf.unstack(lengths),
            strict=True,
        )
    )
    return (rows[:, :, None] & columns[:, None, :])[..., None]
