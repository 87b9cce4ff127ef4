"""Augmentation: random changes of training images, one file a step.

A step is one file with a function `make(*, <options>)`. It returns the change: a function of images
(b, h, w, c), float32 in 0-255, and of a seed, a tensor of two integers; what it returns has the
same shape and range and follows from both alone, with draws of its own for each image. Where the
file says `MIXES_LABELS = True`, the change takes and returns labels (b, classes), too: `change(
images, labels, seed)`. A constant `PIXELS` names options that count pixels, of which there must be
fewer than the shorter side of an image has.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from convstudy.augmentation._affine import Affine
from convstudy.foundation import plugin_files


class Augmentation:
    """A list of steps, for batches inside the graph."""

    def __init__(self, steps: Sequence[dict[str, Any]]):
        """Make the steps.

        Args:
            steps: `kind` (a file of this folder) and `options` of each.
        """
        self.changes = [*_joined([_make(step) for step in steps])]

    def images(self, images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        """Images (b, h, w, c), float32, after all steps but those that mix labels.

        Args:
            images: in 0-255, of any type.
            key: two integers of int64; equal keys give equal changes.
        """
        images = tf.cast(images, tf.float32)
        for number, (change, mixes) in enumerate(self.changes):
            if not mixes:
                images = change(images, _seed(key, number))
        return images

    def images_and_labels(
        self, images: tf.Tensor, labels: tf.Tensor, key: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Images and labels (b, classes) after all steps; see `images`."""
        images = tf.cast(images, tf.float32)
        for number, (change, mixes) in enumerate(self.changes):
            seed = _seed(key, number)
            if mixes:
                images, labels = change(images, labels, seed)
            else:
                images = change(images, seed)
        return images, labels


def mixes_labels(steps: Sequence[dict[str, Any]]) -> bool:
    """Whether one of the steps makes an image of several, whose label is a mixture, too."""
    return any(_mixes(step["kind"]) for step in steps)


def _mixes(kind: str) -> bool:
    return getattr(plugin_files.load("augmentation", kind), "MIXES_LABELS", False)


def _make(step: dict[str, Any]) -> tuple[Callable, bool]:
    """The change of one step, and whether it mixes labels."""
    module = plugin_files.load("augmentation", step["kind"])
    return module.make(**step["options"]), _mixes(step["kind"])


def _joined(changes: list[tuple[Callable, bool]]) -> Iterator[tuple[Callable, bool]]:
    """The same with one sampling for affine changes in a row, which blurs once and is faster."""
    waiting: Affine | None = None
    for change, mixes in changes:
        if isinstance(change, Affine) and waiting and waiting.fill == change.fill:
            waiting = waiting.then(change)
            continue
        if waiting:
            yield waiting, False
        waiting = change if isinstance(change, Affine) else None
        if not waiting:
            yield change, mixes
    if waiting:
        yield waiting, False


def _seed(key: tf.Tensor, number: int) -> tf.Tensor:
    """A seed for one step: with sums of keys and numbers, long lists would share draws."""
    return tf.random.experimental.stateless_fold_in(key, tf.constant(number, key.dtype))
