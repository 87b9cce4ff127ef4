"""airbench94, a network of today's speed runs on CIFAR-10: Jordan, 94% on CIFAR-10 (2024).

The paper's whole title is "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv 2404.00498).
1.97 million trained parameters on 32x32x3 and 10 classes. Its first convolution is fixed and hands
on what 2x2 pixels hold in independent directions of equal variance; its others begin as the
identity. In the paper these directions are fitted to training images. Here they are those that
small patches of photographs have: averages and differences of neighbours, each in grey and two
opponent colours (Ruderman et al., Statistics of cone responses to natural images, 1998); a batch
norm makes their variances equal.
"""

from typing import Annotated

import keras
import numpy as np
from keras import layers

from convstudy.models import _speed_runs

INPUT = "images"
SMALLEST = 9
SCALE = 1 / 9  # of the logits
# of batch norms: statistics of as many images of batches of 64 as 0.6, the paper's, of its 1,024
MOMENTUM = 0.97
# rows are directions: of a pair of neighbours, and of red, green and blue
HAAR = np.array([[1, 1], [1, -1]])
COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]])


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, {"minimum": 1}] = 64,
) -> keras.Model:
    """Build the network: whitened patches, three pairs of convolutions, a dense layer.

    Args:
        input_shape: (height, width, channels).
        classes: number of classes.
        width: filters of the first pair; the other two have four times as many.
    """
    images = layers.Input(input_shape)
    patches = _patches(input_shape[2])
    fixed = layers.Conv2D(patches.shape[-1], 2, use_bias=False, trainable=False, name="patches")
    maps = _activated(fixed(images))
    fixed.set_weights([patches])
    for filters in (width, 4 * width, 4 * width):
        maps = _activated(layers.MaxPooling2D(2)(_convolution(maps, filters)))
        maps = _activated(_convolution(maps, filters))
    vector = layers.GlobalMaxPooling2D()(maps)
    return keras.Model(images, _speed_runs.probabilities(vector, classes, SCALE), name="airbench")


def _patches(channels: int) -> np.ndarray:
    """The fixed kernel (2, 2, channels, 8 * channels): each direction and its opposite.

    Of other numbers of channels than three, each is a direction of its own.
    """
    colours = COLOURS if channels == 3 else np.eye(channels)
    kernel = np.einsum("ay,bx,kc->yxcabk", HAAR, HAAR, colours).reshape(2, 2, channels, -1)
    kernel = kernel / np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
    return np.concatenate([kernel, -kernel], axis=-1).astype(np.float32)


def _convolution(maps: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """A convolution without bias, the first of whose filters hand their inputs on."""
    convolution = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=_speed_runs.weights()
    )
    found = convolution(maps)
    (kernel,) = convolution.get_weights()
    same = np.arange(min(kernel.shape[2:]))
    kernel[..., same] = 0.0
    kernel[1, 1, same, same] = 1.0
    convolution.set_weights([kernel])
    return found


def _activated(maps: keras.KerasTensor) -> keras.KerasTensor:
    """Batch norm without scales, and GELU."""
    norm = layers.BatchNormalization(scale=False, momentum=MOMENTUM, epsilon=1e-5)
    return layers.Activation("gelu")(norm(maps))
