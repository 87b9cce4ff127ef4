"""The precision in which a training computes."""

import keras

FULL = "float32"


def compute_in(network: keras.Model, precision: str) -> None:
    """Have the layers of a network compute in a precision; its weights stay float32.

    The last layer, whose probabilities the loss takes the logarithm of, computes in float32, as
    Keras's guide to mixed precision advises.

    Args:
        network: as it is loaded; what it is saved as does not change.
        precision: `float32`, or one of Keras's policies `mixed_bfloat16` and `mixed_float16`.
    """
    if precision == FULL:
        return
    (*others, _) = network.layers
    for layer in others:
        for one in [layer, *layer._flatten_layers(include_self=False)]:
            one.dtype_policy = precision


def scaled(optimizer: keras.Optimizer, precision: str) -> keras.Optimizer:
    """An optimizer that scales the loss where small gradients would be lost in float16.

    By the dynamic scale of Micikevicius et al., Mixed Precision Training (2018).
    """
    if precision != "mixed_float16":
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)
