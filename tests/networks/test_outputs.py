"""Networks are checked when they are built; what one costs."""

import factory
import keras
import numpy as np
import pytest
from keras import layers

from convstudy import models
from convstudy.data import hdf5
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.networks import costs, initial_weights, outputs
from convstudy.study import plugin_options
from convstudy.training import evaluation, loop

SHAPE, CLASSES = (8, 8, 3), 4
ENDINGS = {"model": "keras", "history": "csv", "run": "json"}
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


SEQUENCE = (
    "return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), "
    "keras.layers.Dense(classes)])"
)


@pytest.mark.parametrize("end", [dense(None), SEQUENCE], ids=["functional", "sequential"])
def test_logits_by_name_become_probabilities(built, end):
    model = built(end, constants="OUTPUT = 'logits'")
    rows = np.asarray(model(np.ones((3, *SHAPE), np.float32)))
    assert rows.sum(axis=1) == pytest.approx([1, 1, 1])
    assert model.count_params() == 192 * 4 + 4


def test_a_misspelt_output_is_refused_before_anything_runs(built, tmp_path):
    built(dense("softmax"), constants="OUTPUT = 'logit'")
    with pytest.raises(UserError, match="OUTPUT is 'logit', expected 'softmax' or 'logits'"):
        plugin_options.describe("models", tmp_path.name)


def test_logits_are_probabilities_from_the_start_to_the_predictions(built, tmp_path):
    """What is initialized, trained and evaluated is the network with its softmax."""
    built(dense(None), constants="OUTPUT = 'logits'")
    kind, data = tmp_path.name, factory.write_images(tmp_path / "data.h5", SHAPE, n=12)
    paths = {
        name: str(tmp_path / name)
        for name in ("start.keras", "model.keras", "history.csv", "run.json", "m.json", "p.h5")
    }
    spec = {"kind": kind, "input": "images", "generator": {"kind": "none", "options": {}}}
    initial_weights.initialize(
        spec | {"options": {}, "backbone": None}, data, None, paths["start.keras"]
    )
    run = {key: paths[f"{key}.{end}"] for key, end in ENDINGS.items()}
    inputs = {"data": data, "initial_weights": paths["start.keras"]}
    training = spec | {"training": factory.SETTINGS | {"epochs": 1, "patience": None}}
    loop.train(training, 0, inputs, run, {}, tmp_path / "backups", "key")
    outputs_of = {"metrics": paths["m.json"], "predictions": paths["p.h5"]}
    evaluation.evaluate(spec, {"variant": "v"}, inputs | run, outputs_of)
    for subset in ("validation", "test"):
        probabilities, _ = hdf5.read_predictions(paths["p.h5"], subset)
        assert probabilities.sum(axis=1) == pytest.approx(np.ones(12), abs=1e-5)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (dense(None), r"outputs are no probabilities.*sum to .*OUTPUT = 'logits'"),
        (dense("sigmoid"), "outputs are no probabilities"),
        (dense("softmax", "classes + 1"), r"outputs are \[\(None, 5\)\], expected .*\(None, 4\)"),
        ("return keras.Model(inputs, inputs)", "expected one of shape .*each of the 4 classes"),
        ("return keras.Model(inputs, [keras.layers.Dense(4)(x)] * 2)", "outputs are "),
        ("return keras.Model(inputs, {'a': keras.layers.Dense(4)(x)})", "outputs are a dict"),
        (dense(None).replace("(x)", "(x) * float('inf')"), "outputs are no probabilities"),
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
