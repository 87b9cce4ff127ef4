"""Change brightness, contrast, saturation and hue, in this order, each by a draw of its own.

As torchvision's ColorJitter, which draws the order, too. Grey images have brightness and contrast.
"""

from typing import Annotated

import tensorflow as tf

from convstudy.augmentation import _colour

PART = {"minimum": 0, "maximum": 1}


def make(
    *,
    brightness: Annotated[float, PART] = 0.2,
    contrast: Annotated[float, PART] = 0.2,
    saturation: Annotated[float, PART] = 0.2,
    hue: Annotated[float, {"minimum": 0, "maximum": 0.5}] = 0.0,
):
    """Make the step.

    Args:
        brightness: 0.2 makes images between 0.8 and 1.2 times as bright, evenly drawn.
        contrast: the same for the distance of pixels from the mean grey of their image.
        saturation: the same for the distance of pixels from their grey; nothing in a grey image.
        hue: largest turn of the hue in both directions, of a circle of 1; nothing in a grey image.
    """
    factors = (
        (_colour.brightness, brightness),
        (_colour.contrast, contrast),
        (_colour.saturation, saturation),
    )

    def jitter(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        draws = tf.random.stateless_uniform([4, tf.shape(images)[0]], seed, -1.0, 1.0)
        for number, (change, most) in enumerate(factors):
            images = change(images, 1.0 + most * draws[number]) if most else images
        return _colour.hue(images, hue * draws[3]) if hue else images

    return jitter
