"""Wide residual network: Zagoruyko and Komodakis, Wide Residual Networks (BMVC 2016).

WRN-16-4 has 2,748,890 trained parameters on 32x32x3 and 10 classes. Momentum and epsilon of the
batch norms and the first weights are those of the published code.
"""

from typing import Annotated, Literal

import keras
from keras import layers

INPUT = "images"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Literal[10, 16, 22, 28, 40] = 16,
    width: Annotated[int, {"minimum": 1}] = 4,
    dropout: Annotated[float, {"minimum": 0, "exclusiveMaximum": 1}] = 0.0,
) -> keras.Model:
    """Build the network: a convolution, three stages of (depth - 4) / 6 blocks, one dense layer.

    Args:
        input_shape: (height, width, channels); any size.
        classes: number of classes.
        depth: number of convolutions, on the way through all blocks.
        width: how many times 16, 32 and 64 filters the stages have.
        dropout: fraction dropped between the two convolutions of a block.
    """
    images = layers.Input(input_shape)
    maps = _convolution(images, 16)
    for filters in (16 * width, 32 * width, 64 * width):
        for number in range((depth - 4) // 6):
            stride = 2 if number == 0 and filters > 16 * width else 1
            maps = _block(maps, filters, stride, dropout)
    vector = layers.GlobalAveragePooling2D()(_activation(maps))
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(vector)
    return keras.Model(images, outputs, name="wide_resnet")


def _block(maps: keras.KerasTensor, filters: int, stride: int, dropout: float) -> keras.KerasTensor:
    """Two convolutions behind their activations; a 1x1 convolution where the shape changes."""
    active = _activation(maps)
    inner = _activation(_convolution(active, filters, stride))
    if dropout:
        inner = layers.Dropout(dropout)(inner)
    inner = _convolution(inner, filters)
    if stride > 1 or maps.shape[-1] != filters:
        maps = _convolution(active, filters, stride, size=1)
    return layers.Add()([maps, inner])


def _activation(maps: keras.KerasTensor) -> keras.KerasTensor:
    norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    return layers.Activation("relu")(norm(maps))


def _convolution(
    maps: keras.KerasTensor, filters: int, stride: int = 1, size: int = 3
) -> keras.KerasTensor:
    padding = "same"
    if size > 1 and stride > 1:  # on both sides: `same` would shift every second pixel by one
        maps, padding = layers.ZeroPadding2D(size // 2)(maps), "valid"
    weights = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    return layers.Conv2D(
        filters, size, stride, padding, use_bias=False, kernel_initializer=weights
    )(maps)
