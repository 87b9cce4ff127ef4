"""Evaluation of a trained network: the only module that opens the test subset for a network."""

from typing import Any

import numpy as np

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.networks import keras_file
from convstudy.statistics import metrics
from convstudy.training.input_pipeline import preprocessing, test_stream

# Larger than in training: it changes no number, and is faster.
BATCH = 100


def evaluate(
    spec: dict[str, Any],
    identity: dict[str, Any],
    data_file: str,
    statistics_file: str | None,
    model_file: str,
    run_file: str,
    outputs: dict[str, str],
) -> None:
    """Write `metrics` (.json) and `predictions` (.h5) of one trained variant.

    Args:
        spec: as for `training.train`.
        identity: what names the run (dataset, variant, model, generator, backbone, seed, task).
        data_file: images or features.
        statistics_file: the generator's statistics, if it has any.
        model_file: the trained network.
        run_file: what training recorded of itself.
        outputs: paths of `metrics` and `predictions`.
    """
    generator, statistics = preprocessing(spec, statistics_file)
    array = hdf5.array_of(spec["input"])
    model = keras_file.load_model(model_file, spec["kind"])
    predictions = {}
    for subset in ("validation", "test"):
        images, labels = hdf5.read_subset(data_file, subset, (array, "labels"))
        stream = test_stream(generator, statistics, images, labels, BATCH)
        predictions[subset] = (np.asarray(model.predict(stream, verbose=0)), labels)
    test, validation = (metrics.evaluate(*predictions[s]) for s in ("test", "validation"))
    run = atomic_files.read_json(run_file)
    class_names = hdf5.read_attributes(data_file)["class_names"]
    hdf5.write_predictions(outputs["predictions"], predictions, class_names=class_names)
    atomic_files.write_json(
        outputs["metrics"],
        identity
        | {
            "n_classes": len(class_names),
            "n_validation": len(predictions["validation"][1]),
            "n_test": len(predictions["test"][1]),
        }
        | {f"test_{name}": value for name, value in test.items()}
        | {f"validation_{name}": validation[name] for name in ("loss", "accuracy")}
        | run
        | {"class_names": class_names},
    )
