"""ImprovedNet, a deeper network: 1,258,553 parameters on 32x32x3 and 25 classes.

Four convolutions in two blocks, dropout, one wide hidden layer; optionally a batch normalization
with each convolution, before or after its activation.
"""

from typing import Literal

import keras
from keras import layers

INPUT = "images"
SMALLEST = 10


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    batch_norm: Literal["none", "before", "after"] = "none",
) -> keras.Model:
    """Build the network.

    Args:
        input_shape: (height, width, channels).
        classes: number of classes.
        batch_norm: where batch normalization stands, relative to the activation.
    """
    network = keras.Sequential([layers.Input(input_shape)], name="improved_net")
    for filters in (32, 64):
        for padding in ("same", "valid"):
            for layer in _convolution(filters, padding, batch_norm):
                network.add(layer)
        network.add(layers.MaxPooling2D(2))
        network.add(layers.Dropout(0.25))
    network.add(layers.Flatten())
    network.add(layers.Dense(512, activation="relu"))
    network.add(layers.Dropout(0.5))
    network.add(layers.Dense(classes, activation="softmax"))
    return network


def _convolution(filters: int, padding: str, batch_norm: str) -> list[keras.Layer]:
    """A convolution and its activation, with batch normalization where it was asked for."""
    stages = [layers.Conv2D(filters, 3, padding=padding), layers.Activation("relu")]
    if batch_norm == "before":
        stages.insert(1, layers.BatchNormalization())
    elif batch_norm == "after":
        stages.append(layers.BatchNormalization())
    return stages
