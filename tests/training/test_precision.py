"""Mixed precision: what computes in it, and that a training in it ends near that in float32."""

import keras
import numpy as np
import pytest
from keras import layers

from convstudy.study import training_settings
from convstudy.training import loop, precision

LOW = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


def network():
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu")])
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            inner,
            layers.BatchNormalization(momentum=0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("policy", LOW)
def test_all_but_the_last_layer_compute_in_it_and_weights_do_not(policy):
    model = network()
    precision.compute_in(model, policy)
    inner, norm, flat, last = model.layers
    assert {x.compute_dtype for x in (inner.layers[0], norm, flat)} == {LOW[policy]}
    assert last.compute_dtype == "float32" and {x.dtype for x in model.weights} == {"float32"}
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    assert keras.backend.standardize_dtype(inner(images).dtype) == LOW[policy]
    found = np.asarray(model(images))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(network()(images)), atol=0.01)
    assert np.abs(found - np.asarray(network()(images))).max() > 0


@pytest.mark.parametrize("policy", LOW)
@pytest.mark.parametrize("averaged", [None, 0.5])
def test_a_training_ends_near_that_in_float32(policy, averaged):
    rng = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.int32) % 3
    images = rng.random((60, 8, 8, 3)).astype(np.float32) * 0.3 + labels[:, None, None, None] / 3
    losses = {}
    for name in ("float32", policy):
        settings = {"learning_rate": 0.02, "epochs": 6, "precision": name, "schedule": "cosine"}
        settings |= {"loss": "cross_entropy", "optimizer": {"kind": "SGD"}}
        settings["optimizer"]["ema_momentum"] = averaged
        training_settings.fill(settings, "training")
        model = network()
        precision.compute_in(model, name)
        loop.compiled(model, settings, 6)
        callbacks = loop._judging(model, [])
        done = model.fit(images, labels, batch_size=10, epochs=6, shuffle=False, verbose=0,
                         callbacks=callbacks, validation_data=(images, labels))  # fmt: skip
        losses[name] = done.history["val_loss"]
    assert losses[policy][-1] < 0.7 * losses[policy][0]
    np.testing.assert_allclose(losses[policy][2:], losses["float32"][2:], atol=0.02)
    assert losses[policy] != losses["float32"]
