"""What layers remember beside the variables that Keras lists."""

import factory
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from convstudy.foundation.errors import UserError
from convstudy.training import hidden_state, loop


class Own(layers.Layer):
    """A layer of a user's, which does what it is told."""

    def __init__(self, does):
        super().__init__()
        self.does = does
        self.count = tf.Variable(0.0)

    def call(self, x):
        return self.does(self, x)

    def get_config(self):
        return {}


def keeps_count(layer, x):
    layer.count.assign_add(1.0)
    return x * layer.count


def draws_by_keras(layer, x):
    return x + keras.random.normal(keras.ops.shape(x))


def draws_by_tensorflow(layer, x):
    return x + tf.random.normal(tf.shape(x))


def shuffles(layer, x):
    return tf.random.shuffle(x)


def calls_python(layer, x):
    return tf.ensure_shape(
        tf.numpy_function(lambda y: y + np.random.rand(), [x], "float32"), x.shape
    )


def draws_without_a_state(layer, x):
    return x + tf.random.stateless_normal(tf.shape(x), [1, 2])


def hidden(*parts, mixed=False) -> list[str]:
    network = keras.Sequential([layers.Input((4,)), *parts, layers.Dense(3, activation="softmax")])
    model = loop.compiled(network, factory.SETTINGS, 4, mixed)
    return [x.name.split("/")[-1] for x in hidden_state.variables(model, mixed)]


def test_mixed_labels_change_nothing_of_it():
    assert hidden(Own(keeps_count), mixed=True) == hidden(Own(keeps_count)) != []


def test_what_keras_does_not_list_is_found_and_nothing_else():
    usual = [layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5)]
    assert hidden(*usual) == []
    assert hidden(*usual, Own(draws_without_a_state)) == []
    assert hidden(*usual, Own(keeps_count)) == ["Variable:0"]
    assert hidden(*usual, Own(draws_by_keras)) == ["seed_generator_state:0"]
    both = hidden(Own(keeps_count), *usual, Own(draws_by_keras), Own(keeps_count))
    assert both == ["Variable:0", "seed_generator_state:0", "Variable:0"]


def test_a_network_of_kerass_own_parts_costs_no_tracing(monkeypatch):
    inputs = layers.Input((4,))
    outputs = layers.Add()([keras.ops.relu(inputs), layers.Dense(4)(inputs)])
    model = loop.compiled(keras.Model(inputs, outputs), factory.SETTINGS, 4)
    steps = []
    monkeypatch.setattr(model, "train_step", steps.append)
    assert hidden_state.variables(model) == [] == steps


@pytest.mark.parametrize("does", [draws_by_tensorflow, shuffles])
def test_what_tensorflow_draws_is_refused(does):
    with pytest.raises(UserError, match="draws by tf.random .* Draw by keras.random with seed="):
        hidden(Own(does))


def test_python_within_the_graph_is_refused():
    with pytest.raises(UserError, match="calls Python within the graph .* Write it in keras.ops"):
        hidden(Own(calls_python))


def test_a_function_of_ones_own_is_looked_at_too():
    @keras.saving.register_keras_serializable("tests")
    def noisy(x):
        return x + tf.random.normal(tf.shape(x))

    with pytest.raises(UserError, match="draws by tf.random"):
        hidden(layers.Dense(4, activation=noisy))


def test_layers_of_a_package_whose_name_only_begins_like_keras_are_looked_at(monkeypatch):
    monkeypatch.setattr(Own, "__module__", "keras_more.layers")
    with pytest.raises(UserError, match="draws by tf.random"):
        hidden(Own(draws_by_tensorflow))
