"""Keras as its guides use it: `predict` and `fit` on arrays, layers of Keras for augmentation."""

import functools

import keras
import numpy as np
import tensorflow as tf

from convstudy import models
from engines import CLASSES, Size, labels_of, rate
from engines._fit import timed_fit

LIBRARIES = ("tensorflow", "keras", "numpy")


def extraction(computed_in: str, threads: int, size: Size) -> float:
    """Features of ResNet50 by `predict`."""
    _set_up(threads, computed_in)
    images = size.large_images().astype(np.float32)
    network = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")

    def work() -> None:
        network.predict(images, batch_size=size.batch, verbose=0)

    return rate(work, len(images))


def fine_tuning(computed_in: str, threads: int, size: Size) -> float:
    """Training of ResNet50 under a new head, its batch norms frozen."""
    _set_up(threads, computed_in)
    images = size.large_images()
    backbone = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")
    for layer in models.batch_norms(backbone):
        layer.trainable = False
    head = keras.layers.Dense(CLASSES, activation="softmax", dtype="float32")
    network = keras.Sequential([keras.layers.Input(images.shape[1:]), backbone, head])
    return _fit(network, images.astype(np.float32), size.batch)


def _small(kind: str, augmented: bool, computed_in: str, threads: int, size: Size) -> float:
    _set_up(threads, computed_in)
    images = size.small_images().astype(np.float32) / 255
    network = models.build(kind, images.shape[1:], CLASSES, {})
    if not augmented:
        return _fit(network, images, size.batch)
    changes = keras.Sequential(
        [
            keras.layers.Input(images.shape[1:]),
            keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            keras.layers.RandomFlip("horizontal"),
        ]
    )
    stream = tf.data.Dataset.from_tensor_slices((images, labels_of(images)))
    stream = stream.shuffle(len(images)).batch(size.batch)
    stream = stream.map(lambda x, y: (changes(x, training=True), y)).prefetch(2)
    _compile(network)
    return timed_fit(network, stream, len(images))


def _set_up(threads: int, computed_in: str) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.config.set_dtype_policy(computed_in)


def _fit(network: keras.Model, images: np.ndarray, batch: int) -> float:
    _compile(network)
    return timed_fit(network, images, len(images), y=labels_of(images), batch_size=batch)


def _compile(network: keras.Model) -> None:
    rule = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
    network.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"])


# trainings of small networks, on plain images, and with shifts and flips
base_net = functools.partial(_small, "base_net", False)
base_net_augmented = functools.partial(_small, "base_net", True)
improved_net = functools.partial(_small, "improved_net", False)
improved_net_augmented = functools.partial(_small, "improved_net", True)
