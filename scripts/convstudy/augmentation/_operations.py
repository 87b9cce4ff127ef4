"""The operations that RandAugment and TrivialAugment draw from, each for images of its own.

Those of Cubuk et al., "AutoAugment", CVPR 2019, as both papers list them. A strength is between -1
and 1; its size counts for all, its sign for those that have two directions. Geometry is about the
middle of the image, and what comes in at the border is grey, as in the code of RandAugment.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from convstudy.augmentation import _colour
from convstudy.augmentation._affine import about_centre, moved, sampled

BEYOND = 128.0  # the grey beyond the border
GEOMETRY = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
POINTWISE = (
    "identity", "auto_contrast", "equalize", "solarize", "posterize",
    "brightness", "colour", "contrast", "sharpness",
)  # fmt: skip
NAMES = (*POINTWISE, *GEOMETRY)
ENHANCE = {
    "brightness": _colour.brightness,
    "colour": _colour.saturation,
    "contrast": _colour.contrast,
    "sharpness": _colour.sharpness,
}


@dataclass(frozen=True)
class Ranges:
    """What a strength of 1 means.

    Attributes:
        degrees: of a rotation.
        shear: pixels to the side for each pixel up.
        translation: pixels for a side of so many.
        enhance: factor of brightness, colour, contrast and sharpness, less 1.
        bits: of 8 that posterize takes away.
    """

    degrees: float
    shear: float
    translation: Callable[[int], float]
    enhance: float
    bits: int


def applied(
    images: tf.Tensor, operations: tf.Tensor, strengths: tf.Tensor, ranges: Ranges
) -> tf.Tensor:
    """Images (b, h, w, c) after one operation each.

    Images with the same operation go through it together: each image through one, not all.

    Args:
        images: float32 in 0-255.
        operations: numbers (b,) of names in `NAMES`.
        strengths: (b,) in [-1, 1].
        ranges: what they mean.
    """
    # all of geometry is one group, whose maps differ
    groups = tf.minimum(operations, len(POINTWISE))
    rows = tf.dynamic_partition(tf.range(tf.shape(images)[0]), groups, len(POINTWISE) + 1)
    changed = []
    for name, own in zip((*POINTWISE, "geometry"), rows, strict=True):
        batch, strength = tf.gather(images, own), tf.gather(strengths, own)
        if name == "geometry":
            changed.append(_geometry(batch, tf.gather(operations, own), strength, ranges))
        else:
            changed.append(_pointwise(name, batch, strength, ranges))
    return tf.ensure_shape(tf.dynamic_stitch(rows, changed), images.shape)


def drawn(n: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Numbers of operations (n,), and signs (n,): 1 or -1."""
    first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    operations = tf.random.stateless_uniform([n], first, 0, len(NAMES), tf.int32)
    heads = tf.random.stateless_uniform([n], second) < 0.5
    return operations, tf.where(heads, 1.0, -1.0)


def _pointwise(name: str, images: tf.Tensor, strength: tf.Tensor, ranges: Ranges) -> tf.Tensor:
    size = tf.abs(strength)[:, None, None, None]
    if name == "identity":
        return images
    if name == "auto_contrast":
        return auto_contrast(images)
    if name == "equalize":
        return equalize(images)
    if name == "solarize":
        return tf.where(images < 256.0 * (1.0 - size), images, 255.0 - images)
    if name == "posterize":
        step = 2.0 ** tf.round(ranges.bits * size)
        return tf.floor(images / step) * step
    return ENHANCE[name](images, 1.0 + ranges.enhance * strength)


def auto_contrast(images: tf.Tensor) -> tf.Tensor:
    """Stretch each channel of each image to 0-255; one of a single value stays."""
    low, high = (f(images, axis=[1, 2], keepdims=True) for f in (tf.reduce_min, tf.reduce_max))
    return tf.where(high > low, (images - low) * tf.math.divide_no_nan(255.0, high - low), images)


def equalize(images: tf.Tensor) -> tf.Tensor:
    """Spread the values of each channel of each image evenly, by PIL's table of whole numbers.

    Keras's layer of that name takes one histogram of all images of a batch.
    """
    shape = tf.shape(images)
    values = tf.cast(tf.round(images), tf.int32)
    flat = tf.reshape(tf.transpose(values, [0, 3, 1, 2]), [shape[0] * shape[3], -1])
    counts = tf.math.bincount(flat, minlength=256, maxlength=256, axis=-1)
    last = tf.reduce_max(tf.where(counts > 0, tf.range(256), 0), axis=1)
    step = (tf.reduce_sum(counts, axis=1) - tf.gather(counts, last, batch_dims=1)) // 255
    below = tf.cumsum(counts, axis=1, exclusive=True) + step[:, None] // 2
    table = tf.minimum(below // tf.maximum(step, 1)[:, None], 255)
    table = tf.where(step[:, None] > 0, table, tf.range(256))
    found = tf.reshape(tf.gather(table, flat, batch_dims=1), tf.gather(shape, [0, 3, 1, 2]))
    return tf.cast(tf.transpose(found, [0, 2, 3, 1]), tf.float32)


def _geometry(
    images: tf.Tensor, operations: tf.Tensor, strength: tf.Tensor, ranges: Ranges
) -> tf.Tensor:
    n, size = tf.shape(images)[0], images.shape[1:3]

    def own(name: str, most: float) -> tf.Tensor:
        return tf.where(operations == NAMES.index(name), most * strength, 0.0)

    angle = own("rotate", math.radians(ranges.degrees))
    shears = own("shear_x", ranges.shear), own("shear_y", ranges.shear)
    turned = about_centre(
        n, size, tf.cos(angle), shears[0] - tf.sin(angle), shears[1] + tf.sin(angle), tf.cos(angle)
    )
    rows, columns = (
        own(name, ranges.translation(side))
        for name, side in zip(("translate_y", "translate_x"), size, strict=True)
    )
    return sampled(images, moved(n, columns, rows) @ turned, "constant", BEYOND)
