"""Replace a random rectangle of images.

Zhong et al., "Random Erasing Data Augmentation", AAAI 2020: half of the images, 2 to 40 % of the
area, aspect ratios between 0.3 and 1/0.3, random pixels. A rectangle that would be longer than a
side is as long as the side, where the paper draws again.
"""

from typing import Annotated, Literal

import tensorflow as tf

from convstudy.augmentation._rectangles import mask

SMALLEST = 0.02  # of the area
FLATTEST = 0.3  # aspect ratio


def make(
    *,
    probability: Annotated[float, {"minimum": 0, "maximum": 1}] = 0.5,
    fraction: Annotated[float, {"minimum": 0.02, "maximum": 1}] = 0.4,
    fill: Literal["noise", "black", "mean"] = "noise",
):
    """Make the step.

    Args:
        probability: of an image to lose a rectangle.
        fraction: largest rectangle, as a fraction of the area; 0.02 is the smallest.
        fill: random pixels, black, or the mean of the image's pixels.
    """

    def erase(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        boxes, noise = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        inside = _rectangles(images, boxes)
        if fill == "noise":
            new = tf.random.stateless_uniform(tf.shape(images), noise, 0.0, 255.0)
        elif fill == "mean":
            new = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
        else:
            new = tf.zeros([])
        return tf.where(inside, new, images)

    def _rectangles(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Which pixels (b, h, w, 1) are erased."""
        n, size = tf.shape(images)[0], images.shape[1:3]
        draws = tf.random.stateless_uniform([5, n], seed)
        area = SMALLEST + (fraction - SMALLEST) * draws[0]
        aspect = FLATTEST ** (2.0 * draws[1] - 1.0)
        sides = tf.constant([*size], tf.float32)[:, None]
        parts = tf.stack([tf.sqrt(area * aspect), tf.sqrt(area / aspect)])
        lengths = tf.clip_by_value(tf.round(parts * sides), 1.0, sides)
        starts = tf.floor(draws[2:4] * (sides - lengths + 1.0))
        chosen = (draws[4] < probability)[:, None, None, None]
        return chosen & mask(starts, lengths, size)

    return erase
