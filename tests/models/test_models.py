"""Layer tables and parameter counts of the practical; batch norms under fine-tuning."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from convstudy import models
from convstudy.networks import keras_file
from convstudy.study import plugin_options

SHAPE, CLASSES = (32, 32, 3), 25


def sizes(model):
    return [layer.output.shape[1] for layer in model.layers]


def test_base_net_is_the_practicals():
    model = models.build("base_net", SHAPE, CLASSES, {})
    assert model.count_params() == 24_197
    assert sizes(model) == [28, 14, 10, 5, 400, 50, 25]


def test_improved_net_is_the_practicals():
    model = models.build("improved_net", SHAPE, CLASSES, {})
    assert model.count_params() == 1_258_553
    block = [32, 32, 30, 30, 15, 15]
    assert sizes(model) == [*block, 15, 15, 13, 13, 6, 6, 2304, 512, 512, 25]
    rates = [x.rate for x in model.layers if isinstance(x, layers.Dropout)]
    assert rates == [0.25, 0.25, 0.5]


@pytest.mark.parametrize(("where", "neighbour"), [("before", 1), ("after", -1)])
def test_batch_norm_stands_before_or_after_the_activation(where, neighbour):
    model = models.build("improved_net", SHAPE, CLASSES, {"batch_norm": where})
    found = [i for i, x in enumerate(model.layers) if isinstance(x, layers.BatchNormalization)]
    assert len(found) == 4
    assert all(isinstance(model.layers[i + neighbour], layers.Activation) for i in found)


def test_heads_have_the_practicals_layers():
    build = lambda **options: models.build("feature_head", (2048,), 200, options)  # noqa: E731
    assert build().count_params() == 2048 * 200 + 200
    wide = build(hidden=[1024], dropout=0.75)
    assert wide.count_params() == 2048 * 1024 + 1024 + 1024 * 200 + 200
    assert [x.rate for x in wide.layers if isinstance(x, layers.Dropout)] == [0.75]


@pytest.mark.parametrize("kind", ["feature_head", "logistic_regression", "fine_tuning"])
def test_powers_of_features_have_finite_slopes_and_survive_a_file(kind, tmp_path):
    shape, options = (4,), {"power": 0.5}
    if kind == "fine_tuning":
        images = layers.Input((8, 8, 3))
        maps = layers.Conv2D(4, 3, kernel_initializer="zeros")(images)
        shape, options["backbone"] = (8, 8, 3), keras.Model(images, maps, name="backbone")
    model = models.build(kind, shape, 3, options)
    inputs = np.zeros((2, *shape), np.float32)
    with tf.GradientTape() as tape:
        values = tf.Variable(inputs)
        loss = tf.reduce_sum(model(values)[:, 0])
    slopes = tape.gradient(loss, [values, *(x.value for x in model.trainable_variables)])
    assert all(np.isfinite(slope).all() for slope in slopes if slope is not None)
    keras_file.save_model(model, tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    some = np.random.default_rng(0).normal(size=(2, *shape))
    np.testing.assert_array_equal(again(some), model(some))


@pytest.mark.parametrize(("mode", "moves"), [("inference", False), ("training", True)])
def test_batch_norm_statistics_move_only_in_training_mode(mode, moves):
    keras.utils.set_random_seed(0)
    inputs = layers.Input((8, 8, 3))
    maps = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
    backbone = keras.Model(inputs, maps, name="backbone")
    options = {"backbone": backbone, "batch_norm": mode}
    model = models.build("fine_tuning", (8, 8, 3), 3, options)
    norm, kernel = backbone.layers[-1], backbone.layers[1].kernel
    before = norm.moving_mean.numpy().copy(), kernel.numpy().copy()
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((32, 8, 8, 3), dtype=np.float32)
    model.fit(images, np.arange(32) % 3, verbose=0)
    assert np.array_equal(before[0], norm.moving_mean.numpy()) is not moves
    assert not np.array_equal(before[1], kernel.numpy())


def test_every_output_of_the_practicals_networks_has_its_shape():
    shapes = [x.output.shape[1:] for x in models.build("improved_net", SHAPE, CLASSES, {}).layers]
    maps = [(32, 32), (32, 32), (30, 30), (30, 30), (15, 15), (15, 15)]
    deeper = [(15, 15), (15, 15), (13, 13), (13, 13), (6, 6), (6, 6)]
    expected = [(*x, 32) for x in maps] + [(*x, 64) for x in deeper]
    assert shapes == [*expected, (2304,), (512,), (512,), (25,)]
    shapes = [x.output.shape[1:] for x in models.build("base_net", SHAPE, CLASSES, {}).layers]
    assert shapes[:4] == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16)]
    assert shapes[4:] == [(400,), (50,), (25,)]


@pytest.mark.parametrize("where", ["before", "after"])
def test_batch_norm_follows_its_own_convolution(where):
    model = models.build("improved_net", SHAPE, CLASSES, {"batch_norm": where})
    kinds = [type(x).__name__ for x in model.layers]
    own = ["BatchNormalization", "Activation"]
    block = ["Conv2D", *(own if where == "before" else own[::-1])] * 2 + ["MaxPooling2D", "Dropout"]
    assert kinds == [*block, *block, "Flatten", "Dense", "Dropout", "Dense"]
    assert model.count_params() == 1_258_553 + 4 * 2 * (32 + 64)
    assert all(x.use_bias for x in model.layers if isinstance(x, layers.Conv2D))


def tiny_backbone(channels=8):
    """Images (8, 8, 3) to maps (4, 4, channels), with a network inside as a real one has it."""
    inner = keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(channels, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
        ],
        name="inner",
    )
    images = layers.Input((8, 8, 3))
    frozen = layers.Conv2D(3, 1, trainable=False, name="input_preprocessing")(images)
    return keras.Model(images, inner(frozen), name="backbone")


def head(**options):
    """Shapes (without the batch) and dropout rates of the layers on top of a backbone."""
    model = models.build("fine_tuning", (8, 8, 3), 5, {"backbone": tiny_backbone()} | options)
    top = model.layers[2:]
    rates = [x.rate for x in top if isinstance(x, layers.Dropout)]
    return [x.output.shape[1:] for x in top], rates


def test_fine_tuning_heads_have_the_practicals_layers():
    assert head() == ([(8,), (5,)], [])
    assert head(hidden=[1024]) == ([(8,), (1024,), (5,)], [])
    maps = (4, 4, 64)
    wide = [(64,), (1024,), (1024,), (5,)]
    assert head(hidden=[1024], convolution=True) == ([maps, maps, *wide], [0.2, 0.4])


def test_every_head_ends_in_probabilities():
    vectors = np.random.default_rng(0).normal(size=(4, 16)).astype(np.float32)
    for options in ({}, {"hidden": [8]}, {"hidden": [8], "dropout": 0.75}):
        model = models.build("feature_head", (16,), 5, options)
        output = np.asarray(model(vectors))
        assert output.shape == (4, 5)
        np.testing.assert_allclose(output.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("mode", "moves"), [("inference", False), ("training", True)])
def test_batch_norm_keeps_its_mode_through_a_file(tmp_path, mode, moves):
    keras.utils.set_random_seed(0)
    options = {"backbone": tiny_backbone(), "batch_norm": mode}
    keras_file.save_model(models.build("fine_tuning", (8, 8, 3), 3, options), tmp_path / "m.keras")
    model = keras_file.load_model(tmp_path / "m.keras")
    backbone = model.get_layer("backbone")
    inner, preprocessing = backbone.get_layer("inner"), backbone.get_layer("input_preprocessing")
    before = [[w.numpy().copy() for w in layer.weights] for layer in (*inner.layers, preprocessing)]
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = np.random.default_rng(0).random((32, 8, 8, 3), dtype=np.float32)
    model.fit(images, np.arange(32) % 3, verbose=0)
    after = [[w.numpy() for w in layer.weights] for layer in (*inner.layers, preprocessing)]
    equal = [all(map(np.array_equal, a, b)) for a, b in zip(before, after, strict=True)]
    convolution, norm, fixed = equal
    assert not convolution and norm is not moves and fixed


@pytest.mark.parametrize("kind", ["base_net", "improved_net"])
def test_the_smallest_images_are_what_the_model_says(kind):
    least = plugin_options.describe("models", kind).constants["SMALLEST"]
    models.build(kind, (least, least, 3), 2, {})
    with pytest.raises(ValueError):
        models.build(kind, (least, least - 1, 3), 2, {})
