"""ResNet for small images: He et al., Deep Residual Learning (CVPR 2016), section 4.2.

ResNet-20 has 269,722 trained parameters on 32x32x3 and 10 classes, ResNet-56 853,018. The paper
says nothing of its batch norms, which have Keras's defaults.
"""

from typing import Literal

import keras
from keras import layers

INPUT = "images"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    depth: Literal[20, 32, 44, 56, 110] = 20,
    shortcut: Literal["identity", "projection"] = "identity",
) -> keras.Model:
    """Build the network: a convolution, three stages of (depth - 2) / 6 blocks, one dense layer.

    Args:
        input_shape: (height, width, channels); any size.
        classes: number of classes.
        depth: number of layers with weights, on the way through all blocks.
        shortcut: where maps become smaller, `identity` takes every second pixel and adds channels
            of zeros (the paper's option A, without parameters), `projection` is a 1x1 convolution.
    """
    images = layers.Input(input_shape)
    maps = layers.Activation("relu")(_convolution(images, 16))
    for filters in (16, 32, 64):
        for number in range((depth - 2) // 6):
            stride = 2 if number == 0 and filters > 16 else 1
            maps = _block(maps, filters, stride, shortcut)
    vector = layers.GlobalAveragePooling2D()(maps)
    dense = layers.Dense(
        classes, activation="softmax", kernel_initializer="he_normal", dtype="float32"
    )
    return keras.Model(images, dense(vector), name="resnet_cifar")


def _block(maps: keras.KerasTensor, filters: int, stride: int, shortcut: str) -> keras.KerasTensor:
    """Two convolutions, and the shortcut around them."""
    inner = layers.Activation("relu")(_convolution(maps, filters, stride))
    inner = _convolution(inner, filters)
    if stride > 1 and shortcut == "projection":
        maps = _convolution(maps, filters, stride, size=1)
    elif stride > 1:
        maps = layers.AveragePooling2D(1, strides=stride)(maps)
        maps = keras.ops.pad(maps, [(0, 0), (0, 0), (0, 0), (0, filters - maps.shape[-1])])
    return layers.Activation("relu")(layers.Add()([inner, maps]))


def _convolution(
    maps: keras.KerasTensor, filters: int, stride: int = 1, size: int = 3
) -> keras.KerasTensor:
    """A convolution without bias, and its batch norm."""
    padding = "same"
    if size > 1 and stride > 1:  # on both sides: `same` would shift every second pixel by one
        maps, padding = layers.ZeroPadding2D(size // 2)(maps), "valid"
    convolution = layers.Conv2D(
        filters, size, stride, padding, use_bias=False, kernel_initializer="he_normal"
    )
    return layers.BatchNormalization()(convolution(maps))
