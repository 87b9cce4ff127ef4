"""A classifier on the feature vectors of a frozen backbone."""

from typing import Annotated

import keras
from keras import layers

INPUT = "features"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    hidden: list[Annotated[int, {"minimum": 1}]] = (),
    dropout: Annotated[float, {"minimum": 0, "exclusiveMaximum": 1}] = 0.0,
) -> keras.Model:
    """Build the head: hidden layers with ReLU, each followed by dropout, and a softmax.

    Args:
        input_shape: (length of the feature vectors,).
        classes: number of classes.
        hidden: widths of the hidden layers.
        dropout: fraction dropped after each hidden layer.
    """
    network = keras.Sequential([layers.Input(input_shape)], name="feature_head")
    for width in hidden:
        network.add(layers.Dense(width, activation="relu"))
        if dropout:
            network.add(layers.Dropout(dropout))
    network.add(layers.Dense(classes, activation="softmax"))
    return network
