"""What networks of speed runs share: PyTorch's first weights, and small logits at the end."""

import keras
from keras import layers


def weights() -> keras.Initializer:
    """What PyTorch draws: uniform, up to 1 / sqrt(inputs)."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def probabilities(
    vector: keras.KerasTensor, classes: int, logits_scale: float
) -> keras.KerasTensor:
    """Probabilities (b, classes) of vectors (b, width): a dense layer, a factor, softmax."""
    logits = layers.Dense(classes, use_bias=False, kernel_initializer=weights(), dtype="float32")(
        vector
    )
    logits = layers.Rescaling(logits_scale, dtype="float32")(logits)
    return layers.Softmax(dtype="float32")(logits)
