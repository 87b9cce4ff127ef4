"""Protocols: what each switch does to a training."""

import json

import factory
import keras
import numpy as np
import pytest

from convstudy import generators, models
from convstudy.data import hdf5
from convstudy.networks import keras_file
from convstudy.training import input_pipeline, loop

SPEC = {
    "kind": "base_net",
    "input": "images",
    "generator": {"kind": "normalize", "options": {}},
    "training": {"batch_size": 4},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    factory.write_images(folder / "data.h5", (16, 16, 3), n=10)
    (images,) = hdf5.read_subset(folder / "data.h5", "train", ("images",))
    statistics = generators.make("normalize", {}).fit(images)
    hdf5.write_statistics(folder / "normalize.h5", statistics)
    return folder


class Onlooker(keras.Model):
    """Keeps the validation batches that Keras gives it, and learns nothing."""

    def train_step(self, data):
        return {"loss": 0.0}

    def test_step(self, data):
        self.seen.append([array.numpy() for array in data])
        return {"loss": 0.0}


def validation_passes(data, passes, epoch=0, **switches):
    """Images and labels of the validation in some epochs from `epoch` on, as Keras gives them."""
    fed, validation, callbacks = input_pipeline.load_subsets(
        SPEC | switches, data / "data.h5", data / "normalize.h5", 0, epoch
    )
    model = Onlooker()
    model.seen = []
    model.compile(run_eagerly=True)
    model.fit(
        fed["stream"],
        shuffle=False,
        steps_per_epoch=1,
        initial_epoch=epoch,
        epochs=epoch + passes,
        callbacks=callbacks,
        verbose=0,
        **validation,
    )
    steps = len(model.seen) // passes
    split = [model.seen[i * steps : (i + 1) * steps] for i in range(passes)]
    return [[np.concatenate([pair[k] for pair in part]) for k in (0, 1)] for part in split]


def expected(data, statistics):
    (images,) = hdf5.read_subset(data / "data.h5", "validation", ("images",))
    return (images / 255.0 - statistics["mean"]) / statistics["std"]


def test_plain_validation_images_are_the_stored_ones_in_every_epoch(data):
    first, second = validation_passes(data, 2)
    statistics = hdf5.read_statistics(data / "normalize.h5")
    np.testing.assert_allclose(first[0], expected(data, statistics), atol=1e-4)
    assert np.array_equal(first[0], second[0])


def test_augmented_validation_images_are_others_in_every_epoch(data):
    first, second = validation_passes(data, 2, validation_images="augmented")
    stored = expected(data, hdf5.read_statistics(data / "normalize.h5"))
    assert first[0].shape == stored.shape  # every image once
    assert sorted(first[1]) == sorted(second[1]) == sorted(np.arange(10) % 2)
    distances = np.abs(first[0][:, None] - stored[None]).mean(axis=(2, 3, 4)).min(axis=1)
    assert (distances > 1e-2).sum() > 5  # shifted off the pixels
    assert not np.allclose(np.sort(first[0], axis=None), np.sort(second[0], axis=None))
    again = validation_passes(data, 1, epoch=1, validation_images="augmented")
    assert np.array_equal(again[0][0], second[0])  # what a resumed training sees


def test_statistics_of_both_subsets_are_those_of_numpy(data, tmp_path, monkeypatch):
    import fit_preprocessing

    spec = json.dumps({"kind": "normalize"})
    subsets = {"plain": {}, "both": {"subsets": "train validation"}}
    for name, more in subsets.items():
        job = type("Job", (), {"input": type("I", (), {"data": data / "data.h5"})})
        job.output = type("O", (), {"statistics": tmp_path / f"{name}.h5"})
        job.params = type("P", (dict,), {"spec": spec})(more)
        job.config = {"memory": {"data_mb": 1000}}
        fit_preprocessing.fit(job, None)
    train, validation, test = (
        hdf5.read_subset(data / "data.h5", x, ("images",))[0] / 255.0 for x in hdf5.SUBSETS
    )
    both = np.concatenate([train, validation])
    found = hdf5.read_statistics(tmp_path / "both.h5")
    np.testing.assert_allclose(found["mean"], both.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(found["std"], both.std(axis=(0, 1, 2)), rtol=1e-9)
    plain = hdf5.read_statistics(tmp_path / "plain.h5")
    np.testing.assert_allclose(plain["mean"], train.mean(axis=(0, 1, 2)), rtol=1e-9)
    assert not np.allclose(found["mean"], plain["mean"], rtol=1e-6)


@pytest.mark.parametrize("mode", ["frozen", "training"])
def test_batch_norms_move_in_training_mode_alone(tmp_path, mode):
    keras.utils.set_random_seed(0)
    images = keras.layers.Input((16, 16, 3))
    maps = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(images))
    backbone = keras.Model(images, maps, name="backbone")
    model = models.build("fine_tuning", (16, 16, 3), 2, {"backbone": backbone})
    keras_file.save_model(model, tmp_path / "start.keras")
    factory.write_images(tmp_path / "data.h5", (16, 16, 3), n=10)
    more = {"epochs": 1, "patience": 1}
    spec = {
        "kind": "fine_tuning",
        "input": "backbone",
        "generator": {"kind": "none", "options": {}},
        "training": factory.SETTINGS | {"batch_size": 4, "learning_rate": 0.1} | more,
    }
    outputs = {k: tmp_path / k for k in ("history", "run")} | {"model": tmp_path / "trained.keras"}
    inputs = {"data": tmp_path / "data.h5", "initial_weights": tmp_path / "start.keras"}
    switches = {"backbone_batch_norm": "training"} if mode == "training" else {}
    loop.train(spec | switches, 0, inputs, outputs, {}, tmp_path / "backups", "key")
    (before,) = models.batch_norms(keras_file.load_model(tmp_path / "start.keras", "fine_tuning"))
    (after,) = models.batch_norms(keras_file.load_model(outputs["model"], "fine_tuning"))
    changed = [not np.array_equal(a, b) for a, b in zip(before.weights, after.weights, strict=True)]
    assert changed == [mode == "training"] * 4  # scale, offset, mean and variance


def test_no_protocol_opens_the_test_images(data, tmp_path):
    import h5py

    (tmp_path / "blind.h5").write_bytes((data / "data.h5").read_bytes())
    with h5py.File(tmp_path / "blind.h5", "a") as file:
        del file["test"]
    spec = SPEC | {"validation_images": "augmented"}
    fed, validation, _ = input_pipeline.load_subsets(
        spec, tmp_path / "blind.h5", data / "normalize.h5", seed=0
    )
    assert fed["n"] == 10 and validation["validation_steps"] == 3
