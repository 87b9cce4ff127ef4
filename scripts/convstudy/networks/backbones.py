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

from convstudy import models
from convstudy.foundation.errors import UserError, first_line
from convstudy.networks import applications
from convstudy.networks.keras_file import load_model

NAME = "backbone"


def build(
    spec: dict[str, Any],
    size: tuple[int, int],
    weights_file: str | None,
    origin: dict[str, Any] | None = None,
) -> keras.Model:
    """Assemble a backbone.

    Args:
        spec: the config block: `application`, `weights`, `batch_norm_momentum`; or `file`,
            `any_size`; `cut`.
        size: (height, width) of the images.
        weights_file: the file of the weights, or the trained model whose backbone is taken.
        origin: of that trained model `kind`, its file in `models/`, which may have layers of its
            own, and `cut`, where its backbone ends.

    Raises:
        UserError: the name, the cut or the file does not fit.
    """
    if spec["application"] is None:
        return _from_file(Path(weights_file), size, spec["any_size"], spec["cut"])
    weights = spec["weights"]
    if weights == "imagenet":
        network = applications.imagenet(spec["application"], size, Path(weights_file))
    else:
        network = applications.make(spec["application"], size)
    images = layers.Input((*size, 3))
    maps = _preprocessing(spec["application"])(images)
    if isinstance(weights, dict) and "file" in weights:
        _load(network, Path(weights_file))
    if spec["batch_norm_momentum"] is not None:
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = spec["batch_norm_momentum"]
    if isinstance(weights, dict) and "variant" in weights:
        network = _trained(network, Path(weights_file), **origin)
    if spec["cut"]:
        network = _cut(network, spec["cut"])
    return keras.Model(images, network(maps), name=NAME)


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
            f"backbones: cut '{name}' is no layer of {network.name}, taken up to "
            f"'{network.layers[-1].name}'. Near: {', '.join(near)}."
        ) from error


def _from_file(path: Path, size: tuple[int, int], any_size: bool, cut: str | None) -> keras.Model:
    """A `.keras` file of the user's; safe mode runs no code that the file might hold."""
    network = load_model(path, foreign=True)
    shapes = [tuple(x.shape[1:]) for x in network.inputs or []]
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][2] not in (None, 3):
        raise UserError(
            f"{path}: takes {' and '.join(map(str, shapes)) or 'no fixed input'}, expected one "
            f"input of images (height, width, 3). Save a model that takes images in its place."
        )
    wanted = [side or own for side, own in zip(shapes[0], size, strict=False)]
    if wanted != list(size):
        if not any_size:
            raise UserError(
                f"{path}: takes images of shape {shapes[0]}, the data set has {(*size, 3)}: set "
                f"the data set's image_size to {wanted}, or any_size of the backbone to true."
            )
        network = _at_size(network, path, size)
    if cut:
        network = _cut(network, cut)
    images = layers.Input((*size, 3))
    return keras.Model(images, network(layers.Rescaling(255.0)(images)), name=NAME)


def _at_size(network: keras.Model, path: Path, size: tuple[int, int]) -> keras.Model:
    """The same layers with the same weights on images of another size."""
    try:
        found = keras.models.clone_model(network, layers.Input((*size, 3)))
        found.set_weights(network.get_weights())
    except Exception as error:  # layers raise many kinds for a shape that they cannot take
        raise UserError(
            f"{path}: cannot take images of {size[0]}x{size[1]}, although any_size allows it: "
            f"{first_line(error)}. Set the data set's image_size to that of the model."
        ) from error
    return found


def _trained(network: keras.Model, path: Path, kind: str, cut: str | None) -> keras.Model:
    """The network with the weights of a trained model's backbone, as far as that went."""
    if cut:
        network = _cut(network, cut)
    models.load(kind)
    trained = load_model(path)
    try:
        network.set_weights(trained.get_layer(NAME).layers[-1].get_weights())
    except ValueError as error:
        raise UserError(
            f"{path}: has no backbone like this one (same application, same cut): {error}"
        ) from error
    return network
