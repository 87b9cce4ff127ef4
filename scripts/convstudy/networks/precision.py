"""The precision in which a network computes, of a training or of features."""

import os

import keras
import tensorflow as tf

from convstudy.foundation import cpuinfo

FULL = "float32"
BFLOAT16 = "mixed_bfloat16"
# what Linux calls the instructions that multiply in bfloat16
INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"}


def compute_in(network: keras.Model, precision: str) -> None:
    """Have a network compute in a precision; its weights stay float32.

    Where the processor multiplies in bfloat16, TensorFlow's own rewriting has convolutions and
    matrix products of this whole process do so, and all else compute in float32: Keras's policy
    would spend more on conversions than it saves. With any other processor, on a GPU, and for
    float16, it is Keras's policy, whose last layer computes in float32, as its guide advises:
    the loss takes the logarithm of its probabilities.

    Args:
        network: as it is loaded; what it is saved as does not change.
        precision: `float32`, or one of Keras's policies `mixed_bfloat16` and `mixed_float16`.
    """
    if precision == FULL:
        return
    if precision == BFLOAT16 and is_of_processor():
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": True})
        return
    (*others, last) = network.layers
    for layer in others:
        for one in [layer, *layer._flatten_layers(include_self=False)]:
            one.dtype_policy = precision
    if isinstance(last, keras.Model):
        compute_in(last, precision)


def is_of_processor() -> bool:
    """Whether this process computes on a processor with bfloat16 of its own, through oneDNN."""
    if tf.config.get_visible_devices("GPU") or os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        return False
    return bool(INSTRUCTIONS & set(cpuinfo.field("flags", "Features").split()))
