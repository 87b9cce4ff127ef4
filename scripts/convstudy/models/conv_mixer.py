"""ConvMixer: Trockman and Kolter, Patches Are All You Need? (TMLR 2023).

The default is the paper's network for CIFAR-10, ConvMixer-256/8 with 0.7 million parameters:
706,570 on 32x32x3 and 10 classes. The batch norms are as in the published code.
"""

from typing import Annotated

import keras
from keras import layers

from convstudy.foundation.errors import UserError

INPUT = "images"


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, {"minimum": 1}] = 256,
    depth: Annotated[int, {"minimum": 1}] = 8,
    kernel: Annotated[int, {"minimum": 1}] = 9,
    patch: Annotated[int, {"minimum": 1}] = 1,
) -> keras.Model:
    """Build the network: patches, then blocks that mix pixels and channels in turn, a dense layer.

    Args:
        input_shape: (height, width, channels).
        classes: number of classes.
        width: number of channels in all blocks.
        depth: number of blocks.
        kernel: side of the depthwise convolutions.
        patch: side of the patches, in pixels; 2 is about four times as fast as 1.

    Raises:
        UserError: a patch is larger than the images.
    """
    if patch > min(input_shape[:2]):
        raise UserError(
            f"config: models: conv_mixer with patch: {patch}, and the images have sides of "
            f"{input_shape[0]} and {input_shape[1]} pixels: choose a smaller patch."
        )
    images = layers.Input(input_shape)
    maps = _active(layers.Conv2D(width, patch, patch)(images))
    for _ in range(depth):
        mixed = _active(layers.DepthwiseConv2D(kernel, padding="same")(maps))
        maps = layers.Add()([mixed, maps])
        maps = _active(layers.Conv2D(width, 1)(maps))
    vector = layers.GlobalAveragePooling2D()(maps)
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(vector)
    return keras.Model(images, outputs, name="conv_mixer")


def _active(maps: keras.KerasTensor) -> keras.KerasTensor:
    norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    return norm(layers.Activation("gelu")(maps))
