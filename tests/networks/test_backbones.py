"""Backbones: their preprocessing, cut, size and weights."""

import sys

import keras
import numpy as np
import pytest
import yaml
from configs import SCHEMA
from random_backbones import SIZE, SPEC

from convstudy import models
from convstudy.foundation.errors import UserError
from convstudy.networks import backbones, keras_file
from convstudy.study import run_plan


def test_a_cut_takes_the_output_of_that_layer():
    model = backbones.build(SPEC | {"cut": "conv3_block4_out"}, SIZE, None)
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
        backbones.build(SPEC | change, SIZE, None)


def test_a_file_of_the_users_takes_pixels(tmp_path, images):
    inputs = keras.layers.Input((*SIZE, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "mean.keras")
    spec = SPEC | {"application": None, "file": "mean.keras", "weights": "imagenet"}
    model = backbones.build(spec, SIZE, tmp_path / "mean.keras")
    output = np.asarray(model(images.astype(np.float32) / 255))
    np.testing.assert_allclose(output, images.mean(axis=(1, 2)), rtol=1e-4)
    with pytest.raises(UserError, match="image_size to \\[32, 32\\]"):
        backbones.build(spec, (48, 48), tmp_path / "mean.keras")


def test_a_file_of_the_users_takes_other_sizes_if_it_may(tmp_path):
    """As the same layers built for that size would; what cannot be is refused in a sentence."""
    path = tmp_path / "c.keras"
    spec = SPEC | {"application": None, "file": "c.keras", "weights": None}

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
    spec = SPEC | {"application": None, "file": "mean.keras", "weights": None}
    cut = backbones.build(spec | {"cut": "halves"}, SIZE, tmp_path / "mean.keras")
    np.testing.assert_allclose(cut(images.astype(np.float32) / 255), images / 2, rtol=1e-5)
    with pytest.raises(UserError, match="cut 'halfs' is no layer.*Near: halves"):
        backbones.build(spec | {"cut": "halfs"}, SIZE, tmp_path / "mean.keras")


def test_a_file_that_holds_code_is_refused(tmp_path):
    inputs = keras.layers.Input((*SIZE, 3))
    outputs = keras.layers.Lambda(lambda x: x + 1)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "code.keras")
    spec = SPEC | {"application": None, "file": "code.keras"}
    with pytest.raises(UserError, match="code.keras.*safe mode"):
        backbones.build(spec, SIZE, tmp_path / "code.keras")


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
    spec = SPEC | {"application": "MobileNetV2", "cut": "block_3_expand_relu"}
    cut = backbones.build(spec, SIZE, None)
    assert cut.count_params() < small.count_params() / 10
    assert cut.output_shape[1] > small.output_shape[1]


def test_batch_norm_momentum_is_set_everywhere():
    spec = SPEC | {"application": "MobileNetV2", "batch_norm_momentum": 0.5}
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
    spec = SPEC | {"application": "MobileNetV2", "weights": {"variant": "x", "seed": 0}}
    keras.utils.set_random_seed(1)
    origin = {"kind": "own_layers", "cut": None}
    taken = backbones.build(spec, SIZE, tmp_path / "trained.keras", origin)
    assert all(map(np.array_equal, taken.get_weights(), small.get_weights()))


def test_a_trained_backbone_can_be_cut_further(tmp_path, images):
    spec = SPEC | {"application": "MobileNetV2", "cut": "block_5_add"}
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


def test_an_application_in_lower_case_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="ResNet50"):
        backbones.build(SPEC | {"application": "resnet50"}, SIZE, None)


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
