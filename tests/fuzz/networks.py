"""Targets: `.keras` files and weights."""

import functools
import io
import json
import zipfile
from pathlib import Path

import keras
from hypothesis import strategies as st
from keras import layers

from convstudy.foundation.errors import UserError
from convstudy.networks import backbones, keras_file
from fuzz.harness import Target
from fuzz.mutations import mutated, mutated_trees
from fuzz.results import exact, written


def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    images = layers.Input((8, 8, 3))
    maps = layers.BatchNormalization()(layers.Conv2D(2, 3, activation="relu")(images))
    return keras.Model(images, layers.GlobalAveragePooling2D()(maps), name="backbone")


@functools.cache
def keras_members() -> dict[str, bytes]:
    content = written(lambda path: keras_file.save_model(network(), path), ".keras")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def check_keras_bytes(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    model = keras_file.load_model(path, foreign=True)
    assert exact(model.get_weights()) == exact(network().get_weights()), "other weights"


def keras_configs() -> st.SearchStrategy[bytes]:
    members = keras_members()
    hostile = [
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "keras.utils", "class_name": "function", "config": "get_file"},
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "eval"}},
        {"class_name": "__lambda__", "config": {"value": ["4wAAAAA=", None, None]}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/etc"}},
        *("keras.config", "enable_unsafe_deserialization", "get_file", "os", "system", "Lambda"),
    ]
    trees = mutated_trees(json.loads(members["config.json"]), hostile)
    return trees.map(lambda tree: packed(members | {"config.json": json.dumps(tree).encode()}))


def keras_weights() -> st.SearchStrategy[bytes]:
    return mutated([keras_members()["model.weights.h5"]])


def check_backbone(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    backbones.build({"application": None, "any_size": False, "cut": None}, (8, 8), str(path))


def check_weights(case: bytes, path: Path) -> None:
    """The same damaged weights, inside a `.keras` file and as a file of their own."""
    path.write_bytes(case)
    whole = path.with_name("case.keras")
    whole.write_bytes(packed(keras_members() | {"model.weights.h5": case}))
    refusals = []
    for load in (
        lambda: keras_file.load_model(whole, foreign=True),
        lambda: backbones._load(network(), path),
    ):
        try:
            load()
        except UserError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


TARGETS = [
    Target(
        "keras bytes", lambda: mutated([packed(keras_members())]), check_keras_bytes, ".keras", 0.05
    ),
    Target("keras config", keras_configs, check_backbone, ".keras", share=0.05),
    Target("keras weights", keras_weights, check_weights, ".weights.h5", share=0.05),
]
