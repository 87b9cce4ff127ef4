"""A classifier on the feature vectors of a frozen backbone."""

from typing import Annotated

import keras
from keras import layers

from convstudy.models import _power_normalization

INPUT = "features"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    hidden: list[Annotated[int, {"minimum": 1}]] = (),
    dropout: Annotated[float, {"minimum": 0, "exclusiveMaximum": 1}] = 0.0,
    power: Annotated[float, {"exclusiveMinimum": 0, "maximum": 1}] = 1.0,
) -> keras.Model:
    """Build the head: hidden layers with ReLU, each followed by dropout, and a softmax.

    Args:
        input_shape: (length of the feature vectors,).
        classes: number of classes.
        hidden: widths of the hidden layers.
        dropout: fraction dropped after each hidden layer.
        power: exponent of the features' power normalization; 0.5 takes signed square roots.
    """
    vectors = layers.Input(input_shape)
    outputs = _power_normalization.normalized(vectors, power)
    for width in hidden:
        outputs = layers.Dense(width, activation="relu")(outputs)
        if dropout:
            outputs = layers.Dropout(dropout)(outputs)
    outputs = layers.Dense(classes, activation="softmax")(outputs)
    return keras.Model(vectors, outputs, name="feature_head")
