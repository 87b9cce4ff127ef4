"""Backbones and the features they give, against a direct forward pass."""

import io
import json
import sys
import zipfile

import factory
import keras
import numpy as np
import pytest
import yaml
from configs import SCHEMA

from convstudy import models
from convstudy.data import hdf5
from convstudy.foundation.errors import UserError
from convstudy.networks import backbones, features, keras_file, precision
from convstudy.study import run_plan

RANDOM = {
    "application": "ResNet50",
    "file": None,
    "weights": "random",
    "cut": None,
    "any_size": False,
    "batch_norm_momentum": None,
}
SIZE = (32, 32)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, *SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def backbone():
    keras.utils.set_random_seed(0)
    return backbones.build(RANDOM, SIZE, None)


def test_features_equal_a_direct_forward_pass(tmp_path, images, backbone):
    with hdf5.create_hdf5(tmp_path / "data.h5", {"class_names": ["a", "b"]}) as file:
        for subset in hdf5.SUBSETS:
            group = file.create_group(subset)
            hdf5.write_array(group, "images", images)
            hdf5.write_array(group, "labels", np.arange(5, dtype=np.int32) % 2)
    keras_file.save_model(backbone, tmp_path / "backbone.keras")
    paths = [tmp_path / name for name in ("data.h5", "backbone.keras", "features.h5", "costs.json")]
    features.extract_features(*paths)
    network = next(x for x in backbone.layers if isinstance(x, keras.Model))
    inputs = keras.applications.resnet50.preprocess_input(images.astype(np.float32))
    expected = np.asarray(network(inputs, training=False)).mean(axis=(1, 2))
    vectors, labels = hdf5.read_subset(tmp_path / "features.h5", "test", ("vectors", "labels"))
    np.testing.assert_allclose(vectors, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert labels.tolist() == [0, 1, 0, 1, 0]
    costs = json.loads(paths[-1].read_text())
    assert (costs["images"], costs["parameters"]) == (15, backbone.count_params())
    assert costs["seconds"] > 0


def test_a_cut_takes_the_output_of_that_layer():
    model = backbones.build(RANDOM | {"cut": "conv3_block4_out"}, SIZE, None)
    assert model.output_shape == (None, 4, 4, 512)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"application": "ResNet51"}, "Did you mean 'ResNet50'"),
        ({"cut": "conv3_block4_uot"}, "conv3_block4_out"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(change, words):
    with pytest.raises(UserError, match=words):
        backbones.build(RANDOM | change, SIZE, None)


def test_a_file_of_the_users_takes_pixels(tmp_path, images):
    inputs = keras.layers.Input((*SIZE, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "mean.keras")
    spec = RANDOM | {"application": None, "file": "mean.keras", "weights": "imagenet"}
    model = backbones.build(spec, SIZE, tmp_path / "mean.keras")
    output = np.asarray(model(images.astype(np.float32) / 255))
    np.testing.assert_allclose(output, images.mean(axis=(1, 2)), rtol=1e-4)
    with pytest.raises(UserError, match="image_size to \\[32, 32\\]"):
        backbones.build(spec, (48, 48), tmp_path / "mean.keras")


def test_a_file_of_the_users_takes_other_sizes_if_it_may(tmp_path):
    """As the same layers built for that size would; what cannot be is refused in a sentence."""
    path = tmp_path / "c.keras"
    spec = RANDOM | {"application": None, "file": "c.keras", "weights": None}

    def network(size, last):
        inputs = keras.layers.Input((*size, 3))
        maps = keras.layers.Conv2D(5, 3, strides=2, activation="relu", name="c")(inputs)
        return keras.Model(inputs, last(keras.layers.BatchNormalization(name="n")(maps)))

    own = network(SIZE, keras.layers.GlobalAveragePooling2D())
    own.save(path)
    larger = network((48, 41), keras.layers.GlobalAveragePooling2D())
    larger.set_weights(own.get_weights())
    pixels = np.random.default_rng(0).integers(0, 256, (3, 48, 41, 3)).astype(np.float32)
    with pytest.raises(UserError, match="or any_size of the backbone to true"):
        backbones.build(spec, (48, 41), path)
    built = backbones.build(spec | {"any_size": True}, (48, 41), path)
    np.testing.assert_allclose(built(pixels / 255), larger(pixels), rtol=1e-4)
    cut = backbones.build(spec | {"any_size": True, "cut": "n"}, (48, 41), path)
    assert cut.output_shape == (None, 23, 20, 5)
    dense = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4)])
    network(SIZE, dense).save(path)
    with pytest.raises(UserError, match="c.keras: cannot take images of 48x41.*image_size"):
        backbones.build(spec | {"any_size": True}, (48, 41), path)


def test_a_file_of_the_users_may_be_cut(tmp_path, images):
    inputs = keras.layers.Input((*SIZE, 3))
    halves = keras.layers.Rescaling(0.5, name="halves")(inputs)
    vector = keras.layers.GlobalAveragePooling2D(name="mean")(halves)
    keras.Model(inputs, vector).save(tmp_path / "mean.keras")
    spec = RANDOM | {"application": None, "file": "mean.keras", "weights": None}
    cut = backbones.build(spec | {"cut": "halves"}, SIZE, tmp_path / "mean.keras")
    np.testing.assert_allclose(cut(images.astype(np.float32) / 255), images / 2, rtol=1e-5)
    with pytest.raises(UserError, match="cut 'halfs' is no layer.*Near: halves"):
        backbones.build(spec | {"cut": "halfs"}, SIZE, tmp_path / "mean.keras")


def test_a_file_that_holds_code_is_refused(tmp_path):
    inputs = keras.layers.Input((*SIZE, 3))
    outputs = keras.layers.Lambda(lambda x: x + 1)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "code.keras")
    spec = RANDOM | {"application": None, "file": "code.keras"}
    with pytest.raises(UserError, match="code.keras.*safe mode"):
        backbones.build(spec, SIZE, tmp_path / "code.keras")


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return backbones.build(RANDOM | {"application": "MobileNetV2"}, SIZE, None)


def test_features_of_more_than_a_batch_are_one_vector_an_image(tmp_path, small):
    """33 images: a full batch and a rest of one, each against a pass of its own."""
    data, saved = factory.write_images(tmp_path / "d.h5", (*SIZE, 3), 33), tmp_path / "b.keras"
    keras_file.save_model(small, saved)
    features.extract_features(data, saved, tmp_path / "f.h5", tmp_path / "c.json")
    network = next(x for x in small.layers if isinstance(x, keras.Model))
    for subset in hdf5.SUBSETS:
        pixels, labels = hdf5.read_subset(data, subset)
        inputs = keras.applications.mobilenet_v2.preprocess_input(pixels.astype(np.float32))
        expected = np.asarray(network(inputs, training=False)).mean(axis=(1, 2))
        vectors, kept = hdf5.read_subset(tmp_path / "f.h5", subset, ("vectors", "labels"))
        assert vectors.shape == (33, 1280) and vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
        assert np.array_equal(kept, labels)
        assert np.ptp(expected, axis=0).max() > 1e-3 * np.abs(expected).max()
    assert hdf5.read_attributes(tmp_path / "f.h5")["class_names"] == ["a", "b"]


def test_features_in_mixed_precision_are_near_those_in_float32(tmp_path, small, monkeypatch):
    # what a processor with bfloat16 of its own does is of a whole process
    monkeypatch.setattr(precision, "is_of_processor", lambda: False)
    data, saved = factory.write_images(tmp_path / "d.h5", (*SIZE, 3), 5), tmp_path / "b.keras"
    keras_file.save_model(small, saved)
    found = {}
    for name in ("float32", "mixed_bfloat16"):
        features.extract_features(data, saved, tmp_path / "f.h5", tmp_path / "c.json", name)
        found[name], _ = hdf5.read_subset(tmp_path / "f.h5", "test", ("vectors", "labels"))
    full, mixed = found["float32"], found["mixed_bfloat16"]
    assert mixed.dtype == np.float32 and not np.array_equal(full, mixed)
    assert np.abs(mixed - full).max() < 0.1 * np.abs(full).max()
    assert np.corrcoef(full.ravel(), mixed.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("application", "module"),
    [
        ("ResNet50", "resnet50"),
        ("ResNet50V2", "resnet_v2"),
        ("VGG16", "vgg16"),
        ("DenseNet121", "densenet"),
        ("MobileNetV2", "mobilenet_v2"),
        ("EfficientNetB0", "efficientnet"),
        ("ConvNeXtTiny", "convnext"),
    ],
)
def test_preprocessing_is_the_applications_own(images, application, module):
    layer = backbones._preprocessing(application)
    expected = getattr(keras.applications, module).preprocess_input(images.astype(np.float32))
    output = np.asarray(layer(images.astype(np.float32) / 255))
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-4)
    assert layer.trainable_weights == []  # fine-tuning must leave it alone


def test_a_cut_shortens_the_network(small):
    spec = RANDOM | {"application": "MobileNetV2", "cut": "block_3_expand_relu"}
    cut = backbones.build(spec, SIZE, None)
    assert cut.count_params() < small.count_params() / 10
    assert cut.output_shape[1] > small.output_shape[1]


def test_batch_norm_momentum_is_set_everywhere():
    spec = RANDOM | {"application": "MobileNetV2", "batch_norm_momentum": 0.5}
    network = backbones.build(spec | {"cut": "block_3_expand_relu"}, SIZE, None).layers[-1]
    momenta = [x.momentum for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert momenta and set(momenta) == {0.5}


OWN_MODEL = """
import keras

@keras.saving.register_keras_serializable("own")
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x
"""


def test_a_trained_model_with_layers_of_its_own_gives_its_backbone(tmp_path, monkeypatch, small):
    (tmp_path / "own_layers.py").write_text(OWN_MODEL)
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    inputs = keras.layers.Input((*SIZE, 3))
    outputs = models.load("own_layers").Twice()(small(inputs))
    trained = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(outputs))
    keras_file.save_model(trained, tmp_path / "trained.keras")
    keras.saving.get_custom_objects().pop("own>Twice")  # as in a new process
    monkeypatch.delitem(sys.modules, "convstudy.models.own_layers")
    spec = RANDOM | {"application": "MobileNetV2", "weights": {"variant": "x", "seed": 0}}
    keras.utils.set_random_seed(1)
    origin = {"kind": "own_layers", "cut": None}
    taken = backbones.build(spec, SIZE, tmp_path / "trained.keras", origin)
    assert all(map(np.array_equal, taken.get_weights(), small.get_weights()))


def test_a_trained_backbone_can_be_cut_further(tmp_path, images):
    spec = RANDOM | {"application": "MobileNetV2", "cut": "block_5_add"}
    trained = backbones.build(spec, SIZE, None)
    inputs = keras.layers.Input((*SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(trained(inputs))
    keras_file.save_model(keras.Model(inputs, pooled), tmp_path / "trained.keras")
    origin = {"kind": "fine_tuning", "cut": "block_5_add"}

    def output(cut):
        keras.utils.set_random_seed(1)
        weights = {"variant": "x", "seed": 0}
        taken = spec | {"cut": cut, "weights": weights}
        model = backbones.build(taken, SIZE, tmp_path / "trained.keras", origin)
        return model(images.astype(np.float32) / 255)

    network = trained.layers[-1]
    pixels = keras.applications.mobilenet_v2.preprocess_input(images.astype(np.float32))
    for cut in ("block_2_add", "block_5_add"):
        expected = keras.Model(network.inputs[0], network.get_layer(cut).output)(pixels)
        np.testing.assert_allclose(output(cut), expected, rtol=1e-4, atol=1e-5)
    assert output(None).shape == expected.shape  # all that was trained
    with pytest.raises(UserError, match="'block_6_expand' is no layer .* up to 'block_5_add'"):
        output("block_6_expand")


def save_file(path, *shapes):
    inputs = [keras.layers.Input(shape) for shape in shapes]
    total = keras.layers.Add()(inputs) if len(inputs) > 1 else inputs[0]
    keras.Model(inputs, keras.layers.Dense(2)(total)).save(path)
    return path


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "broken.keras"
    path.write_bytes(b"PK no archive")
    with pytest.raises(UserError, match="broken.keras"):
        backbones.build(RANDOM | {"application": None, "file": "x"}, SIZE, path)


@pytest.mark.parametrize("shapes", [[(10,)], [(*SIZE, 3)] * 2], ids=["vectors", "two inputs"])
def test_a_file_that_takes_no_images_is_refused_without_bad_advice(tmp_path, shapes):
    path = save_file(tmp_path / "other.keras", *shapes)
    with pytest.raises(UserError, match="other.keras") as refusal:
        backbones.build(RANDOM | {"application": None, "file": "x"}, SIZE, path)
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


def test_an_application_in_lower_case_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="ResNet50"):
        backbones.build(RANDOM | {"application": "resnet50"}, SIZE, None)


def test_the_schema_names_the_applications_of_keras():
    known = {name for name in dir(keras.applications) if name[0].isupper()}
    backbone = yaml.safe_load(SCHEMA.read_text())["$defs"]["backbone"]["properties"]
    assert set(backbone["application"]["enum"]) == known | {None}


def test_applications_refuse_smaller_images_than_the_config_does():
    for name in (x for x in dir(keras.applications) if x[0].isupper()):
        least = run_plan.SMALLEST.get(name, 32)
        make = getattr(keras.applications, name)
        with pytest.raises(ValueError, match=f"at least {least}x{least}"):
            make(weights=None, include_top=False, input_shape=(least - 1, least, 3))
