"""Files of networks that are none, are damaged, or hold what they must not."""

import io
import json
import zipfile

import keras
import pytest
from random_backbones import SIZE, SPEC

from convstudy.foundation.errors import UserError
from convstudy.networks import backbones, keras_file, keras_zip


def save_file(path, *shapes):
    inputs = [keras.layers.Input(shape) for shape in shapes]
    total = keras.layers.Add()(inputs) if len(inputs) > 1 else inputs[0]
    keras.Model(inputs, keras.layers.Dense(2)(total)).save(path)
    return path


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "broken.keras"
    path.write_bytes(b"PK no archive")
    with pytest.raises(UserError, match="broken.keras"):
        backbones.build(SPEC | {"application": None, "file": "x"}, SIZE, path)


@pytest.mark.parametrize("shapes", [[(10,)], [(*SIZE, 3)] * 2], ids=["vectors", "two inputs"])
def test_a_file_that_takes_no_images_is_refused_without_bad_advice(tmp_path, shapes):
    path = save_file(tmp_path / "other.keras", *shapes)
    with pytest.raises(UserError, match="other.keras") as refusal:
        backbones.build(SPEC | {"application": None, "file": "x"}, SIZE, path)
    assert "image_size" not in str(refusal.value)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The bytes of a small saved network."""
    path = tmp_path_factory.mktemp("saved") / "good.keras"
    keras_file.save_model(keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)]), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "kind", ["cut", "flipped weight", "bomb", "no model", "lambda", "greedy", "empty"]
)
def test_a_damaged_network_is_refused_in_one_message(tmp_path, saved, kind):
    path, trap = tmp_path / "model.keras", tmp_path / "trap"
    content = bytearray(saved)
    if kind == "flipped weight":  # the zip archive checks it, Keras alone would not always ask
        content[content.index(b"model.weights.h5") + 5000] ^= 1
    path.write_bytes(content[: {"cut": len(content) // 2, "empty": 0}.get(kind)])
    if kind in ("bomb", "no model", "lambda", "greedy"):
        with zipfile.ZipFile(io.BytesIO(saved)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        if kind == "bomb":
            members["bomb"] = bytes(10**7)
        elif kind == "greedy":  # Keras alone would take 1.6 GB before it looks at the weights
            members["config.json"] = members["config.json"].replace(b": 3,", b": 100000000,", 1)
        else:
            members["config.json"] = json.dumps(NO_MODEL if kind == "no model" else code(trap))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, member in members.items():
                archive.writestr(name, member)
    with pytest.raises(UserError, match="model.keras: ") as refusal:
        keras_file.load_model(path, foreign=True)
    assert "\n" not in str(refusal.value)
    assert ("ask for 500,000,000 weights" in str(refusal.value)) == (kind == "greedy")
    assert not trap.exists(), "the file's code ran"


NO_MODEL = {"module": "keras.layers", "class_name": "Flatten", "config": {}}


def code(trap):
    """The config of a network with a function that leaves a file behind."""
    run = keras.layers.Lambda(lambda x, where=str(trap): (open(where, "w"), x)[1])
    layer = keras.saving.serialize_keras_object(run)
    first = {"module": "keras.layers", "class_name": "InputLayer"}
    first["config"] = {"batch_shape": [None, 4], "name": "first"}
    content = {"name": "sequential", "layers": [first, layer]}
    return {"module": "keras", "class_name": "Sequential", "config": content}


def test_damaged_weights_are_refused(tmp_path):
    path = tmp_path / "some.weights.h5"
    network = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    network.save_weights(path)
    for content in (path.read_bytes()[:2000], b"", b"<html>"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="some.weights.h5: these weights do not fit"):
            backbones._load(network, path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_damaged_archive_of_any_compression_is_refused(tmp_path, method):
    path = tmp_path / "export.keras"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("config.json", json.dumps(list(range(200))))
        archive.writestr("convstudy.json", json.dumps({"class_names": ["a"]}))
    whole = path.read_bytes()
    assert keras_zip.read_about(path) == {"class_names": ["a"]}
    refused = 0
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            keras_zip.read_about(path)
        except UserError as error:
            assert "export.keras: cannot be read" in str(error)
            refused += 1
    assert refused > len(whole) / 6
