"""Cut a random part out of images and enlarge it to their size.

Szegedy et al., "Going Deeper with Convolutions", CVPR 2015: parts of 8 to 100 % of the area, with
aspect ratios between 3/4 and 4/3. A part that would be longer than a side is as long as the side,
where others draw again.
"""

from typing import Annotated

import tensorflow as tf

from convstudy.augmentation._affine import Affine, about_centre, moved


def make(
    *,
    area: Annotated[float, {"exclusiveMinimum": 0, "maximum": 1}] = 0.08,
    aspect: Annotated[float, {"minimum": 1, "maximum": 10}] = 4 / 3,
) -> Affine:
    """Make the step.

    Args:
        area: smallest part of the area; 1 is the largest.
        aspect: largest aspect ratio of a part in either direction, to that of the image.
    """

    def draw(n, size, seed):
        own = tf.random.experimental.stateless_split(seed, 2)
        part = tf.random.stateless_uniform([n], own[0], area, 1.0) if area < 1 else tf.ones([n])
        power, down, right = tf.unstack(tf.random.stateless_uniform([3, n], own[1], -1.0, 1.0))
        ratio = tf.cast(aspect, tf.float32) ** power
        tall = tf.minimum(tf.sqrt(part / ratio), 1.0)
        wide = tf.minimum(tf.sqrt(part * ratio), 1.0)
        # how far the middle may go so that the part stays within the image
        rows, columns = (1 - tall) * size[0] / 2 * down, (1 - wide) * size[1] / 2 * right
        return moved(n, columns, rows) @ about_centre(n, size, wide, 0.0, 0.0, tall)

    return Affine(draw, "nearest")
