"""This project's own code, as its jobs run it."""

import functools

import keras
import numpy as np
import tensorflow as tf

from convstudy import generators, models
from convstudy.networks import backbones, features, folding, precision
from convstudy.study import training_settings
from convstudy.training import device, input_pipeline, loop, step_loop
from engines import CLASSES, Size, labels_of, rate
from engines._fit import timed_fit

LIBRARIES = ("tensorflow", "keras", "numpy")
RESNET = {"application": "ResNet50", "weights": "random", "cut": None, "batch_norm_momentum": None}


def extraction(computed_in: str, threads: int, size: Size) -> float:
    """Features of ResNet50, batch norms folded."""
    device.set_up_tensorflow(threads, seed=0)
    images = size.large_images()
    forward = features.forward_of(backbones.build(RESNET, (size.side,) * 2, None), computed_in)

    def work() -> None:
        for start in range(0, len(images), size.batch):
            forward(images[start : start + size.batch]).numpy()

    return rate(work, len(images))


def fine_tuning(computed_in: str, threads: int, size: Size) -> float:
    """Training of ResNet50 under a new head, its batch norms frozen and folded."""
    device.set_up_tensorflow(threads, seed=0)
    images = size.large_images()
    backbone = backbones.build(RESNET, (size.side,) * 2, None)
    network = models.build("fine_tuning", images.shape[1:], CLASSES, {"backbone": backbone})
    return _training(network, "none", images, computed_in, size.batch)


def _small(kind: str, generator: str, computed_in: str, threads: int, size: Size) -> float:
    device.set_up_tensorflow(threads, seed=0)
    images = size.small_images()
    network = models.build(kind, images.shape[1:], CLASSES, {})
    return _training(network, generator, images, computed_in, size.batch)


def _training(
    network: keras.Model, kind: str, images: np.ndarray, computed_in: str, batch: int
) -> float:
    settings = {"learning_rate": 0.01, "epochs": 1, "optimizer": "SGD", "loss": "cross_entropy"}
    settings["schedule"] = "constant"
    training_settings.fill(settings, "training")
    steps = -(-len(images) // batch)
    precision.compute_in(network, computed_in)
    folding.fold(network)
    loop.compiled(network, settings, steps)
    step_loop.put_into(network, steps, validation_steps=1)
    generator = generators.make(kind, {})
    fitted = generator.fit(images)
    stream = input_pipeline.training_stream(
        generator,
        fitted,
        generator.training_arrays(images, fitted),
        labels_of(images),
        batch,
        0,
        tf.data.Dataset.counter(0, 1),
    )
    return timed_fit(network, stream, len(images), steps_per_epoch=steps)


# trainings of small networks, on plain images, and with shifts and flips
base_net = functools.partial(_small, "base_net", "none")
base_net_augmented = functools.partial(_small, "base_net", "normalize")
improved_net = functools.partial(_small, "improved_net", "none")
improved_net_augmented = functools.partial(_small, "improved_net", "normalize")
