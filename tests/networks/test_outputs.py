"""Networks are checked when they are built; what one costs."""

import keras
import numpy as np
import pytest
from keras import layers

from convstudy import models
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.networks import costs, outputs

SHAPE, CLASSES = (8, 8, 3), 4
START = """
import keras
INPUT = "images"
def build(input_shape, classes):
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(inputs)
"""


@pytest.fixture
def built(tmp_path):
    """Builds the network of a model file with this end, the file being the user's own."""

    def build(end, constants=""):
        folder = tmp_path / "plugins"
        (folder / "models").mkdir(parents=True)
        (folder / "models" / f"{tmp_path.name}.py").write_text(f"{constants}{START}    {end}\n")
        plugin_files.use(folder)
        return outputs.build(tmp_path.name, SHAPE, CLASSES, {})

    yield build
    plugin_files.use(None)


def dense(activation, classes="classes"):
    return f"return keras.Model(inputs, keras.layers.Dense({classes}, {activation!r})(x))"


def test_a_softmax_is_left_as_it_is(built):
    assert built(dense("softmax")).count_params() == 192 * 4 + 4


def test_logits_by_name_become_probabilities(built):
    model = built(dense(None), constants="OUTPUT = 'logits'")
    rows = np.asarray(model(np.ones((3, *SHAPE), np.float32)))
    assert rows.sum(axis=1) == pytest.approx([1, 1, 1])
    assert model.count_params() == 192 * 4 + 4


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (dense(None), r"outputs are no probabilities.*sum to .*OUTPUT = 'logits'"),
        (dense("sigmoid"), "outputs are no probabilities"),
        (dense("softmax", "classes + 1"), r"outputs are \[\(None, 5\)\], expected .*\(None, 4\)"),
        ("return keras.Model(inputs, inputs)", "expected one of shape .*each of the 4 classes"),
        ("return keras.Model(inputs, [keras.layers.Dense(4)(x)] * 2)", "outputs are "),
        ("return None", "build returns NoneType, expected a keras.Model"),
        ("return keras.Sequential([keras.layers.Dense(4)])", "inputs are unknown, expected"),
    ],
)
def test_what_is_no_classifier_is_refused_with_the_repair(built, tmp_path, end, message):
    with pytest.raises(UserError, match=f"plugins/models/{tmp_path.name}.py: .*{message}"):
        built(end)


def test_the_check_draws_no_random_number_and_changes_no_weight():
    keras.utils.set_random_seed(3)
    plain = models.build("improved_net", (32, 32, 3), 5, {"batch_norm": "before"})
    after = np.random.random()
    keras.utils.set_random_seed(3)
    checked = outputs.build("improved_net", (32, 32, 3), 5, {"batch_norm": "before"})
    assert np.random.random() == after
    for one, other in zip(plain.get_weights(), checked.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_flops_of_a_small_network_counted_by_hand():
    inputs = layers.Input((32, 32, 3))
    maps = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    flat = layers.Flatten()(layers.MaxPooling2D()(maps))
    model = keras.Model(inputs, layers.Dense(10, use_bias=False)(flat))
    by_hand = 2 * 32 * 32 * 8 * 27 + 2 * 16 * 16 * 8 * 10
    pooling = 16 * 16 * 8 * 4
    assert costs.flops_per_image(model) == by_hand + pooling


def test_flops_of_nested_networks_and_of_resnet50():
    """He et al. 2016 count 3.8 billion multiplications for ResNet50; here each is two."""
    backbone = keras.applications.ResNet50(weights=None, include_top=False, pooling="avg")
    inputs = layers.Input((224, 224, 3))
    model = keras.Model(inputs, layers.Dense(1000)(backbone(inputs)))
    assert 7.5e9 < costs.flops_per_image(model) < 8e9
