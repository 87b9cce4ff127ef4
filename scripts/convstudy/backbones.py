"""Backbones: networks without a top that turn images in [0, 1] into feature maps.

A backbone is a `keras.applications` network with the input preprocessing that belongs to it, or a
`.keras` file of the user's that takes pixels in 0-255. Either way the result is one model named
`backbone` that takes what the generator `none` gives.
"""

import difflib
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from convstudy.errors import UserError, first_line
from convstudy.keras_file import load_model

NAME = "backbone"


def build(spec: dict[str, Any], size: tuple[int, int], weights_file: str | None) -> keras.Model:
    """Assemble a backbone.

    Args:
        spec: the config block: `application`, `weights`, `cut`, `batch_norm_momentum`; or `file`.
        size: (height, width) of the images.
        weights_file: the local weights file, or the trained model whose backbone is taken.

    Raises:
        UserError: the name, the cut or the file does not fit.
    """
    if spec["application"] is None:
        return _from_file(Path(weights_file), size)
    network = _application(spec["application"], size)
    weights = spec["weights"]
    images = layers.Input((*size, 3))
    maps = _preprocessing(spec["application"])(images)
    if weights == "imagenet":
        network = _application(spec["application"], size, "imagenet")
    elif isinstance(weights, dict) and "file" in weights:
        _load(network, Path(weights_file))
    if spec["batch_norm_momentum"] is not None:
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = spec["batch_norm_momentum"]
    if spec["cut"]:
        network = _cut(network, spec["cut"])
    model = keras.Model(images, network(maps), name=NAME)
    if isinstance(weights, dict) and "variant" in weights:
        _copy_weights(model, Path(weights_file))
    return model


def _application(name: str, size: tuple[int, int], weights: str | None = None) -> keras.Model:
    try:
        make = getattr(keras.applications, name)
        return make(weights=weights, include_top=False, input_shape=(*size, 3))
    except AttributeError as error:
        known = [x for x in dir(keras.applications) if x[0].isupper()]
        near = difflib.get_close_matches(name, known, 1)
        hint = f" Did you mean '{near[0]}'?" if near else f" Known: {', '.join(known)}."
        raise UserError(f"backbones: keras.applications has no network '{name}'.{hint}") from error
    except ValueError as error:
        raise UserError(f"backbones: {name} at {size[0]}x{size[1]} pixels: {error}") from error


def _preprocessing(application: str) -> keras.Layer:
    """The network's own `preprocess_input` on images in [0, 1], as one frozen 1x1 convolution.

    Every `preprocess_input` of `keras.applications` is affine in the three channels, so its values
    at black, red, green and blue determine it. A convolution can be saved; a function could not.
    """
    module = sys.modules[getattr(keras.applications, application).__module__]
    colours = np.concatenate([np.zeros((1, 3)), 255.0 * np.eye(3)]).astype("float32")
    outputs = np.array(module.preprocess_input(colours.reshape(4, 1, 1, 3).copy())).reshape(4, 3)
    layer = layers.Conv2D(3, 1, trainable=False, name="input_preprocessing")
    layer.build((None, None, None, 3))
    layer.set_weights([(outputs[1:] - outputs[0])[None, None], outputs[0]])
    return layer


def _load(network: keras.Model, path: Path) -> None:
    try:
        network.load_weights(path)
    except Exception as error:  # Keras raises many kinds for a bad file
        raise UserError(
            f"{path}: these weights do not fit {network.name} without its top "
            f"({first_line(error)}). Expected weights of that network, whole: fetch them again."
        ) from error


def _cut(network: keras.Model, name: str) -> keras.Model:
    try:
        return keras.Model(network.inputs, network.get_layer(name).output, name=network.name)
    except ValueError as error:
        near = difflib.get_close_matches(name, [x.name for x in network.layers], 3, 0.3)
        raise UserError(
            f"backbones: cut '{name}' is no layer of {network.name}. Near: {', '.join(near)}."
        ) from error


def _from_file(path: Path, size: tuple[int, int]) -> keras.Model:
    """A `.keras` file of the user's; safe mode runs no code that the file might hold."""
    network = load_model(path)
    shapes = [tensor.shape[1:] for tensor in network.inputs or []]
    expected = shapes[0] if len(shapes) == 1 else ()
    if len(expected) != 3 or len(network.outputs) != 1:
        raise UserError(
            f"{path}: takes {shapes} and gives {len(network.outputs or [])} tensors, expected one "
            f"image (height, width, 3) and one tensor: build the network with one input."
        )
    if any(e is not None and e != s for e, s in zip(expected, (*size, 3), strict=True)):
        raise UserError(
            f"{path}: takes images of shape {expected}, the data set has {(*size, 3)}: set the "
            f"data set's image_size to {list(expected[:2])}."
        )
    images = layers.Input((*size, 3))
    return keras.Model(images, network(layers.Rescaling(255.0)(images)), name=NAME)


def _copy_weights(model: keras.Model, path: Path) -> None:
    trained = load_model(path)
    try:
        model.set_weights(trained.get_layer(NAME).get_weights())
    except ValueError as error:
        raise UserError(
            f"{path}: has no backbone like this one (same application, same cut): {error}"
        ) from error
