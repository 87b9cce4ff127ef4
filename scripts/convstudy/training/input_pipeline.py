"""What feeds a network: batches of images or features, preprocessed and augmented.

The order of the images and their augmentation are functions of (seed, epoch, step) alone.
"""

import contextlib
import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convstudy import generators
from convstudy.data import hdf5, stored_rows
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.training import augmented


def load_subsets(
    spec: dict[str, Any],
    data_file: str,
    statistics_file: str | None,
    seed: int,
    epoch: int = 0,
    data_mb: float = math.inf,
) -> tuple[dict[str, Any], dict[str, Any], list[keras.callbacks.Callback]]:
    """The stream from an `epoch` on, with the `labels` of its `n` images, and validation images.

    The latter are arguments of `fit`, and callbacks that they need: a pass in the stored order, or
    one that is augmented anew in every epoch, where the protocol has it so. Of both, `data_mb` are
    held in memory at most; what is more is read from the disk, step by step, and ahead of it.
    Where a step of augmentation mixes labels, those of all batches are rows (classes,).
    """
    batch, memory = spec["training"]["batch_size"], stored_rows.Memory(data_mb)
    plain, statistics = preprocessing(spec, statistics_file)
    classes = len(hdf5.read_attributes(data_file)["class_names"])
    generator = augmented.of(spec["generator"], plain, classes)

    def load(subset: str, make: Callable) -> tuple[stored_rows.Rows, np.ndarray]:
        return load_subset(spec, data_file, subset, memory, lambda block: make(block, statistics))

    arrays, labels = load("train", generator.training_arrays)
    epochs = tf.data.Dataset.counter(epoch, 1)
    stream = training_stream(generator, statistics, arrays, labels, batch, seed, epochs)
    data = {"stream": stream, "labels": labels, "n": len(labels)}
    callbacks = []
    if spec.get("validation_images") != "augmented":
        arrays, held_out = load("validation", generator.test_arrays)
        validation = test_stream(generator, statistics, arrays, held_out, batch)
    else:
        # a mixture of validation images would be no image that is to be classified
        generator = augmented.of(spec["generator"], plain, classes, mixing=False)
        arrays, held_out = load("validation", generator.training_arrays)
        callbacks = [number := EpochNumber()]
        # a seed that no training has, so that its draws are not those of the training images
        validation = training_stream(
            generator, statistics, arrays, held_out, batch, seed + 2**32, number.passes()
        )
    steps = -(-len(held_out) // batch)
    return data, {"validation_data": validation, "validation_steps": steps}, callbacks


def load_subset(
    spec: dict[str, Any],
    data_file: str,
    subset: str,
    memory: stored_rows.Memory,
    make: Callable[[np.ndarray], np.ndarray],
) -> tuple[stored_rows.Rows, np.ndarray]:
    """What `make` makes of a subset's images or features, and its labels; see `stored_rows`."""
    rows, labels = stored_rows.of_subset(data_file, subset, hdf5.array_of(spec["input"]))
    return stored_rows.held(rows, memory, make), labels


class EpochNumber(keras.callbacks.Callback):
    """The number of the epoch that a training is in, for a stream of validation images.

    Keras begins its validation data from the start in every epoch, so the data cannot count.
    """

    def __init__(self):
        super().__init__()
        with tf.device("CPU"):  # where streams are, also of a training on a GPU
            self._number = tf.Variable(0, dtype=tf.int64, trainable=False)

    def on_epoch_begin(self, epoch, logs=None):
        """Take the number; epochs count from 0 here."""
        self._number.assign(epoch)

    def passes(self) -> tf.data.Dataset:
        """The one number, as it is when the data are asked for."""
        return tf.data.Dataset.range(1).map(_traced(lambda _: self._number.read_value()))


def preprocessing(
    spec: dict[str, Any], statistics_file: str | None
) -> tuple[generators.Generator, generators.Statistics]:
    """A run's generator (on features: one that changes nothing) and its statistics."""
    block = spec["generator"]
    generator = generators.Generator()
    if block:
        generator = generators.make(block["kind"], block["options"])
    return generator, hdf5.read_statistics(statistics_file)


def training_stream(
    generator: generators.Generator,
    statistics: generators.Statistics,
    arrays: stored_rows.Rows,
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    epochs: tf.data.Dataset,
) -> tf.data.Dataset:
    """Augmented batches of (images, labels): in each of `epochs` all, in an order of its own.

    Keras's own seeded shuffle repeats one order in every epoch. Here order and augmentation follow
    from (seed, epoch, step), so a stream can also begin at any epoch.
    """
    labels = tf.constant(labels)
    n = len(labels)

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(n), seed=tf.stack([tf.constant(seed, tf.int64), epoch])
        )
        steps = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).enumerate()
        return steps.map(_traced(lambda step, rows: (_draw(seed, epoch, step), rows)))

    def load(key: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch, own = _taken(arrays, rows), tf.gather(labels, rows)
        return generator.training_pair(batch, own, key, statistics)

    batches = epochs.flat_map(_traced(batches_of))
    return _ahead(batches.map(_traced(load), num_parallel_calls=_workers()), arrays)


def test_stream(
    generator: generators.Generator,
    statistics: generators.Statistics,
    arrays: stored_rows.Rows,
    labels: np.ndarray,
    batch_size: int,
) -> tf.data.Dataset:
    """Batches of (images, labels) in their stored order, without augmentation."""
    labels = tf.constant(labels)

    def load(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch = generator.test_batch(_taken(arrays, rows), statistics)
        return batch, generator.loss_labels(tf.gather(labels, rows))

    rows_of_batches = tf.data.Dataset.range(len(labels)).batch(batch_size)
    return _ahead(rows_of_batches.map(_traced(load)), arrays)


def _traced(function: Callable) -> Callable:
    """The function as a graph is made of it.

    AutoGraph, which translates an `if` or `for` of tensors, is for the user's code alone: ours has
    none, and its translation would take longer than an epoch of a head.
    """
    if plugin_files.own_folder():
        return function
    return tf.autograph.experimental.do_not_convert(function)


def _taken(arrays: stored_rows.Rows, rows: tf.Tensor) -> tf.Tensor:
    """Some rows, taken where they are: a tensor of all would be copies of them all.

    The result follows from the numbers of the rows alone. TensorFlow must know that
    (`stateful=False`), or it would not read ahead where operations have to be deterministic. It
    keeps `take` until the process ends, so that must not keep the arrays.
    """
    kept = weakref.ref(arrays)

    def take(numbers: np.ndarray) -> np.ndarray:
        try:
            return kept()[numbers]
        except UserError as error:
            _not_read.append(error)
            raise

    batch = tf.numpy_function(take, [rows], arrays.dtype, stateful=False)
    return tf.ensure_shape(batch, (None, *arrays.shape[1:]))


def _ahead(stream: tf.data.Dataset, arrays: stored_rows.Rows) -> tf.data.Dataset:
    """The stream, which reads ahead and keeps its arrays as long as it is there itself."""
    stream = stream.prefetch(2).with_options(_options())
    stream.arrays = arrays
    return stream


_not_read: list[UserError] = []


@contextlib.contextmanager
def naming_damage() -> Iterator[None]:
    """Raise the `UserError` of rows that could not be read, of which TensorFlow makes its own."""
    _not_read.clear()
    try:
        yield
    except tf.errors.OpError as error:
        # a stream that nobody reads any more may have met damage, too: TensorFlow quotes its own
        causes = [cause for cause in _not_read if str(cause) in error.message]
        if not causes:
            raise
        raise causes[0] from error


def _draw(seed: int, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """The two-number seed of one batch's augmentation."""
    return tf.stack([tf.constant(seed, tf.int64) * 1_000_003 + epoch, step * 16])


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = _workers()
    return options


def _workers() -> int:
    """How many batches are prepared at a time; they come in their order, and no bit depends on it.

    On the processor one, beside the threads of the step itself: a second pool would take from
    these. Beside a GPU these threads have nothing else to do.
    """
    if not tf.config.get_visible_devices("GPU"):
        return 1
    return tf.config.threading.get_intra_op_parallelism_threads() or 1
