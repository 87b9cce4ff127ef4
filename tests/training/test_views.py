"""Test-time augmentation: the views of images, and a network's mean over them."""

import keras
import numpy as np
import pytest
from factory import write_images

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.statistics import metrics_file
from convstudy.study import combination_plan
from convstudy.training import evaluation, views

RUN = {
    "train_loss": 0.7, "train_accuracy": 0.5, "epochs_run": 3, "n_train": 5, "parameters": 10,
    "trainable_parameters": 10, "train_seconds": 4.0, "train_peak_memory_mib": 100.0,
    "provenance": {
        "versions": {"keras": "3"}, "inputs": {}, "threads": 1, "processor": "p", "load": 0.5,
        "git_commit": None,
    },
}  # fmt: skip
IDENTITY = {"dataset": "d", "variant": "seen", "seed": 0, "model": "m", "backbone": None}


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("offset", [(0, 0), (-2, 3), (3, -2), (4, 4)])
def test_a_view_is_a_crop_of_the_image_padded_by_its_border(flip, offset):
    images = np.random.default_rng(0).integers(0, 256, (3, 7, 6, 3), dtype=np.uint8)
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), mode="edge")
    top, left = 4 + offset[0], 4 + offset[1]
    expected = padded[:, top : top + 7, left : left + 6]
    found = views.seen(images, flip, offset)
    assert np.array_equal(found, np.flip(expected, axis=2) if flip else expected)


def network(path, whitened=False):
    """A network that is no more certain of an image than of its mirror image or its neighbours."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 5, 3))
    scaled = inputs if whitened else keras.layers.Rescaling(3.0)(inputs)
    outputs = keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(scaled))
    model = keras.Model(inputs, outputs)
    model.save(path)
    return model


def evaluated(folder, data, spec, data_mb=1.0, **inputs):
    given = {"data": data, "model": folder / "model.keras", "run": folder / "run.json", **inputs}
    atomic_files.write_json(given["run"], RUN)
    outputs = {"metrics": folder / "metrics.json", "predictions": folder / "predictions.h5"}
    evaluation.evaluate(spec, IDENTITY, given, outputs, data_mb)
    return metrics_file.read(outputs["metrics"]), outputs["predictions"]


def spec_of(flip, padding, kind="none", **options):
    asked = {"flip": flip, "crop_padding": padding}
    return {
        "kind": "base_net", "input": "images", "generator": {"kind": kind, "options": options},
        "network": "plain", "views": combination_plan.views(asked), "words": "w",
    }  # fmt: skip


@pytest.mark.parametrize("data_mb", [1.0, 0.0])  # held in memory, read from the disk
def test_predictions_are_the_mean_of_what_keras_predicts_of_changed_images(tmp_path, data_mb):
    data = write_images(tmp_path / "data.h5", (6, 5, 3), n=130)
    model = network(tmp_path / "model.keras")
    found, path = evaluated(tmp_path, data, spec_of(True, 2), data_mb)
    for subset in ("validation", "test", "train"):
        images, labels = hdf5.read_subset(data, subset)
        padded = np.pad(images / np.float32(255), ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
        seen = [
            padded[:, t : t + 6, x : x + 5] for t, x in ((2, 2), (0, 0), (0, 4), (4, 0), (4, 4))
        ]
        seen += [np.flip(one, axis=2) for one in seen]
        expected = np.mean([model.predict(one, verbose=0) for one in seen], axis=0)
        if subset == "train":
            assert found["train_accuracy"] == np.mean(expected.argmax(axis=1) == labels)
            continue
        probabilities, kept = hdf5.read_predictions(path, subset)
        assert np.allclose(probabilities, expected, atol=1e-6) and np.array_equal(kept, labels)
    plain = model.predict(images / np.float32(255), verbose=0)
    assert np.abs(plain - expected).max() > 0.01  # it is no accident


def test_costs_are_those_of_all_views_and_of_one_network(tmp_path):
    data = write_images(tmp_path / "data.h5", (6, 5, 3))
    network(tmp_path / "model.keras")
    seen, _ = evaluated(tmp_path, data, spec_of(True, None))
    plain = {key: x for key, x in spec_of(True, None).items() if key not in ("views", "words")}
    alone, _ = evaluated(tmp_path, data, plain)
    assert seen["flops_per_image"] == 2 * alone["flops_per_image"]
    assert (seen["parameters"], seen["train_seconds"]) == (10, 4.0)
    assert [x["network"] for x in seen["networks"]] == ["d/plain/seed0"]
    assert seen["made_of"] == "mean of 2 views of plain (w)" and "made_of" not in alone


def test_whitened_images_are_seen_before_they_are_whitened(tmp_path):
    data = write_images(tmp_path / "data.h5", (6, 5, 3))
    model = network(tmp_path / "model.keras", whitened=True)
    rng = np.random.default_rng(3)
    learned = {"mean": rng.random(3), "whitening": rng.normal(size=(90, 90)).astype(np.float32)}
    hdf5.write_statistics(tmp_path / "statistics.h5", learned)
    options = {"horizontal_flip": True, "epsilon": 1e-6}
    spec = spec_of(True, None, "whiten", **options)
    _, path = evaluated(tmp_path, data, spec, statistics=tmp_path / "statistics.h5")
    images, _ = hdf5.read_subset(data, "test")
    expected = 0
    for one in (images, np.flip(images, axis=2)):
        flat = (one / 255 - learned["mean"]).reshape(len(one), -1) @ learned["whitening"]
        expected += model.predict(flat.reshape(images.shape), verbose=0) / 2
    assert np.allclose(hdf5.read_predictions(path)[0], expected, atol=1e-5)
