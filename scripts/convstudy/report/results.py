"""The results that a page looks into one by one: a variant on a data set, and all its runs."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from convstudy.data import hdf5
from convstudy.foundation import fold_names
from convstudy.report import class_names
from convstudy.statistics import aggregate, metrics_file, per_class

Runs = Sequence[tuple[Path | str, Path | str]]
Predictions = tuple[np.ndarray, np.ndarray]  # probabilities (n, classes), labels (n,)


@dataclass(frozen=True)
class Result:
    """One selected row of the summary and the runs that it is the mean of.

    Attributes:
        number: its place among the results, from 0; names its parts on the page.
        dataset: name of the data set.
        variant: name of the variant.
        label: what people call it.
        colour: number of its colour, its place among the variants of its task.
        metrics: the metrics.json of each run, in the order of the seeds, then of the folds.
        sources: the paths (metrics.json, predictions.h5) of the same runs.
        class_names: names in the order of the labels.
    """

    number: int
    dataset: str
    variant: str
    label: str
    colour: int
    metrics: list[dict[str, Any]]
    sources: list[tuple[str, str]]
    class_names: list[str]

    @property
    def key(self) -> str:
        """What figures of this result are of."""
        return f"{self.dataset}|{self.variant}"

    @functools.cached_property
    def readable_names(self) -> list[str]:
        """The class names as pictures have them."""
        return class_names.readable(self.class_names)

    @property
    def folds(self) -> int:
        """How many folds its data set has, each with runs of its own; 0 without folds."""
        names = {run["dataset"] for run in self.metrics}
        return len(names) if names != {self.dataset} else 0

    @property
    def counted(self) -> str:
        """How many runs it has, in words."""
        seeds = len({run["seed"] for run in self.metrics})
        words = f"{seeds} seed{'s' * (seeds > 1)}"
        return f"{self.folds} folds x {words}" if self.folds else words

    def predictions(self) -> list[Predictions]:
        """What the networks of each seed predict of the test images, of all folds fold by fold."""
        found = [hdf5.read_predictions(path) for _, path in self.sources]
        step = self.folds or 1
        return [
            tuple(map(np.concatenate, zip(*found[i : i + step], strict=True)))
            for i in range(0, len(found), step)
        ]

    def origin(self, row: int) -> tuple[str, int]:
        """The predictions file of the first seed that a row of its predictions is in, and where."""
        fold = 0
        while row >= self.metrics[fold]["n_test"]:
            row -= self.metrics[fold]["n_test"]
            fold += 1
        return self.sources[fold][1], row

    def by_class(self) -> list[dict[str, Any]]:
        """The figures of each class, `test_per_class_*` and `test_never_predicted`, of each seed.

        With folds they are those of the test images of all folds together, as the few of one fold
        would bias them, but for the area under the ROC curve, which one network must have drawn
        (Forman and Scholz 2010, SIGKDD Explorations 12:49-57): that is the mean over folds.
        """
        if not self.folds:
            return self.metrics
        found = []
        for place, predictions in enumerate(self.predictions()):
            runs = self.metrics[place * self.folds : (place + 1) * self.folds]
            pooled = per_class.evaluate(*predictions)
            pooled["per_class_roc_auc"] = [
                float(np.mean(known)) if (known := [x for x in areas if x is not None]) else None
                for areas in zip(*(run["test_per_class_roc_auc"] for run in runs), strict=True)
            ]
            missed = [self.class_names[c] for c in per_class.never_predicted(*predictions)]
            of_test = {f"test_{key}": value for key, value in pooled.items()}
            found.append(of_test | {"test_never_predicted": missed})
        return found


def load(rows: Sequence[Mapping[str, Any]], frame: pandas.DataFrame, runs: Runs) -> list[Result]:
    """The results of a study in its order; of a sweep the best values, as many as are shown.

    Args:
        rows: `rows` of `Study.spec`.
        frame: what `aggregate.summarize` returns for them.
        runs: (metrics.json, predictions.h5) of every run.
    """
    held: dict[tuple[str, str], list[tuple[dict[str, Any], tuple[str, str]]]] = {}
    for paths in runs:
        metrics = metrics_file.read(paths[0])
        pair = str(paths[0]), str(paths[1])
        dataset, _ = fold_names.parted(metrics["dataset"])
        held.setdefault((dataset, metrics["variant"]), []).append((metrics, pair))
    described, numbers = labels(rows), colours(rows)
    found = []
    for row in aggregate.shown(frame).to_dict("records"):
        key = row["dataset"], row["variant"]
        own = sorted(held[key], key=lambda run: (run[0]["seed"], _fold(run[0])))
        names = hdf5.read_attributes(own[0][1][1])["class_names"]
        found.append(
            Result(
                len(found), *key, described[key], numbers[key],
                [metrics for metrics, _ in own], [pair for _, pair in own], list(names),
            )
        )  # fmt: skip
    return found


def _fold(metrics: Mapping[str, Any]) -> int:
    return fold_names.parted(metrics["dataset"])[1] or 0


def labels(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """What people call each variant, by (data set, variant)."""
    return {(r["dataset"], r["variant"]): r["label"] for r in rows}


def colours(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """The number of each variant's colour, the same as in the pictures: its place in its task."""
    places: dict[str, list[str]] = {}
    found = {}
    for row in rows:
        names = places.setdefault(row.get("task") or "", [])
        name = row.get("sweep") or row["variant"]
        if name not in names:
            names.append(name)
        found[row["dataset"], row["variant"]] = names.index(name)
    return found
