"""BaseNet, a small first network: 24,197 parameters on 32x32x3 and 25 classes."""

import keras
from keras import layers

INPUT = "images"
SMALLEST = 16


def build(input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build the network: two convolutions with pooling, one hidden layer."""
    return keras.Sequential(
        [
            layers.Input(input_shape),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(50, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ],
        name="base_net",
    )
