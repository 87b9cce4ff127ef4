"""The part of a network that a training changes."""

import difflib
from typing import Any

import keras

from convstudy import models
from convstudy.foundation.errors import UserError


def prepare(network: keras.Model, settings: dict[str, Any]) -> keras.Model:
    """Freeze what is not to be trained.

    Args:
        network: of which each layer trains or not; these flags are changed.
        settings: `trains` (`all`, `head`, or a layer of the backbone from which on it trains) and
            `batch_norms` of the backbone (`frozen` or `training`), where they are set.

    Returns:
        the network, or its head alone, which shares the network's weights and takes the backbone's
        pooled vectors.

    Raises:
        UserError: there is no such layer, or nothing is left to train.
    """
    if settings.get("batch_norms"):
        for layer in models.batch_norms(backbone_of(network)):
            layer.trainable = settings["batch_norms"] == "training"
    part = settings.get("trains", "all")
    if part == "head":
        backbone_of(network).trainable = False
    elif part != "all":
        _freeze_before(backbone_of(network), part)
    if not network.trainable_weights:
        raise UserError(
            f"training.trains: {part}: no weight of {network.name} is left to train. Name another "
            f"part, or a model with a head of weights."
        )
    return _head(network) if part == "head" else network


def backbone_of(network: keras.Model) -> keras.Model:
    """The network within a network that gives features to its head.

    Raises:
        UserError: there is none.
    """
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            return layer
    raise UserError(
        f"{network.name}: has no backbone as one of its layers, expected where a part of it is "
        f"trained (training.trains, batch_norms, backbone_rate)."
    )


def _freeze_before(backbone: keras.Model, name: str) -> None:
    layers = list(models.layers(backbone))
    names = [layer.name for layer in layers]
    if name not in names:
        near = difflib.get_close_matches(name, names, 3, 0.3)
        raise UserError(
            f"training.trains: '{name}' is no layer of the backbone, which ends with "
            f"'{names[-1]}'. Near: {', '.join(near)}. Or write all, or head."
        )
    for layer in layers[: names.index(name)]:
        layer.trainable = False


def _head(network: keras.Model) -> keras.Model:
    """What stands behind the backbone, as a network on its pooled vectors."""
    operations = network.operations
    first = operations[operations.index(backbone_of(network)) + 1]
    # of an average over maps, the features are what comes out
    is_pooling = isinstance(first, keras.layers.GlobalAveragePooling2D)
    vectors, *others = keras.tree.flatten(first.output if is_pooling else first.input)
    if len(vectors.shape) != 2 or any(x is not vectors for x in others):
        raise UserError(
            f"training.trains: head: layer '{first.name}' of {network.name} does not take the "
            f"backbone's pooled vectors alone. Train a part of the backbone with it (trains: "
            f"<layer> or all)."
        )
    return keras.Model(vectors, network.output, name=f"{network.name}_head")
