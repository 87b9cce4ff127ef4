"""Steps in a loop of the graph: Keras's own, in few calls."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from convstudy.training import step_loop

IMAGES, BATCH, EPOCHS = 37, 6, 3  # seven steps, the last of one image


class Epochs(keras.callbacks.Callback):
    """Keeps the figures of each epoch."""

    def __init__(self):
        super().__init__()
        self.figures = []

    def on_epoch_end(self, epoch, logs=None):
        self.figures.append(dict(logs))


def network():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.AdamW(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def trained(looped: bool):
    draw = np.random.default_rng(0)
    images = draw.random((IMAGES, 8, 8, 3), np.float32)
    labels = draw.integers(0, 5, IMAGES)
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(BATCH)
    model, epochs = network(), Epochs()
    if looped:
        step_loop.put_into(model, 7, 4)
    model.fit(
        data.repeat(),
        steps_per_epoch=7,
        epochs=EPOCHS,
        validation_data=data.take(4),
        validation_steps=4,
        callbacks=[epochs],
        verbose=0,
        shuffle=False,
    )
    return epochs.figures, model.get_weights(), model.optimizer.variables


@pytest.fixture
def calls(monkeypatch):
    """The numbers of steps of each call, of training and validation."""
    found = []

    def counting(step, make=step_loop._several):
        several = make(step)
        return lambda iterator, number: (found.append(int(number)), several(iterator, number))[1]

    monkeypatch.setattr(step_loop, "_several", counting)
    return found


@pytest.mark.parametrize("longest", [0, 1e9])
def test_the_steps_are_those_of_fit_to_the_last_bit(longest, monkeypatch):
    monkeypatch.setattr(step_loop, "LONGEST", longest)
    expected, found = trained(False), trained(True)
    assert found[0] == expected[0]
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_an_epoch_of_fast_steps_becomes_one_call(calls, monkeypatch):
    monkeypatch.setattr(step_loop, "LONGEST", 1e9)
    trained(True)
    assert calls == [1, 2, 4, 1, 2, 1, 7, 4, 7, 4]


def test_slow_steps_are_called_one_by_one(calls, monkeypatch):
    monkeypatch.setattr(step_loop, "LONGEST", 0)
    trained(True)
    assert calls == EPOCHS * (7 + 4) * [1]


def test_a_step_is_traced_once():
    data = tf.data.Dataset.from_tensor_slices(tf.range(20.0)).batch(4)
    traced = []

    def step(numbers):
        traced.append(numbers)
        return {"loss": tf.reduce_sum(numbers)}

    several = step_loop._several(step)
    found = [several(iter(data), tf.constant(n))["loss"].numpy() for n in (1, 3)]
    assert found == [0 + 1 + 2 + 3, 8 + 9 + 10 + 11] and len(traced) == 1
