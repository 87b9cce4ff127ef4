"""A network of `keras.applications` that is trained from scratch on images of any size it takes."""

import inspect
from typing import Annotated

import keras
from keras import layers

from convstudy import models

INPUT = "images"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    name: Annotated[str, {"$ref": "#/$defs/backbone/properties/application"}] = "ResNet50",
    batch_norm_momentum: Annotated[float | None, {"minimum": 0, "maximum": 1}] = None,
) -> keras.Model:
    """Build the network without its top, a global average of its maps, and one dense layer.

    It takes a generator's output: what it has of input preprocessing is left out or undone.

    Args:
        input_shape: (height, width, channels).
        classes: number of classes.
        name: of the network in keras.applications.
        batch_norm_momentum: of its batch norms; null is the network's own, which for some is too
            slow for a small data set (0.999).
    """
    make = getattr(keras.applications, name)
    options = {"weights": None, "include_top": False, "input_shape": input_shape}
    if "include_preprocessing" in inspect.signature(make).parameters:
        options["include_preprocessing"] = False
    network = make(**options)
    if batch_norm_momentum is not None:
        for layer in models.batch_norms(network):
            layer.momentum = batch_norm_momentum
    images = maps = layers.Input(input_shape)
    for layer in network.layers:  # EfficientNetB0 to B7 always divide the pixels by 255
        if isinstance(layer, layers.Rescaling):
            maps = layers.Rescaling(1 / layer.scale)(maps)
    vector = layers.GlobalAveragePooling2D()(network(maps))
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(vector)
    return keras.Model(images, outputs, name="application")
