"""The choice among the values of a sweep: on validation images, never on test images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.statistics import metrics_file


def ranked(accuracies: Sequence[Sequence[float]]) -> list[int]:
    """The points by their mean validation accuracy, the best first, of equals the first.

    Args:
        accuracies: validation accuracies over seeds, by point.
    """
    # rounded: the last bits of a mean depend on the order of its seeds
    means = [round(float(np.mean(values)), 12) for values in accuracies]
    return np.argsort(-np.array(means), kind="stable").tolist()


def best(accuracies: Sequence[Sequence[float]]) -> int:
    """The point with the best mean validation accuracy; the first of equals."""
    return ranked(accuracies)[0]


def results(
    variants: Sequence[dict[str, Any]], accuracies: Mapping[tuple[str, str], Sequence[float]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """By data set and name of a sweep or variant: the chosen point, or the variant itself.

    Args:
        variants: dicts with `dataset`, `variant` and `sweep` (None for one without).
        accuracies: validation accuracies over seeds of each point, by data set and variant.
    """
    return {
        key: points[_ranked(points, accuracies)[0]] if points[0]["sweep"] else points[0]
        for key, points in _groups(variants).items()
    }


def ranks(
    variants: Sequence[dict[str, Any]], accuracies: Mapping[tuple[str, str], Sequence[float]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """By data set and variant: the rank, from 1, of each value of a sweep, and how many it has.

    Args:
        variants: as for `results`.
        accuracies: as for `results`.
    """
    return {
        (points[place]["dataset"], points[place]["variant"]): (rank, len(points))
        for points in _groups(variants).values()
        if points[0]["sweep"]
        for rank, place in enumerate(_ranked(points, accuracies), 1)
    }


def _groups(variants: Sequence[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By data set and name: the values of each sweep, and each variant without one."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for variant in variants:
        name = variant["sweep"] or variant["variant"]
        groups.setdefault((variant["dataset"], name), []).append(variant)
    return groups


def _ranked(
    points: Sequence[dict[str, Any]], accuracies: Mapping[tuple[str, str], Sequence[float]]
) -> list[int]:
    return ranked([accuracies[p["dataset"], p["variant"]] for p in points])


def of_best(
    paths: Sequence[Path | str], metrics_paths: Sequence[Path | str], n_seeds: int
) -> list[Path | str]:
    """Of files that come point by point and seed by seed, those of the best point.

    Args:
        paths: files of one kind.
        metrics_paths: the metrics.json of the same runs; none where there is one point only.
        n_seeds: files a point.
    """
    if not metrics_paths:
        return list(paths)
    found = [metrics_file.read(path)["validation_accuracy"] for path in metrics_paths]
    first = n_seeds * best([found[i : i + n_seeds] for i in range(0, len(found), n_seeds)])
    return list(paths[first : first + n_seeds])
