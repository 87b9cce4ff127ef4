"""Evaluation: what it says of training images, and of the cost of a head's features."""

import factory
import h5py
import keras
import numpy as np
import tensorflow as tf

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.networks import initial_weights, keras_file
from convstudy.training import evaluation, loop


def test_the_training_accuracy_is_that_of_the_kept_network_without_dropout(tmp_path):
    """What training itself sees is of a network that learns, with most of it dropped."""
    data = factory.write_vectors(tmp_path / "data.h5", classes=3)
    with h5py.File(data, "a") as file:  # classes that can be learned
        for subset in hdf5.SUBSETS:
            file[f"{subset}/labels"][...] = file[f"{subset}/vectors"][:, :3].argmax(axis=1)
    spec = {"kind": "feature_head", "options": {"hidden": [64], "dropout": 0.75}}
    spec |= {"input": "features", "generator": None}
    keras.utils.set_random_seed(0)
    initial_weights.initialize(spec | {"backbone": None}, data, None, tmp_path / "start.keras")
    settings = {"batch_size": 6, "learning_rate": 0.03, "epochs": 20, "patience": None}
    endings = {"model": "keras", "history": "csv", "run": "json"}
    made = {key: str(tmp_path / f"{key}.{end}") for key, end in endings.items()}
    given = {"data": data, "initial_weights": tmp_path / "start.keras"}
    training = spec | {"training": factory.SETTINGS | settings}
    loop.train(training, 0, given, made, {}, tmp_path / "backups", "key")
    costs = {"seconds": 3.5, "images": 80, "parameters": 1000, "flops_per_image": 5000}
    atomic_files.write_json(tmp_path / "costs.json", costs)
    outputs = {"metrics": tmp_path / "metrics.json", "predictions": tmp_path / "predictions.h5"}
    evaluation.evaluate(spec, {}, given | made | {"costs": tmp_path / "costs.json"}, outputs)
    found = atomic_files.read_json(outputs["metrics"])
    vectors, labels = hdf5.read_subset(data, "train", ("vectors", "labels"))
    plain = np.asarray(keras_file.load_model(made["model"])(vectors)).argmax(axis=1)
    assert found["train_accuracy"] == np.mean(plain == labels)
    assert found["train_accuracy"] > found["train_running_accuracy"]
    assert found["train_loss"] < found["train_running_loss"] * 0.9
    # what the features cost is told beside the head's own
    assert (found["extraction_seconds"], found["backbone_parameters"]) == (3.5, 1000)
    assert found["backbone_flops_per_image"] == 5000
    assert found["parameters"] == 6 * 64 + 64 + 64 * 3 + 3
    assert found["flops_per_image"] >= 2 * (6 * 64 + 64 * 3)


def test_batches_of_any_size_are_predicted_by_one_graph_as_keras_predicts_them():
    class Counted(keras.layers.Layer):
        """Hands on what it is given; counts how often a graph is made of it."""

        calls = 0

        def call(self, inputs, training=None):
            Counted.calls += 1
            return inputs

    layers = [keras.Input((4,)), Counted(), keras.layers.Dropout(0.5), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    rows = np.random.default_rng(0).random((25, 4), np.float32)
    before, network = Counted.calls, evaluation._of_any_batch(model)
    found = np.concatenate([network(tf.constant(rows[x : x + 10])) for x in (0, 10, 20)])
    assert Counted.calls == before + 1
    assert np.array_equal(found, model.predict(rows, batch_size=10, verbose=0))
