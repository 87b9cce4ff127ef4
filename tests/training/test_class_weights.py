"""Class weights: their values, the loss that they make, and a training killed and continued."""

import factory
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from configs import checked, selected

from convstudy import generators
from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.networks import initial_weights, keras_file
from convstudy.statistics import fairness
from convstudy.study import protocols
from convstudy.training import class_weights, input_pipeline, loop

LABELS = np.array([0] * 6 + [1] * 3 + [2])
NAMES = ["many", "some", "one"]
RATE = {"learning_rate": 0.05, "batch_size": 6, "patience": None}
HEAD = {"kind": "feature_head", "input": "features", "generator": None}
NET = {"kind": "base_net", "input": "images"} | {
    "generator": {"kind": "normalize", "options": {}},
}


@pytest.fixture(scope="module", autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()


def test_balanced_weights_give_each_class_the_same_sum():
    weights = class_weights.of_training("balanced", LABELS, NAMES)
    assert weights == pytest.approx({0: 10 / 18, 1: 10 / 9, 2: 10 / 3})
    sums = [weights[label] * np.sum(label == LABELS) for label in range(3)]
    assert sums == pytest.approx([10 / 3] * 3)


def test_weights_by_name_are_in_the_order_of_the_labels():
    asked = {"one": 3, "many": 0.5, "some": 1}
    assert class_weights.of_training(asked, LABELS, NAMES) == {0: 0.5, 1: 1.0, 2: 3.0}
    assert class_weights.of_training(None, LABELS, NAMES) is None


@pytest.mark.parametrize(
    ("asked", "labels", "said"),
    [
        ({"many": 1, "some": 1, "noe": 1}, LABELS, "'noe' is no class of the data set"),
        ({"many": 1}, LABELS, "no weight for 'some', 'one'"),
        ("balanced", LABELS[:9], "class 'one' has no training image"),
    ],
)
def test_weights_that_do_not_fit_the_classes_are_refused(asked, labels, said):
    with pytest.raises(UserError, match=rf"training\.class_weights: .*{said}"):
        class_weights.of_training(asked, labels, NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Vectors, images and statistics, and initial weights of a network on each."""
    found = tmp_path_factory.mktemp("weighted")
    factory.write_vectors(found / "features.h5", classes=3)
    factory.write_images(found / "images.h5", (16, 16, 3), n=21)
    (images,) = hdf5.read_subset(found / "images.h5", "train", ("images",))
    hdf5.write_statistics(found / "fitted.h5", generators.make("normalize", {}).fit(images))
    for spec in (HEAD, NET):
        keras.utils.set_random_seed(0)
        initial_weights.initialize(
            spec | {"options": {}, "backbone": None},
            found / f"{spec['input']}.h5", None, found / f"{spec['input']}.keras",
        )  # fmt: skip
    return found


def train(folder, spec, weights, name, epochs=3, until=None):
    """The trained network, its history and its run file; `until` ends the process early."""
    settings = factory.SETTINGS | RATE | {"epochs": until or epochs}
    spec = spec | {"training": settings | ({"class_weights": weights} if weights else {})}
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(folder / f"{name}_{key}.{end}") for key, end in endings.items()}
    inputs = {
        "data": folder / f"{spec['input']}.h5",
        "initial_weights": folder / f"{spec['input']}.keras",
    }
    inputs |= {"statistics": folder / "fitted.h5"} if spec["generator"] else {}
    tf.keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    loop.train(spec, 0, inputs, outputs, {}, folder / f"{name}_backups", "key")
    model = keras_file.load_model(outputs["model"], spec["kind"])
    return model, pd.read_csv(outputs["history"]), atomic_files.read_json(outputs["run"])


def train_with_keras(folder, spec, weights, epochs=3):
    """The same by plain `fit` on the arrays of each epoch, with Keras's `class_weight`."""
    data = folder / f"{spec['input']}.h5"
    arrays, labels = hdf5.read_subset(data, "train", (hdf5.array_of(spec["input"]), "labels"))
    held_out = hdf5.read_subset(data, "validation", (hdf5.array_of(spec["input"]), "labels"))
    statistics = folder / "fitted.h5" if spec["generator"] else None
    generator, statistics = input_pipeline.preprocessing(spec, statistics)
    held_out = generator.test_batch(held_out[0], statistics), held_out[1]
    model = keras_file.load_model(folder / f"{spec['input']}.keras", spec["kind"])
    loop.compiled(model, factory.SETTINGS | RATE, 4)
    rows = []
    for epoch in range(epochs):
        stream = input_pipeline.training_stream(
            generator, statistics, arrays, labels, 6, 0, tf.data.Dataset.counter(epoch, 1)
        )
        batches = list(stream.take(-(-len(labels) // 6)))
        x, y = (np.concatenate([pair[i].numpy() for pair in batches]) for i in (0, 1))
        done = model.fit(x, y, batch_size=6, shuffle=False, class_weight=weights,
                         validation_data=held_out, verbose=0)  # fmt: skip
        rows.append({name: value[0] for name, value in done.history.items()})
    return model, pd.DataFrame(rows)


@pytest.mark.parametrize("spec", [HEAD, NET], ids=["features", "augmented images"])
def test_the_loss_and_the_network_are_those_of_keras(folder, spec):
    names = hdf5.read_attributes(folder / f"{spec['input']}.h5")["class_names"]
    weights = {label: 0.5 + 2 * label for label in range(len(names))}
    asked = {names[label]: weight for label, weight in weights.items()}
    model, history, run = train(folder, spec, asked, f"ours_{spec['input']}")
    theirs, expected = train_with_keras(folder, spec, weights)
    for column in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(history[column], expected[column], rtol=1e-4)
    for one, other in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert run["class_weights"] == list(weights.values())
    _, plain, run = train(folder, spec, None, f"plain_{spec['input']}")
    assert plain["loss"][0] != pytest.approx(history["loss"][0], rel=1e-2)
    assert "class_weights" not in run


def test_a_weighted_training_goes_on_bit_for_bit(folder):
    whole, history, _ = train(folder, NET, "balanced", "whole")
    train(folder, NET, "balanced", "killed", until=1)
    parts, continued, _ = train(folder, NET, "balanced", "killed")
    assert all(map(np.array_equal, whole.get_weights(), parts.get_weights()))
    assert history.equals(continued)


def test_only_a_run_with_weights_has_them_in_its_settings():
    changes = {"variants__base_net__training": {"class_weights": "balanced"}}
    rows = {row["variant"]: row for row in selected(checked(**changes)).rows}
    assert rows.pop("base_net")["training"]["class_weights"] == "balanced"
    assert not [row for row in rows.values() if "class_weights" in row["training"]]
    off = checked(**changes | {"variants__base_net__training": {"class_weights": None}})
    assert selected(off).rows == selected(checked()).rows


def test_weights_may_be_swept_and_are_told():
    sweep = {"training.class_weights": [None, "balanced"]}
    study = selected(checked(
        studies__demo__variants=["base_net"], variants__base_net__sweep=sweep
    ))  # fmt: skip
    names = [row["variant"] for row in study.rows]
    assert names == ["base_net__class_weights_null", "base_net__class_weights_balanced"]
    (told,) = protocols.described(study.rows).values()
    assert "all training images weigh the same in the loss" in told
    assert "rare classes weigh more in the loss of training" in told


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("balanced", "class weights none against balanced"),
        ({"b": 2, "a": 0.5}, "class weights none against a 0.5, b 2"),
        (None, ""),
    ],
)
def test_a_comparison_says_that_class_weights_differ(weights, said):
    row = {"budget": {"epochs": 3, "patience": None}, "protocol": "corrected"}
    row |= {"methods": {}, "training": {}}
    other = row | {"training": {"class_weights": weights}}
    assert fairness.differences((row, other), ([], [])) == said
