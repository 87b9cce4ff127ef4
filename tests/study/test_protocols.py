"""Protocols: what each switch does to a training, and the rows that a study has for them."""

import copy
import json

import factory
import keras
import numpy as np
import pytest
from configs import SCHEMA, checked, refused, selected

from convstudy import generators, models
from convstudy.data import hdf5
from convstudy.foundation.errors import UserError
from convstudy.networks import keras_file
from convstudy.study import studies
from convstudy.study import validation as settings
from convstudy.training import input_pipeline, loop


@pytest.fixture(scope="module")
def practica():
    return {row["variant"]: row for row in selected(checked(study="practica")).rows}


def length(row):
    return row["training"]["epochs"], row["training"]["patience"]


def test_the_practical_has_a_budget_of_its_own_without_a_generator(practica):
    assert length(practica["base_net__practical"]) == (30, None)
    assert length(practica["finetune_conv__practical"]) == (15, None)
    assert length(practica["improved_net__practical"]) == (100, 10)


def test_corrected_gives_every_variant_one_budget(practica):
    own = {name: row for name, row in practica.items() if row["protocol"] == "corrected"}
    budgets = {name: length(row) for name, row in own.items() if "finetune" not in name}
    assert len(budgets) == 10 and set(budgets.values()) == {(100, 10)}
    assert length(practica["finetune_conv"]) == (15, 10)  # its own epochs


def test_the_variants_of_each_comparison_of_the_demo_have_one_budget():
    demo = selected(checked(study="demo"))
    for comparison in demo.comparisons():
        assert len({length(row) for row in demo.rows_of(comparison["name"])}) == 1, comparison


def test_without_patience_the_best_epoch_of_all_is_kept():
    rows = selected(checked(training__patience=None)).rows
    assert all(length(row)[0] == length(row)[1] for row in rows)


def test_a_protocol_switches_only_what_a_variant_has(practica):
    assert practica["improved_net__practical"]["switches"] == {"validation_images": "augmented"}
    assert practica["base_net__practical"]["switches"] == {}
    assert practica["features_one_layer__practical"]["switches"] == {}
    thawed = {"backbone_batch_norm": "training"}
    assert practica["finetune_conv__practical"]["switches"] == thawed
    assert all(x["switches"] == {} for x in practica.values() if x["protocol"] == "corrected")
    origins = {name: row["statistics_from"] for name, row in practica.items()}
    assert origins["base_net_whiten__practical"] == "train_and_validation"
    assert origins["base_net_whiten"] == "train"
    assert origins["base_net"] is origins["base_net__practical"] is None


def test_names_under_a_protocol_stand_wherever_variants_are_named():
    config = checked(
        studies__demo__variants=["base_net__practical", "base_net", "base_net_whiten__practical"],
        studies__demo__limits={"base_net": 7, "base_net__practical": 9},
        studies__demo__comparisons=["own"],
        comparisons__own={"title": "T", "variants": ["base_net", "base_net__practical"]},
    )
    study = selected(config)
    assert [length(row) for row in study.rows] == [(9, None), (7, 8), (30, 8)]
    assert [row["variant"] for row in study.rows_of("own")] == ["base_net", "base_net__practical"]


def test_a_variant_may_fix_its_protocol():
    config = checked(
        variants__old={"task": "objects", "model": "base_net", "protocol": "practical"},
        studies__demo__variants=["old", "base_net"],
        studies__demo__protocols=["practical", "corrected"],
    )
    rows = [(row["variant"], row["protocol"]) for row in selected(config).rows]
    assert rows == [
        ("old", "practical"),
        ("base_net__practical", "practical"),
        ("base_net", "corrected"),
    ]


def test_comparisons_are_drawn_once_a_protocol():
    study = selected(checked(study="practica"))
    found = {c["name"]: c for c in study.comparisons()}
    assert found["batch_norm"]["title"] == "Batch normalization before or after the activation"
    assert found["batch_norm__practical"]["variants"] == [
        "improved_net_bn_before__practical",
        "improved_net_bn_after__practical",
    ]
    assert "protocol_of_birds__practical" not in found
    files = [path for _, path in study.pictures()["Comparison pictures"]]
    assert "results/studies/practica/plots/comparison_batch_norm__practical.png" in files


def test_the_summary_says_what_a_protocol_does():
    told = selected(checked(study="practica")).spec()["study"]["protocols"]
    assert list(told) == ["practical", "corrected"]
    assert "validation images together" in told["practical"]
    assert "run in training mode" in told["practical"]
    assert "best validation accuracy is kept;" in told["corrected"]


def described(**changes):
    return selected(checked(**changes)).spec()["study"]["protocols"]["corrected"]


def test_what_concerns_no_run_of_the_study_is_not_said():
    assert described(studies__demo__variants=["base_net"]) == (
        "the network of the epoch with the best validation accuracy is kept; "
        "at most 30 epochs, patience 8."
    )
    assert "stay frozen" in described(studies__demo__variants=["finetune_conv"])
    assert "never augmented" in described(studies__demo__variants=["improved_net"])


def test_the_budget_that_is_said_is_the_one_that_the_runs_had():
    four = {"dataset": "demo_objects", "max_epochs": 4, "patience": 8}
    told = described(
        studies__demo__variants=["base_net", "improved_net"], studies__demo__tasks__objects=four
    )
    assert told.endswith("; 4 epochs, no early stopping.")
    told = described(
        variants__base_net__label="Plain",
        studies__demo__variants=["base_net", "base_net_whiten", "improved_net"],
        studies__demo__limits={"base_net": 12},
    )
    assert "at most 12 epochs, patience 8 (Plain); at most 30 epochs, patience 8 (base_" in told


def test_a_label_is_what_tables_call_a_variant_and_says_values_and_protocol():
    config = checked(
        variants__base_net__label="Réseau [1] | 网",
        variants__improved_net__label="Deep",
        variants__improved_net__sweep={"training.learning_rate": [0.1, 0.01]},
        studies__demo__variants=["base_net", "improved_net", "base_net_whiten"],
        studies__demo__protocols=["corrected", "practical"],
    )
    rows = selected(config).spec()["rows"]
    assert [row["label"] for row in rows] == [
        "Réseau [1] | 网",
        "Réseau [1] | 网 (practical)",
        "Deep, learning_rate 0.1",
        "Deep, learning_rate 0.01",
        "Deep, learning_rate 0.1 (practical)",
        "Deep, learning_rate 0.01 (practical)",
        "base_net_whiten",
        "base_net_whiten__practical",
    ]
    assert rows[4]["sweep_label"] == "Deep (practical)"


def test_two_variants_with_one_label_are_refused():
    change = {"variants__base_net__label": "Net", "variants__improved_net__label": "Net"}
    refused(change, "variants.improved_net.label", "'Net'", "'base_net'", "study 'demo'")


def test_the_rows_say_what_each_variant_was_trained_with():
    rows = {row["variant"]: row for row in selected(checked(study="practica")).spec()["rows"]}
    row = rows["base_net_whiten__practical"]
    assert row["budget"] == {"epochs": 100, "patience": 10}
    assert row["training"]["batch_size"] == 32 and row["training"]["optimizer"]["momentum"] == 0.9
    assert row["generator_options"]["kind"] == "whiten"
    assert row["generator_options"]["horizontal_flip"] is True
    assert row["model_options"] == {"kind": "base_net"}
    assert row["statistics_from"] == "train_and_validation"
    assert row["switches"] == {"validation_images": "augmented"}
    assert rows["features_one_layer"]["generator_options"] is None


def test_a_protocol_of_ones_own_starts_from_corrected():
    config = checked(
        protocols__noisy={"validation_images": "augmented"},
        studies__demo__variants=["base_net_normalize__noisy", "base_net__noisy"],
    )
    noisy, base = selected(config).rows
    assert noisy["statistics_from"] == "train"
    assert noisy["switches"] == {"validation_images": "augmented"}
    assert length(base) == (30, 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"studies__demo__protocols": ["practcal"]}, ["studies.demo.protocols", "'practical'"]),
        ({"studies__demo__protocols": []}, ["studies.demo.protocols", "non-empty"]),
        ({"variants__base_net__protocol": "old"}, ["variants.base_net.protocol", "'old'"]),
        ({"protocols__practical": {"statistics_from": "test"}}, ["statistics_from", "'test'"]),
        ({"protocols__practical": {"validation": "plain"}}, ["practical.validation", "images'"]),
        (
            {"studies__demo__variants": ["base_net__practcal"]},
            ["studies.demo.variants", "'base_net__practical'"],
        ),
        ({"training__without_generator": {"epochs": 3}}, ["training.without_generator"]),
    ],
)
def test_bad_protocols_are_refused(change, words):
    refused(change, *words)


def test_a_name_that_a_protocol_takes_is_refused():
    config = checked()
    config["variants"]["base_net__practical"] = {"task": "objects", "model": "improved_net"}
    with pytest.raises(UserError, match="base_net__practical.*also the name of 'base_net'"):
        settings.validate(config, SCHEMA)


def test_a_second_check_changes_nothing():
    config = checked(study="practica")
    studies.resolve(config)
    again = copy.deepcopy(config)
    settings.validate(again, SCHEMA)
    assert again == config


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
