"""Parts of a network that train, and trainings of several stages."""

import factory
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers

from convstudy import models
from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.networks import features, keras_file
from convstudy.study import training_settings
from convstudy.training import loop, optimization, parts

SHAPE = (12, 12, 3)


def network(convolution=False):
    """A small backbone, its preprocessing and network nested as those of the workflow are."""
    keras.utils.set_random_seed(0)
    inner_images = layers.Input(SHAPE)
    maps = layers.Conv2D(4, 3, name="first")(inner_images)
    maps = layers.BatchNormalization(name="norm")(maps)
    maps = layers.Conv2D(5, 3, activation="relu", name="last")(maps)
    inner = keras.Model(inner_images, maps, name="inner")
    images = layers.Input(SHAPE)
    scaled = layers.Rescaling(2.0, name="scale")(images)
    backbone = keras.Model(images, inner(scaled), name="backbone")
    options = {"backbone": backbone, "hidden": [6], "convolution": convolution}
    return models.build("fine_tuning", SHAPE, 2, options)


def trainable(model):
    return {"/".join(x.path.split("/")[-2:]) for x in model.trainable_weights}


HEAD = {"dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"}
LAST = {"last/kernel", "last/bias"}
FIRST = {"first/kernel", "first/bias"}
NORM = {"norm/gamma", "norm/beta"}


@pytest.fixture(autouse=True)
def names_begin_anew():
    keras.utils.clear_session()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, HEAD | LAST | FIRST),
        ({"trains": "last"}, HEAD | LAST),
        ({"trains": "norm", "batch_norms": "training"}, HEAD | LAST | NORM),
        ({"trains": "last", "batch_norms": "training"}, HEAD | LAST),
        ({"batch_norms": "training"}, HEAD | LAST | FIRST | NORM),
        ({"trains": "head"}, HEAD),
    ],
    ids=lambda x: str(x) if isinstance(x, dict) else "",  # a set has no order
)
def test_what_is_named_trains(settings, expected):
    model = network()
    part = parts.prepare(model, settings)
    assert trainable(model) == trainable(part) == expected


def test_a_layer_that_is_not_there_is_told_with_those_near():
    with pytest.raises(UserError, match="'lst' is no layer of the backbone.*Near: .*last"):
        parts.prepare(network(), {"trains": "lst"})


def test_a_head_that_needs_maps_says_so():
    with pytest.raises(UserError, match="does not take the backbone's pooled vectors"):
        parts.prepare(network(convolution=True), {"trains": "head"})


@pytest.mark.parametrize("pooled", [False, True])
def test_a_head_has_the_operations_before_its_first_layer(pooled):
    images = layers.Input(SHAPE)
    maps = layers.Conv2D(4, 3, activation="relu")(images)
    if pooled:
        maps = layers.GlobalAveragePooling2D()(maps)
    backbone = keras.Model(images, maps, name="backbone")
    outer = layers.Input(SHAPE)
    vectors = backbone(outer)
    if not pooled:
        vectors = layers.GlobalAveragePooling2D()(vectors)
    roots = keras.ops.sign(vectors) * keras.ops.sqrt(keras.ops.abs(vectors))
    model = keras.Model(outer, layers.Dense(2, activation="softmax")(roots))
    head = parts.prepare(model, {"trains": "head"})
    pixels = np.random.default_rng(0).random((3, *SHAPE), np.float32)
    found = backbone(pixels).numpy()
    found = found if pooled else found.mean(axis=(1, 2))
    np.testing.assert_allclose(head(found), model(pixels), rtol=1e-5)


def test_a_network_without_a_backbone_says_so():
    model = models.build("base_net", (16, 16, 3), 2, {})
    with pytest.raises(UserError, match="base_net: has no backbone"):
        parts.prepare(model, {"trains": "head"})


@pytest.mark.parametrize("kind", ["SGD", "Adam", "Muon"])
def test_the_backbone_has_a_rate_of_its_own(kind):
    """A step of ours is one of Keras's with the head's rate, and one with the backbone's."""
    moved = {}
    for name, rate, factor in (("ours", 0.1, 0.25), ("head", 0.1, 1), ("backbone", 0.025, 1)):
        keras.utils.clear_session()  # so that layers have the same names
        model = network()
        options = {"kind": kind, "weight_decay": 0.5}
        if kind == "Muon":
            options["adam_weight_decay"] = None
        settings = factory.SETTINGS | {"learning_rate": rate, "backbone_rate": factor}
        settings["optimizer"] = training_settings.filled("optimizer", options, "")
        settings["schedule"] = training_settings.filled("schedule", "constant", "")
        found = optimization.optimizer(model, settings, 1)
        rng = np.random.default_rng(0)
        for _ in range(2):
            grads = [tf.constant(rng.normal(size=x.shape), tf.float32)
                     for x in model.trainable_variables]  # fmt: skip
            found.apply(grads)
        moved[name] = {x.path: x.numpy() for x in model.trainable_variables}
        paths = {x.path for x in parts.backbone_of(model).trainable_variables}
    assert paths and set(moved["ours"]) > paths
    for path, value in moved["ours"].items():
        of = "backbone" if path in paths else "head"
        np.testing.assert_allclose(value, moved[of][path], rtol=1e-5, atol=1e-7)


@pytest.fixture
def folder(tmp_path):
    """Images, their features, and a network with its initial weights."""
    factory.write_images(tmp_path / "images.h5", SHAPE, n=10)
    model = network()
    keras_file.save_model(model, tmp_path / "start.keras")
    keras_file.save_model(parts.backbone_of(model), tmp_path / "backbone.keras")
    files = (tmp_path / name for name in ("images.h5", "backbone.keras", "features.h5", "c.json"))
    features.extract_features(*map(str, files))
    return tmp_path


def train(folder, name, before=None, on="images", **changes):
    settings = factory.SETTINGS | {"batch_size": 5, "epochs": 2, "patience": None} | changes
    generator = {"kind": "none", "options": {}} if on == "images" else None
    spec = {"kind": "fine_tuning", "input": "backbone" if on == "images" else on}
    spec |= {"generator": generator, "training": settings}
    inputs = {"data": folder / f"{on}.h5", "initial_weights": folder / "start.keras"}
    if before:
        inputs |= {"initial_weights": before["model"]} | {x: before[x] for x in ("run", "history")}
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(folder / f"{name}_{key}.{end}") for key, end in endings.items()}
    keras.utils.set_random_seed(0)
    loop.train(spec, 0, inputs, outputs, {}, folder / f"{name}_backups", name)
    return outputs


def weights_of(outputs):
    model = keras_file.load_model(outputs["model"], "fine_tuning")
    return {x.path: x.numpy() for x in model.variables}


def test_a_head_on_cached_features_is_that_of_the_frozen_network(folder):
    cached = train(folder, "cached", on="features", trains="head")
    frozen = keras_file.load_model(folder / "start.keras", "fine_tuning")
    start = {x.path: x.numpy() for x in frozen.variables}
    parts.backbone_of(frozen).trainable = False
    images, labels = hdf5.read_subset(folder / "images.h5", "train", ("images", "labels"))
    settings = factory.SETTINGS | {"batch_size": 5, "epochs": 2}
    loop.compiled(frozen, settings, 2)
    for epoch in range(2):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(len(labels)), seed=tf.constant([0, epoch], tf.int64)
        ).numpy()
        frozen.fit(images[order] / np.float32(255), labels[order], batch_size=5, shuffle=False,
                   verbose=0)  # fmt: skip
    found, expected = weights_of(cached), {x.path: x.numpy() for x in frozen.variables}
    for path, value in found.items():
        np.testing.assert_allclose(value, expected[path], rtol=1e-4, atol=1e-6)
        assert np.array_equal(value, start[path]) == ("dense" not in path)


def test_stages_go_on_from_each_other(folder):
    first = train(folder, "first", on="features", trains="head")
    second = train(folder, "second", first, trains="last", epochs=3)
    third = train(folder, "third", second, backbone_rate=0.1)
    runs = [atomic_files.read_json(x["run"]) for x in (first, second, third)]
    assert [x["epochs_run"] for x in runs] == [2, 5, 7]
    assert [x["best_epoch"] for x in runs] == [2, 5, 7]
    assert runs[0]["train_seconds"] < runs[1]["train_seconds"] < runs[2]["train_seconds"]
    history = pd.read_csv(third["history"])
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert history["stage"].tolist() == [1, 1, 2, 2, 2, 3, 3]
    one, two, three = map(weights_of, (first, second, third))
    changed = [{path.split("/")[-2] for path in a if not np.array_equal(a[path], b[path])}
               for a, b in ((one, two), (two, three))]  # fmt: skip
    assert changed == [{"last", "dense", "dense_1"}, {"first", "last", "dense", "dense_1"}]
