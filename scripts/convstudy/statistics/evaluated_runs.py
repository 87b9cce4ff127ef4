"""Evaluated runs as the statistics need them: their metrics, and which test images are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data import hdf5
from convstudy.foundation.errors import UserError
from convstudy.statistics import metrics_file, sweep_selection

Runs = Sequence[tuple[Path | str, Path | str]]


@dataclass(frozen=True)
class EvaluatedRun:
    """The metrics of a run, the labels of the test images, and which of these it gets right."""

    metrics: dict[str, Any]
    labels: np.ndarray  # (n_test,)
    correct: np.ndarray  # (n_test,) bool


def load(runs: Runs) -> dict[tuple[str, str], list[EvaluatedRun]]:
    """Evaluated runs by data set and variant, in the order of their seeds.

    Raises:
        UserError: a run's two files do not belong together.
    """
    loaded: dict[tuple[str, str], list[EvaluatedRun]] = {}
    for metrics_path, predictions_path in runs:
        metrics = metrics_file.read(metrics_path)
        probabilities, labels = hdf5.read_predictions(predictions_path, "test")
        correct = probabilities.argmax(axis=1) == labels
        if abs(correct.mean() - metrics["test_accuracy"]) > 1e-6:
            raise UserError(
                f"{metrics_path}: test_accuracy is {metrics['test_accuracy']}, but "
                f"{predictions_path} gives {correct.mean()}. The two files are of different runs: "
                f"delete both and run the same command again."
            )
        key = (metrics["dataset"], metrics["variant"])
        loaded.setdefault(key, []).append(EvaluatedRun(metrics, labels, correct))
    return {key: sorted(found, key=lambda r: r.metrics["seed"]) for key, found in loaded.items()}


def of_variant(
    variant: dict[str, Any], loaded: dict[tuple[str, str], list[EvaluatedRun]]
) -> list[EvaluatedRun]:
    """The runs of a variant; raise `UserError` where it has none."""
    key = (variant["dataset"], variant["variant"])
    if key not in loaded:
        raise UserError(
            f"variant '{key[1]}' has no evaluated run on data set '{key[0]}' among the given "
            f"metrics files; expected one a seed. Run the evaluation of its seeds first."
        )
    return loaded[key]


def results(
    variants: list[dict[str, Any]], loaded: dict[tuple[str, str], list[EvaluatedRun]]
) -> dict[tuple[str, str], dict[str, Any]]:
    validation = {
        (v["dataset"], v["variant"]): [
            run.metrics["validation_accuracy"] for run in of_variant(v, loaded)
        ]
        for v in variants
        if v["sweep"]
    }
    return sweep_selection.results(variants, validation)
