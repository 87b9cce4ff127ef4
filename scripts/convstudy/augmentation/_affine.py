"""Affine changes of images: each pixel is taken from a position that an affine map gives."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Size = tuple[int, int]  # height and width
# Draws (n, 3, 3) for n images of a size: the map from a pixel (x, y, 1) to where it comes from.
Draw = Callable[[tf.Tensor, Size, tf.Tensor], tf.Tensor]


class Affine:
    """A step of augmentation that samples each image at positions of its own."""

    def __init__(self, draw: Draw, fill: str):
        """Make the step.

        Args:
            draw: makes the maps, from the number of images, their size and a seed.
            fill: what lies beyond the border: `nearest`, `reflect`, `wrap` or `constant` (black).
        """
        self.draw, self.fill = draw, fill

    def __call__(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Sample images (b, h, w, c)."""
        maps = self.draw(tf.shape(images)[0], images.shape[1:3], seed)
        return sampled(images, maps, self.fill)

    def then(self, later: "Affine") -> "Affine":
        """This step and a later one, with one sampling for both."""

        def draw(n: tf.Tensor, size: Size, seed: tf.Tensor) -> tf.Tensor:
            first, second = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
            # the later image is the earlier one at B p, and that is the first one at A B p
            return self.draw(n, size, first) @ later.draw(n, size, second)

        return Affine(draw, self.fill)


def sampled(images: tf.Tensor, maps: tf.Tensor, fill: str, value: float = 0.0) -> tf.Tensor:
    """Images (b, h, w, c) at the positions that maps (b, 3, 3) give, bilinear between pixels.

    `fill` is what lies beyond the border (see `Affine`), `value` the pixel where it is `constant`.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.reshape(maps, [-1, 9])[:, :8],
        output_shape=images.shape[1:3],
        interpolation="BILINEAR",
        fill_mode=fill.upper(),
        fill_value=value,
    )


def moved(n: tf.Tensor, columns: Any, rows: Any) -> tf.Tensor:
    """Maps (n, 3, 3) to positions that lie so many pixels (n,) to the right and below."""
    return _maps(n, (1.0, 0.0, columns), (0.0, 1.0, rows))


def about_centre(n: tf.Tensor, size: Size, xx: Any, xy: Any, yx: Any, yy: Any) -> tf.Tensor:
    """Maps (n, 3, 3) that leave the middle where it is: x' = xx x + xy y, y' = yx x + yy y."""
    y, x = ((side - 1) / 2 for side in size)
    return _maps(n, (xx, xy, x - xx * x - xy * y), (yx, yy, y - yx * x - yy * y))


def _maps(n: tf.Tensor, *rows: tuple[Any, Any, Any]) -> tf.Tensor:
    """Maps of two rows of numbers, each one for all images or one an image (n,)."""
    numbers = [*rows[0], *rows[1], 0.0, 0.0, 1.0]
    columns = [tf.broadcast_to(tf.cast(x, tf.float32), [n]) for x in numbers]
    return tf.reshape(tf.stack(columns, axis=1), [-1, 3, 3])
