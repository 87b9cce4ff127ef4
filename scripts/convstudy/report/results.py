"""The results that a page looks into one by one: a variant on a data set, and all its runs."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from convstudy.data import hdf5
from convstudy.report import class_names
from convstudy.statistics import metrics_file

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
        metrics: the metrics.json of each run, in the order of the seeds.
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

    def predictions(self) -> list[Predictions]:
        """What each run predicts of the test images."""
        return [hdf5.read_predictions(path) for _, path in self.sources]


def load(rows: Sequence[Mapping[str, Any]], frame: pandas.DataFrame, runs: Runs) -> list[Result]:
    """The results of a study in its order; of a sweep the chosen value alone.

    Args:
        rows: `rows` of `Study.spec`.
        frame: what `aggregate.summarize` returns for them.
        runs: (metrics.json, predictions.h5) of every run.
    """
    held: dict[tuple[str, str], list[tuple[dict[str, Any], tuple[str, str]]]] = {}
    for paths in runs:
        metrics = metrics_file.read(paths[0])
        pair = str(paths[0]), str(paths[1])
        held.setdefault((metrics["dataset"], metrics["variant"]), []).append((metrics, pair))
    described, numbers = labels(rows), colours(rows)
    found = []
    for row in frame[frame["selected"].astype(bool)].to_dict("records"):
        key = row["dataset"], row["variant"]
        own = sorted(held[key], key=lambda run: run[0]["seed"])
        names = hdf5.read_attributes(own[0][1][1])["class_names"]
        found.append(
            Result(
                len(found), *key, described[key], numbers[key],
                [metrics for metrics, _ in own], [pair for _, pair in own], list(names),
            )
        )  # fmt: skip
    return found


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
