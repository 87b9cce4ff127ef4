"""A generator whose own random changes are replaced by a list of steps of augmentation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from convstudy import augmentation, generators
from convstudy.generators import Generator, Statistics


def of(
    block: dict[str, Any] | None, generator: Generator, classes: int, mixing: bool = True
) -> Generator:
    """The generator with the `augmentation` of its block; as it is where the block has none.

    Args:
        block: `kind`, `options` and, where it is set, `augmentation`; None on features.
        generator: the generator of the block.
        classes: their number.
        mixing: take also the steps that mix labels.
    """
    steps = (block or {}).get("augmentation")
    if steps is None:
        return generator
    return Augmented(generator, steps, classes, mixing) if steps else Still(generator)


def mixes_labels(block: dict[str, Any] | None) -> bool:
    """Whether labels are rows (classes,) that sum to 1, of validation images, too."""
    return augmentation.mixes_labels((block or {}).get("augmentation") or ())


class Still(Generator):
    """The preprocessing of a generator, without its random changes."""

    def __init__(self, plain: Generator):
        self.plain = plain

    def training_arrays(self, images, statistics):
        """Those of test images."""
        return self.plain.test_arrays(images, statistics)

    def test_arrays(self, images, statistics):
        """Those of the generator."""
        return self.plain.test_arrays(images, statistics)

    def test_batch(self, batch, statistics):
        """That of the generator."""
        return self.plain.test_batch(batch, statistics)


class Augmented(Still):
    """Raw images through the steps, then through the preprocessing of a generator."""

    def __init__(
        self, plain: Generator, steps: Sequence[dict[str, Any]], classes: int, mixing: bool
    ):
        super().__init__(plain)
        self.steps, self.mixing = augmentation.Augmentation(steps), mixing
        self.classes = classes if augmentation.mixes_labels(steps) else None

    def training_arrays(self, images, statistics):
        """Raw images."""
        return images

    def training_pair(self, batch, labels, seed, statistics):
        """Augment, mix labels where a step does so, and preprocess."""
        labels = self.loss_labels(labels)
        if self.mixing and self.classes:
            batch, labels = self.steps.images_and_labels(batch, labels, seed)
        else:
            batch = self.steps.images(batch, seed)
        return self.plain.test_batch(self._arrays(batch, statistics), statistics), labels

    def loss_labels(self, labels):
        """Rows (b, classes) where a step mixes labels."""
        return tf.one_hot(labels, self.classes) if self.classes else labels

    def _arrays(self, batch: tf.Tensor, statistics: Statistics) -> tf.Tensor:
        """What `test_arrays`, a function of NumPy arrays, makes of a batch inside the graph."""
        if type(self.plain).test_arrays is generators.Generator.test_arrays:
            return batch
        like = self.plain.test_arrays(np.zeros((1, *batch.shape[1:]), np.float32), statistics)

        def arrays(images: np.ndarray) -> np.ndarray:
            return self.plain.test_arrays(images, statistics)

        # it follows from the batch alone, which TensorFlow must know to read ahead
        made = tf.numpy_function(arrays, [batch], like.dtype, stateful=False)
        return tf.ensure_shape(made, (None, *like.shape[1:]))
