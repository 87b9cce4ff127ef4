"""Images of one channel: from the data file to a trained, evaluated and exported network."""

import factory
import keras
import numpy as np
import pytest
import tensorflow as tf

from convstudy import generators
from convstudy.data import hdf5
from convstudy.export import exported_network
from convstudy.foundation import atomic_files
from convstudy.networks import initial_weights, keras_file
from convstudy.training import evaluation, loop


@pytest.mark.parametrize("kind", ["none", "normalize", "whiten"])
@pytest.mark.parametrize("network", ["base_net", "improved_net"])
def test_a_network_is_trained_and_its_layers_repeat_the_predictions(tmp_path, kind, network):
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    data, start = factory.write_images(tmp_path / "d.h5", (16, 18, 1), n=12), tmp_path / "s.keras"
    spec = {"kind": network, "input": "images", "options": {}, "backbone": None}
    spec |= {"generator": {"kind": kind, "options": {}}}
    spec |= {"training": factory.SETTINGS | {"epochs": 1}}
    initial_weights.initialize(spec, data, None, start)
    images, labels = hdf5.read_subset(data, "train")
    generator = generators.make(kind, {})
    statistics = generator.fit(images)
    hdf5.write_statistics(tmp_path / "fitted.h5", statistics)
    endings = {"model": "keras", "history": "csv", "run": "json"}
    trained = {key: str(tmp_path / f"{key}.{end}") for key, end in endings.items()}
    inputs = {"data": data, "statistics": tmp_path / "fitted.h5"}
    loop.train(spec, 0, inputs | {"initial_weights": start}, trained, {}, tmp_path / "b", "key")
    outputs = {"metrics": tmp_path / "metrics.json", "predictions": tmp_path / "p.h5"}
    evaluation.evaluate(spec, {}, inputs | trained, outputs)
    assert atomic_files.read_json(outputs["metrics"])["n_test"] == 12

    model = keras_file.load_model(trained["model"], network)
    shape = model.input_shape[1:]
    assert shape == (16, 18, 1)
    chain = exported_network._chain(shape, [*generator.layers(shape, statistics), model], "x")
    expected, _ = hdf5.read_predictions(outputs["predictions"])
    (test_images,) = hdf5.read_subset(data, "test", ("images",))
    np.testing.assert_allclose(chain.predict_on_batch(test_images), expected, atol=1e-3)
