"""A whole backbone under a new head, every weight trainable."""

from typing import Annotated, Literal

import keras
from keras import layers

from convstudy import models
from convstudy.models import _power_normalization

INPUT = "backbone"
# The option that has the head begin with feature maps, where cached features are vectors.
MAPS = "convolution"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    backbone: keras.Model,
    hidden: list[Annotated[int, {"minimum": 1}]] = (),
    convolution: bool = False,
    batch_norm: Literal["inference", "training"] = "inference",
    power: Annotated[float, {"exclusiveMinimum": 0, "maximum": 1}] = 1.0,
) -> keras.Model:
    """Build the network: backbone, then a dense head or a convolutional one.

    Args:
        input_shape: (height, width, 3); the images are in [0, 1].
        classes: number of classes.
        backbone: un-pooled network that takes images in [0, 1].
        hidden: widths of the hidden layers after the pooling.
        convolution: put a 3x3 convolution of 64 filters and dropout 0.2 before the pooling, and
            dropout 0.4 after each hidden layer.
        batch_norm: `inference` freezes the backbone's batch norms (statistics, scale and offset),
            which few images a class would spoil; `training` is for a backbone with random weights.
        power: exponent of the pooled features' power normalization; 0.5 takes signed square roots.
    """
    if batch_norm == "inference":
        # A `training=False` given to the backbone here would be overruled by `fit`: Keras hands
        # the outer model's mode to the layers of a nested model.
        for layer in models.batch_norms(backbone):
            layer.trainable = False
    images = layers.Input(input_shape)
    maps = backbone(images)
    if convolution:
        maps = layers.Conv2D(64, 3, padding="same", activation="relu")(maps)
        maps = layers.Dropout(0.2)(maps)
    vector = layers.GlobalAveragePooling2D()(maps) if len(maps.shape) == 4 else maps
    vector = _power_normalization.normalized(vector, power)
    for width in hidden:
        vector = layers.Dense(width, activation="relu")(vector)
        if convolution:
            vector = layers.Dropout(0.4)(vector)
    outputs = layers.Dense(classes, activation="softmax")(vector)
    return keras.Model(images, outputs, name="fine_tuning")
