"""VGG with batch norm for small images: Simonyan and Zisserman, Very Deep Networks (ICLR 2015).

The convolutions of the paper's networks A, B, D and E, each followed by a batch norm, and one dense
layer in place of three, as implementations for CIFAR have it. VGG-16 has 14,728,266 trained
parameters on 32x32x3 and 10 classes. The batch norms have Keras's defaults.
"""

from typing import Literal

import keras
from keras import layers

INPUT = "images"
SMALLEST = 32


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Literal[11, 13, 16, 19] = 16,
) -> keras.Model:
    """Build the network: five stages of 3x3 convolutions with pooling, one dense layer.

    Args:
        input_shape: (height, width, channels).
        classes: number of classes.
        depth: the paper's number of layers with weights, of which three are not here.
    """
    stages = {11: (1, 1, 2, 2, 2), 13: (2,) * 5, 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
    network = keras.Sequential([layers.Input(input_shape)], name="vgg_bn")
    for filters, convolutions in zip((64, 128, 256, 512, 512), stages[depth], strict=True):
        for _ in range(convolutions):
            network.add(layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal"))
            network.add(layers.BatchNormalization())
            network.add(layers.Activation("relu"))
        network.add(layers.MaxPooling2D(2))
    network.add(layers.GlobalAveragePooling2D())  # of one pixel where the images are 32x32
    network.add(layers.Dense(classes, activation="softmax", dtype="float32"))
    return network
