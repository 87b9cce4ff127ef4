"""Heads whose best weights are computed at once from all features, not trained in epochs.

A model file has them that has a function `solve`: it yields candidates, of which the one with the
best validation accuracy is kept. Nothing in it is random, so there is no seed and no backup.
"""

import logging
import math
import time
from typing import Any

import keras
import numpy as np
import pandas as pd

from convstudy import models
from convstudy.data import hdf5, stored_rows
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.networks import keras_file
from convstudy.training import class_weights, device

log = logging.getLogger(__name__)
BATCH = 1000  # of the features that a candidate is judged by


def train(
    spec: dict[str, Any],
    inputs: dict[str, str],
    outputs: dict[str, str],
    provenance: dict[str, Any],
    data_mb: float = math.inf,
) -> None:
    """Solve one variant; arguments and files are those of `loop.train`.

    Args:
        spec: `kind` of the model and its options as `solver`; `training`, of which only the
            class_weights are there, and `input`.
        inputs: see `loop.train`.
        outputs: `history` has a row for each candidate, in place of one for each epoch.
        provenance: see `loop.train`.
        data_mb: how many MB the training features may take as float64, for they are needed at once.

    Raises:
        UserError: they take more, or a class has no training image, or no finite loss was found.
    """
    began = time.perf_counter()
    network = keras_file.load_model(inputs["initial_weights"], spec["kind"])
    network.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    data = {x: _subset(spec, inputs["data"], x, data_mb) for x in ("train", "validation")}
    names = hdf5.read_attributes(inputs["data"])["class_names"]
    features, labels = data["train"]
    _check_classes(labels, names)
    weights = class_weights.of_training(spec["training"].get("class_weights"), labels, names)
    rows, kept, best = [], None, None
    candidates = models.load(spec["kind"]).solve(
        features.astype(np.float64), labels, len(names), class_weights=weights, **spec["solver"]
    )
    for about, solution in candidates:
        network.set_weights(solution)
        rows.append(about | _judged(network, data))
        log.info("%s", "  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()))
        if kept is None or _rank(rows[-1]) > _rank(kept):
            kept, best = rows[-1], solution
    if not np.isfinite(kept["loss"]):
        raise UserError(
            f"{spec['kind']}: the loss of the solution is {kept['loss']}, expected a finite one. "
            f"Give a larger l2."
        )
    network.set_weights(best)
    keras_file.save_model(network, outputs["model"])
    with atomic_files.whole_file(outputs["history"]) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)
    run = _about(network, kept, rows) | {"n_train": len(labels), "provenance": provenance}
    if weights:
        run["class_weights"] = list(weights.values())
    run["train_seconds"] = time.perf_counter() - began
    run["train_peak_memory_mib"] = device.peak_memory_mib()
    atomic_files.write_json(outputs["run"], run)


def _subset(
    spec: dict[str, Any], data_file: str, subset: str, data_mb: float
) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, length) of a subset, all in memory, and labels (n,)."""
    rows, labels = stored_rows.of_subset(data_file, subset, hdf5.array_of(spec["input"]))
    needed = math.prod(rows.shape) * np.dtype(np.float64).itemsize / 1e6
    if needed > data_mb:
        raise UserError(
            f"{data_file}: the {subset} features take {needed:,.0f} MB, and memory.data_mb is "
            f"{data_mb:g}; {spec['kind']} needs them all at once. Write memory: {{data_mb: "
            f"{math.ceil(needed)}}}, or train a feature_head, which reads them batch by batch."
        )
    return np.asarray(rows), labels


def _check_classes(labels: np.ndarray, names: list[str]) -> None:
    for label in sorted(set(range(len(names))) - set(labels.tolist()))[:1]:
        raise UserError(
            f"class '{names[label]}' has no training image, so its weights have no solution. Leave "
            f"it out of the data set's classes, or add images."
        )


def _judged(network: keras.Model, data: dict[str, tuple]) -> dict[str, float]:
    """Loss and accuracy of training and validation images, by the names of history.csv."""
    found = {}
    for subset, prefix in (("train", ""), ("validation", "val_")):
        figures = network.evaluate(*data[subset], BATCH, verbose=0, return_dict=True)
        found |= {prefix + name: float(figures[name]) for name in ("loss", "accuracy")}
    return found


def _rank(row: dict[str, float]) -> tuple[float, float]:
    """The better of two candidates has the larger: validation accuracy, then a smaller loss."""
    return row["val_accuracy"], -row["val_loss"]


def _about(
    network: keras.Model, kept: dict[str, Any], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """What run.json says of a solved network; of epochs there are none."""
    return {
        "solved": True,
        "solution_l2": kept["l2"],
        "solution_iterations": kept["iterations"],
        "solution_notes": list(_notes(kept, [row["l2"] for row in rows])),
        "epochs_run": None,
        "best_epoch": None,
        "train_loss": kept["loss"],
        "train_accuracy": kept["accuracy"],
        "parameters": network.count_params(),
        "trainable_parameters": int(sum(np.prod(w.shape) for w in network.trainable_weights)),
    }


def _notes(kept: dict[str, Any], tried: list[float]) -> list[str]:
    """What a reader must know of the solution that is kept."""
    found = []
    edges = {min(tried): ("smallest", "smaller"), max(tried): ("largest", "larger")}
    if len(tried) > 1 and kept["l2"] in edges:
        edge, beyond = edges[kept["l2"]]
        found.append(
            f"the best l2, {kept['l2']:g}, is the {edge} of the {len(tried)} that were tried, and "
            f"a {beyond} one may be better"
        )
    if not kept["converged"]:
        found.append(
            f"the solution had not converged after {kept['iterations']} iterations (l2 "
            f"{kept['l2']:g}): give more max_iterations, or a larger l2"
        )
    return found
