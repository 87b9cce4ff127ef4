"""Heads that are solved: the choice on validation images, the files, and what is told."""

import math

import numpy as np
import pandas as pd
import pytest

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.networks import initial_weights, keras_file
from convstudy.training import evaluation, loop

NAMES = ["a", "b", "c"]
OPTIONS = {"l2": [1e-4, 1e-2, 1.0], "standardize": True, "max_iterations": 1000, "power": 1.0}
IDENTITY = {"dataset": "d", "variant": "v", "seed": 0}


@pytest.fixture
def vectors(tmp_path):
    """Features that 12 training images a class let a head learn by heart."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 20))
    with hdf5.create_hdf5(tmp_path / "data.h5", {"class_names": NAMES}) as file:
        for subset, n in (("train", 36), ("validation", 60), ("test", 60)):
            labels = np.arange(n, dtype=np.int32) % 3
            values = (centres[labels] + 2.5 * rng.normal(size=(n, 20))).astype(np.float32)
            group = file.create_group(subset)
            hdf5.write_array(group, "vectors", values)
            hdf5.write_array(group, "labels", labels)
    return tmp_path


def run(folder, seed=0, data_mb=math.inf, training=None, **options):
    spec = {"kind": "logistic_regression", "input": "features", "backbone": None}
    start = folder / f"start{seed}.keras"
    initial_weights.initialize(spec | {"options": {}}, folder / "data.h5", None, start)
    spec |= {"generator": None, "training": training or {}, "solver": OPTIONS | options}
    inputs = {"data": str(folder / "data.h5"), "initial_weights": str(start)}
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(folder / f"{key}{seed}.{end}") for key, end in endings.items()}
    loop.train(spec, seed, inputs, outputs, {"who": "test"}, folder / "backups", "key", data_mb)
    return spec, inputs, outputs


def judged(model, folder, subset):
    x, y = hdf5.read_subset(folder / "data.h5", subset, ("vectors", "labels"))
    rows = np.asarray(model(x), np.float64)
    return -np.log(rows[np.arange(len(y)), y]).mean(), (rows.argmax(axis=1) == y).mean()


def test_the_strength_with_the_best_validation_accuracy_is_kept(vectors):
    _, _, outputs = run(vectors)
    history = pd.read_csv(outputs["history"])
    assert history["l2"].tolist() == [1.0, 1e-2, 1e-4] and history["converged"].all()
    best = history.sort_values(["val_accuracy", "val_loss"], ascending=[False, True]).iloc[0]
    told = atomic_files.read_json(outputs["run"])
    assert told["solution_l2"] == best["l2"] and told["provenance"] == {"who": "test"}
    model = keras_file.load_model(outputs["model"])
    for subset, prefix in (("train", ""), ("validation", "val_")):
        loss, accuracy = judged(model, vectors, subset)
        assert best[f"{prefix}loss"] == pytest.approx(loss, rel=1e-4)
        assert best[f"{prefix}accuracy"] == pytest.approx(accuracy)
    assert history["val_accuracy"].nunique() > 1  # there was something to choose
    assert not (vectors / "backups").exists()


def test_seeds_give_the_same_bits(vectors):
    one, two = (keras_file.load_model(run(vectors, seed)[2]["model"]) for seed in (0, 7))
    assert all(map(np.array_equal, one.get_weights(), two.get_weights()))


def test_an_edge_of_the_grid_and_a_solution_that_was_not_reached_are_told(vectors):
    def notes(**options):
        return atomic_files.read_json(run(vectors, **options)[2]["run"])["solution_notes"]

    assert notes(l2=0.5) == []
    (edge,) = notes(l2=[1e-6, 1e-5])
    assert "is the largest of the 2" in edge and "a larger one" in edge
    (edge,) = notes(l2=[1.0, 100.0])
    assert "is the smallest of the 2" in edge and "a smaller one" in edge
    (short,) = notes(l2=1e-6, max_iterations=2)
    assert "not converged after 2 iterations" in short and "max_iterations" in short


def test_it_is_evaluated_like_any_network(vectors):
    spec, inputs, outputs = run(vectors)
    extraction = {"seconds": 1.0, "images": 156, "parameters": 10, "flops_per_image": 20}
    atomic_files.write_json(vectors / "costs.json", extraction)
    inputs |= {"model": outputs["model"], "run": outputs["run"], "costs": vectors / "costs.json"}
    results = {"metrics": vectors / "metrics.json", "predictions": vectors / "predictions.h5"}
    evaluation.evaluate(
        {key: spec[key] for key in ("kind", "input", "generator")}, IDENTITY, inputs, results
    )
    metrics = atomic_files.read_json(results["metrics"])
    _, accuracy = judged(keras_file.load_model(outputs["model"]), vectors, "test")
    assert metrics["test_accuracy"] == pytest.approx(accuracy)
    assert metrics["solved"] is True and metrics["epochs_run"] is None


def test_class_weights_count(vectors):
    heavy = {"class_weights": {"a": 1, "b": 1, "c": 50}}
    spec, inputs, outputs = run(vectors, l2=1.0, training=heavy)
    x, _ = hdf5.read_subset(vectors / "data.h5", "test", ("vectors", "labels"))
    often = [(np.asarray(keras_file.load_model(outputs["model"])(x)).argmax(axis=1) == 2).mean()]
    _, _, outputs = run(vectors, 1, l2=1.0)
    often.append(
        (np.asarray(keras_file.load_model(outputs["model"])(x)).argmax(axis=1) == 2).mean()
    )
    assert often[0] > 0.6 > 0.5 > often[1]
    assert atomic_files.read_json(vectors / "run0.json")["class_weights"] == [1, 1, 50]


def test_features_that_memory_does_not_hold_are_told_before_they_are_read(vectors):
    with pytest.raises(UserError, match=r"train features take 0 MB.*memory\.data_mb is 0\.001"):
        run(vectors, data_mb=0.001)


def test_a_class_without_training_images_is_told(tmp_path):
    with hdf5.create_hdf5(tmp_path / "data.h5", {"class_names": NAMES}) as file:
        for subset in ("train", "validation"):
            group = file.create_group(subset)
            hdf5.write_array(group, "vectors", np.eye(4, dtype=np.float32))
            hdf5.write_array(group, "labels", np.array([0, 1, 0, 1], np.int32))
    with pytest.raises(UserError, match="class 'c' has no training image"):
        run(tmp_path)
