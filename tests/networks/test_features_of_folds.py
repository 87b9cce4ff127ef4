"""Features of a data set with folds: extracted once, and then taken fold by fold."""

import json

import keras
import numpy as np

from convstudy.data import folds, hdf5
from convstudy.networks import features, initial_weights, keras_file

PARTS = [[2, 0], [0, 2], [1, 0], [0, 1], [-1, 2]]  # of an image in each fold


def test_features_are_extracted_once_and_each_fold_has_its_own(tmp_path):
    paths = [tmp_path / name for name in ("d.h5", "backbone.keras", "features.h5", "costs.json")]
    with hdf5.create_hdf5(paths[0], {"class_names": ["a", "b"]}) as file:
        group = hdf5.create_group(file, hdf5.POOL)
        images = np.random.default_rng(0).integers(256, size=(5, 8, 8, 3), dtype=np.uint8)
        hdf5.write_array(group, "images", images)
        hdf5.write_array(group, "labels", np.arange(5, dtype=np.int32) % 2)
        hdf5.write_array(group, "parts", np.array(PARTS, dtype=np.int8))
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))
    keras_file.save_model(network, paths[1])
    features.extract_features(*map(str, paths))
    (vectors,) = hdf5.read_subset(paths[2], hdf5.POOL, ("vectors",))
    assert len(vectors) == json.loads(paths[3].read_text())["images"] == 5
    folds.take(paths[2], 1, tmp_path / "fold.h5")
    for subset, rows in {"train": [0, 2], "validation": [3], "test": [1, 4]}.items():
        found, labels = hdf5.read_subset(tmp_path / "fold.h5", subset, ("vectors", "labels"))
        assert np.array_equal(found, vectors[rows]) and labels.tolist() == [x % 2 for x in rows]
    # all folds start from the weights of the whole
    spec = {"kind": "feature_head", "options": {"hidden": []}, "input": "features"}
    initial_weights.initialize(spec, str(paths[2]), None, str(tmp_path / "start.keras"))
    start = keras_file.load_model(tmp_path / "start.keras", "feature_head")
    assert (start.input_shape, start.output_shape) == ((None, 4), (None, 2))
