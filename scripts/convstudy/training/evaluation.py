"""Evaluation of a trained network: the only module that opens the test subset for a network."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convstudy.data import hdf5, stored_rows
from convstudy.foundation import atomic_files
from convstudy.networks import costs, keras_file
from convstudy.statistics import combination, metrics, run_figures
from convstudy.training import device, input_pipeline, views

# Larger than in training: it changes no number, and is faster.
BATCH = 100
TIMED = 7  # passes of one batch; the median is told

Predictions = tuple[np.ndarray, np.ndarray]  # probabilities (n, classes), labels (n,)
Streams = list[tf.data.Dataset]  # of the same images, a view each
Network = Callable[[tf.Tensor], np.ndarray]  # of a batch, its probabilities


@input_pipeline.naming_damage()
def evaluate(
    spec: dict[str, Any],
    identity: dict[str, Any],
    inputs: dict[str, str],
    outputs: dict[str, str],
    data_mb: float = math.inf,
) -> None:
    """Write `metrics` (.json) and `predictions` (.h5) of one trained variant.

    Args:
        spec: as for `training.train`; with `views` (see `views.seen`), their `words` and the
            variant whose `network` it is, the predictions are the mean over these views.
        identity: what names the run (dataset, variant, model, generator, backbone, seed, task).
        inputs: paths of `data` (images or features), `model` (the trained network), `run` (what
            training recorded of itself); of the generator's `statistics`, if it has any; on
            features, of the `costs` of their extraction.
        outputs: paths of `metrics` and `predictions`.
        data_mb: as for `training.train`.
    """
    load = device.load()
    model = keras_file.load_model(inputs["model"], spec["kind"])
    network = _of_any_batch(model)
    # one subset in memory at a time
    on_training = _judged(network, *_streams(spec, inputs, "train", data_mb))
    held_out = _predicted(network, *_streams(spec, inputs, "validation", data_mb))
    streams, labels = _streams(spec, inputs, "test", data_mb)
    predicted = {"validation": held_out, "test": _predicted(network, streams, labels)}
    class_names = hdf5.read_attributes(inputs["data"])["class_names"]
    figures = run_figures.of_predictions(held_out, predicted["test"], class_names)
    figures |= {f"train_{name}": value for name, value in on_training.figures().items()}
    figures |= _costs(model, network, streams, inputs.get("costs"), load)
    hdf5.write_predictions(
        outputs["predictions"],
        predicted,
        (on_training.predicted, on_training.labels),
        class_names=class_names,
    )
    run = atomic_files.read_json(inputs["run"])
    running = {f"train_running_{key}": run.pop(f"train_{key}") for key in ("loss", "accuracy")}
    about = identity | figures | run | running | {"class_names": class_names}
    if "views" in spec:
        about |= combination.of_views(about, spec["network"], len(streams), spec["words"])
    atomic_files.write_json(outputs["metrics"], about)


def _streams(
    spec: dict[str, Any], inputs: dict[str, str], subset: str, data_mb: float
) -> tuple[Streams, np.ndarray]:
    """Plain batches of a subset in their stored order, a stream a view, and its labels."""
    generator, statistics = input_pipeline.preprocessing(spec, inputs.get("statistics"))

    def preprocessed(block: np.ndarray) -> np.ndarray:
        return generator.test_arrays(block, statistics)

    arrays, labels = input_pipeline.load_subset(
        spec,
        inputs["data"],
        subset,
        stored_rows.Memory(data_mb),
        (lambda block: block) if "views" in spec else preprocessed,
    )
    seen = [views.View(arrays, view, preprocessed) for view in spec.get("views", ())] or [arrays]
    return [
        input_pipeline.test_stream(generator, statistics, one, labels, BATCH) for one in seen
    ], labels


def _of_any_batch(model: keras.Model) -> Network:
    """The network as one graph: Keras's `predict_on_batch` makes one for each size of a batch."""
    graph = tf.function(lambda x: model(x, training=False), autograph=False)

    def network(batch: tf.Tensor) -> np.ndarray:
        any_size = tf.TensorSpec([None, *batch.shape[1:]], batch.dtype)
        return graph.get_concrete_function(any_size)(batch).numpy()

    return network


def _predicted(network: Network, streams: Streams, labels: np.ndarray) -> Predictions:
    found = (np.concatenate([network(x) for x, _ in stream]) for stream in streams)
    return combination.mean(found), labels


@dataclass(frozen=True)
class _Judged:
    """Predicted class, label and loss of each image (n,)."""

    predicted: np.ndarray
    labels: np.ndarray
    losses: np.ndarray

    def figures(self) -> dict[str, float]:
        return {
            "loss": float(self.losses.mean()),
            "accuracy": float(np.mean(self.predicted == self.labels)),
        }


def _judged(network: Network, streams: Streams, labels: np.ndarray) -> _Judged:
    """Judge many predictions batch by batch, without keeping all their probabilities."""
    parts = [
        metrics.judged(combination.mean(network(x) for x, _ in seen), seen[0][1])
        for seen in zip(*streams, strict=True)
    ]
    predicted, losses = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Judged(predicted, labels, losses)


def _costs(
    model: keras.Model, network: Network, streams: Streams, extraction: str | None, load: float
) -> dict[str, Any]:
    """What a prediction of all views costs, of this network and of the backbone a head needs."""
    backbone = atomic_files.read_json(extraction) if extraction else {}
    return {
        "flops_per_image": len(streams) * costs.flops_per_image(model),
        "backbone_flops_per_image": backbone.get("flops_per_image", 0),
        "backbone_parameters": backbone.get("parameters", 0),
        "extraction_seconds": backbone.get("seconds"),
        "milliseconds_per_image": len(streams) * _milliseconds(network, next(iter(streams[0]))[0]),
        "evaluate_peak_memory_mib": device.peak_memory_mib(),
        "evaluate_processor": device.processor(),
        "evaluate_load": load,
    }


def _milliseconds(network: Network, images: tf.Tensor) -> float:
    """Median time of one batch's prediction, by image; the batch is in memory already."""
    taken = []
    for _ in range(TIMED):
        start = time.perf_counter()
        network(images)
        taken.append(time.perf_counter() - start)
    return 1000 * float(np.median(taken)) / len(images)
