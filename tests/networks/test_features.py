"""Features of a backbone, against a direct forward pass."""

import json

import factory
import keras
import numpy as np
import pytest
from random_backbones import SIZE, SPEC

from convstudy.data import hdf5
from convstudy.networks import backbones, features, keras_file, precision


@pytest.fixture(scope="module")
def backbone():
    keras.utils.set_random_seed(0)
    return backbones.build(SPEC, SIZE, None)


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
