"""Layer tables and parameter counts of the practical; batch norms under fine-tuning."""

import keras
import numpy as np
import pytest
from keras import layers

from convstudy import models

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
