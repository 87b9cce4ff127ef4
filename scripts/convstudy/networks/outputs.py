"""What a model file returns, checked before anything is trained: one row of probabilities an image.

Metrics, calibration and the loss all take a network's outputs for probabilities.
"""

from typing import Any

import keras
import numpy as np

from convstudy import models
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError

TRIED = 8  # images
TOLERANCE = 1e-3
REPAIR = (
    "End it in Dense(classes, activation='softmax'), or give the file the constant "
    "OUTPUT = 'logits', and a softmax is put behind its last layer."
)


def build(kind: str, shape: tuple[int, ...], classes: int, options: dict[str, Any]) -> keras.Model:
    """Build the network of a model file; see `models.build`. It returns probabilities.

    Raises:
        UserError: it is no Keras model with one input of this shape and one output a class, or its
            outputs are no probabilities and the file does not name them logits.
    """
    model = models.build(kind, shape, classes, options)
    file = plugin_files.label(plugin_files.path("models", kind))
    _check_shapes(model, shape, classes, file)
    if getattr(models.load(kind), "OUTPUT", "softmax") == "logits":
        probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")
        model = keras.Model(model.inputs[0], probabilities(model.outputs[0]), name=model.name)
    _check_rows(model, shape, file)
    return model


def _check_shapes(model: Any, shape: tuple[int, ...], classes: int, file: str) -> None:
    if not isinstance(model, keras.Model):
        raise UserError(
            f"{file}: build returns {type(model).__name__}, expected a keras.Model. Let it end in "
            f"`return keras.Model(inputs, outputs)`."
        )
    inputs, outputs = (
        [tuple(tensor.shape) for tensor in tensors or ()]
        for tensors in (getattr(model, "inputs", None), getattr(model, "outputs", None))
    )
    if inputs != [(None, *shape)]:
        raise UserError(
            f"{file}: the network's inputs are {inputs or 'unknown'}, expected one of shape "
            f"{(None, *shape)}. Begin it with keras.Input(input_shape)."
        )
    if isinstance(getattr(model, "output", None), dict):  # a Sequential has no `output`
        outputs = "a dict"
    if outputs != [(None, classes)]:
        raise UserError(
            f"{file}: the network's outputs are {outputs}, expected one of shape "
            f"{(None, classes)}: a probability for each of the {classes} classes. {REPAIR}"
        )


def _check_rows(model: keras.Model, shape: tuple[int, ...], file: str) -> None:
    """Try a few images: each row must be probabilities. No weight and no random state changes."""
    images = np.random.default_rng(0).random((TRIED, *shape), dtype=np.float32)
    rows = np.asarray(keras.ops.convert_to_numpy(model(images, training=False)), np.float64)
    with np.errstate(invalid="ignore"):  # of infinities, which are told below
        sums = rows.sum(axis=1)
    if np.isfinite(rows).all() and rows.min() >= 0 and np.abs(sums - 1).max() <= TOLERANCE:
        return
    raise UserError(
        f"{file}: the network's outputs are no probabilities: of {TRIED} images they reach from "
        f"{rows.min():.3g} to {rows.max():.3g}, and sum to {sums.min():.3g} to {sums.max():.3g}, "
        f"expected 0 to 1 and a sum of 1. {REPAIR}"
    )
