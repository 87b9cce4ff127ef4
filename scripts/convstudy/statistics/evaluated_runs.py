"""Evaluated runs as the statistics need them: their metrics, and which test images are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data import hdf5
from convstudy.foundation import fold_names
from convstudy.foundation.errors import UserError
from convstudy.statistics import metrics_file, sweep_selection

Runs = Sequence[tuple[Path | str, Path | str]]


@dataclass(frozen=True)
class EvaluatedRun:
    """The metrics of a run, the labels of the test images, and which of these it gets right.

    `dataset` and `fold` (None without folds) are what its metrics call `dataset`.
    """

    dataset: str
    fold: int | None
    metrics: dict[str, Any]
    labels: np.ndarray  # (n_test,)
    correct: np.ndarray  # (n_test,) bool


@dataclass(frozen=True)
class Answers:
    """What the networks of a variant say of all test images: a row a seed, a column an image.

    With folds the images of all of them, fold by fold, each judged by the network of its fold:
    `folds` has its number, and `ratio` is the test over the training images of a fold. Where
    nothing is `random` there is one seed, and any other would say the same.
    """

    seeds: list[int]
    correct: np.ndarray  # (seeds, images) bool
    labels: np.ndarray  # (images,)
    folds: np.ndarray | None  # (images,)
    ratio: float
    random: bool = True

    def of_seeds(self, seeds: Sequence[int]) -> np.ndarray:
        """Right answers (seeds, images) of some of the seeds."""
        if not self.random:
            return self.correct[[0] * len(seeds)]
        return self.correct[[self.seeds.index(seed) for seed in seeds]]


def answers(runs: Sequence[EvaluatedRun]) -> Answers:
    """The answers of a variant's runs.

    Raises:
        UserError: two seeds were evaluated on different test images.
    """
    by_seed: dict[int, list[EvaluatedRun]] = {}
    for run in sorted(runs, key=_order):
        by_seed.setdefault(run.metrics["seed"], []).append(run)
    labels = [np.concatenate([run.labels for run in held]) for held in by_seed.values()]
    folds = [[run.fold for run in held for _ in run.labels] for held in by_seed.values()]
    for own, where in zip(labels, folds, strict=True):
        if where != folds[0] or not np.array_equal(own, labels[0]):
            raise UserError(
                f"variant '{runs[0].metrics['variant']}': its seeds were evaluated on different "
                f"test images of '{runs[0].dataset}': delete its runs and run the same command "
                f"again."
            )
    n_test, n_train = (sum(run.metrics[f"n_{part}"] for run in runs) for part in ("test", "train"))
    return Answers(
        list(by_seed),
        np.stack([np.concatenate([run.correct for run in held]) for held in by_seed.values()]),
        labels[0],
        None if runs[0].fold is None else np.array(folds[0]),
        n_test / max(1, n_train),
        random=not runs[0].metrics.get("solved", False),
    )


def _order(run: EvaluatedRun) -> tuple[int, int]:
    """By seed, then by fold."""
    return run.metrics["seed"], -1 if run.fold is None else run.fold


def load(runs: Runs) -> dict[tuple[str, str], list[EvaluatedRun]]:
    """Evaluated runs by data set and variant, in the order of their seeds, then of their folds.

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
        dataset, fold = fold_names.parted(metrics["dataset"])
        run = EvaluatedRun(dataset, fold, metrics, labels, correct)
        loaded.setdefault((dataset, metrics["variant"]), []).append(run)
    return {key: sorted(found, key=_order) for key, found in loaded.items()}


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
    """By data set and name of a sweep or variant: the chosen value, or the variant itself."""
    return sweep_selection.results(variants, _validation(variants, loaded))


def ranks(
    variants: list[dict[str, Any]], loaded: dict[tuple[str, str], list[EvaluatedRun]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """By data set and variant: the rank, from 1, of each value of a sweep, and how many it has."""
    return sweep_selection.ranks(variants, _validation(variants, loaded))


def _validation(
    variants: list[dict[str, Any]], loaded: dict[tuple[str, str], list[EvaluatedRun]]
) -> dict[tuple[str, str], list[float]]:
    """Validation accuracies over seeds of each value of a sweep."""
    return {
        (v["dataset"], v["variant"]): [
            run.metrics["validation_accuracy"] for run in of_variant(v, loaded)
        ]
        for v in variants
        if v["sweep"]
    }
