"""ResNet-9, a network of speed runs on CIFAR-10: Page, How to train your ResNet (2018).

It won DAWNBench's contest for the shortest training to 94 %. 6,573,120 trained parameters on
32x32x3 and 10 classes. Batch norms and first weights are those of the published code.
"""

import keras
from keras import layers

from convstudy.models import _speed_runs

INPUT = "images"
SMALLEST = 8
SCALE = 0.125  # of the logits


def build(input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build the network: four convolutions, two of them followed by a residual block.

    Args:
        input_shape: (height, width, channels).
        classes: number of classes.
    """
    images = layers.Input(input_shape)
    maps = _convolution(images, 64)
    for filters, has_block in ((128, True), (256, False), (512, True)):
        maps = layers.MaxPooling2D(2)(_convolution(maps, filters))
        if has_block:
            inner = _convolution(_convolution(maps, filters), filters)
            maps = layers.Add()([maps, inner])
    vector = layers.GlobalMaxPooling2D()(maps)
    return keras.Model(images, _speed_runs.probabilities(vector, classes, SCALE), name="resnet9")


def _convolution(maps: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """A convolution without bias, its batch norm and its activation."""
    convolution = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=_speed_runs.weights()
    )
    norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    return layers.Activation("relu")(norm(convolution(maps)))
