"""Backbones and the features they give, against a direct forward pass."""

import keras
import numpy as np
import pytest

from convstudy import backbones, networks, store
from convstudy.errors import UserError

RANDOM = {
    "application": "ResNet50",
    "file": None,
    "weights": "random",
    "cut": None,
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
    with store.create_hdf5(tmp_path / "data.h5", {"class_names": ["a", "b"]}) as file:
        for subset in store.SUBSETS:
            group = file.create_group(subset)
            store.write_array(group, "images", images)
            store.write_array(group, "labels", np.arange(5, dtype=np.int32) % 2)
    networks.save_model(backbone, tmp_path / "backbone.keras")
    networks.extract_features(
        tmp_path / "data.h5", tmp_path / "backbone.keras", tmp_path / "features.h5"
    )
    network = next(x for x in backbone.layers if isinstance(x, keras.Model))
    inputs = keras.applications.resnet50.preprocess_input(images.astype(np.float32))
    expected = np.asarray(network(inputs, training=False)).mean(axis=(1, 2))
    vectors, labels = store.read_subset(tmp_path / "features.h5", "test", ("vectors", "labels"))
    np.testing.assert_allclose(vectors, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert labels.tolist() == [0, 1, 0, 1, 0]


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


def test_a_file_that_holds_code_is_refused(tmp_path):
    inputs = keras.layers.Input((*SIZE, 3))
    outputs = keras.layers.Lambda(lambda x: x + 1)(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "code.keras")
    spec = RANDOM | {"application": None, "file": "code.keras"}
    with pytest.raises(UserError, match="code.keras.*safe mode"):
        backbones.build(spec, SIZE, tmp_path / "code.keras")
