"""Folding: a batch norm that only applies its statistics becomes part of the convolution before it.

Such a norm multiplies each channel by a number and adds another, and a convolution is linear in its
kernel: with a kernel times the first numbers and a bias of the second, the convolution gives what
both gave, up to rounding, and the feature maps pass through memory once less (Jacob et al.,
Quantization and Training of Neural Networks, CVPR 2018, section 3.2). The products are formed in
the graph in each step, of the weights as they are, so that a kernel's gradient stays its own.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops


def fold(network: keras.Model, whole: bool = False) -> int:
    """Fold the batch norms of a network, where its graph allows it, into the convolutions.

    A norm is folded where it alone takes the output of a convolution, used once and without an
    activation, and where it computes in float32. Weights, layers and their names stay as they are:
    it is the computation that changes, of this object only and not of what it is saved as.

    Args:
        network: whose layers compute in another way from now on; a functional model, with others
            nested in it. Any other is left as it is.
        whole: fold all norms, of a network that is only called with `training=False`. Otherwise
            those that are frozen, which apply their statistics in training, too.

    Returns:
        how many norms were folded.
    """
    nodes = [node for level in getattr(network, "_nodes_by_depth", {}).values() for node in level]
    takers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    takers.update(id(tensor) for tensor in network.outputs)
    used = Counter(id(node.operation) for node in nodes)
    makers = {id(tensor): node.operation for node in nodes for tensor in node.outputs}
    folded = sum(
        fold(node.operation, whole) for node in nodes if isinstance(node.operation, keras.Model)
    )
    for node in nodes:
        norm = node.operation
        if not isinstance(norm, layers.BatchNormalization) or not (whole or not norm.trainable):
            continue
        (maps,) = node.input_tensors
        convolution = makers.get(id(maps))
        alone = takers[id(maps)] == used[id(norm)] == used[id(convolution)] == 1
        if alone and _fits(convolution, norm):
            _join(convolution, norm)
            folded += 1
    return folded


def _fits(convolution: Any, norm: layers.BatchNormalization) -> bool:
    return (
        type(convolution) in WITH_SCALE
        and convolution.activation is keras.activations.linear
        and convolution.data_format == "channels_last"
        and norm.axis in (-1, len(convolution.output.shape) - 1)
        and convolution.compute_dtype == norm.compute_dtype == "float32"
    )


def _join(convolution: keras.Layer, norm: layers.BatchNormalization) -> None:
    with_scale = WITH_SCALE[type(convolution)]

    def both(inputs):
        scale = ops.rsqrt(norm.moving_variance + norm.epsilon)
        if norm.scale:
            scale = scale * norm.gamma
        offset = -norm.moving_mean * scale
        if norm.center:
            offset = offset + norm.beta
        if convolution.use_bias:
            offset = offset + convolution.bias * scale
        # which TensorFlow joins to the convolution, as it does no plain sum
        return tf.nn.bias_add(with_scale(convolution, inputs, scale), offset)

    def nothing(inputs, training=None, mask=None):
        return inputs

    convolution.call, norm.call = both, nothing


def _options(convolution: keras.Layer) -> dict[str, Any]:
    return {
        "strides": convolution.strides,
        "padding": convolution.padding,
        "dilation_rate": convolution.dilation_rate,
        "data_format": convolution.data_format,
    }


def _plain(convolution: layers.Conv2D, inputs: Any, scale: Any) -> Any:
    return convolution.convolution_op(inputs, convolution.kernel * scale)


def _depthwise(convolution: layers.DepthwiseConv2D, inputs: Any, scale: Any) -> Any:
    kernel = convolution.kernel * ops.reshape(scale, convolution.kernel.shape[2:])
    return ops.depthwise_conv(inputs, kernel, **_options(convolution))


def _separable(convolution: layers.SeparableConv2D, inputs: Any, scale: Any) -> Any:
    return ops.separable_conv(
        inputs,
        convolution.depthwise_kernel,
        convolution.pointwise_kernel * scale,
        **_options(convolution),
    )


# the convolution of inputs by a layer's kernel times a scale of its channels, without its bias
WITH_SCALE: dict[type, Callable[[Any, Any, Any], Any]] = {
    layers.Conv2D: _plain,
    layers.DepthwiseConv2D: _depthwise,
    layers.SeparableConv2D: _separable,
}
