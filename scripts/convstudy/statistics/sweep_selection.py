"""The choice among the values of a sweep: on validation images, never on test images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.statistics import metrics_file


def best(accuracies: Sequence[Sequence[float]]) -> int:
    """The point with the best mean validation accuracy; the first of equals.

    Args:
        accuracies: validation accuracies over seeds, by point.
    """
    # rounded: the last bits of a mean depend on the order of its seeds
    return int(np.argmax([round(float(np.mean(values)), 12) for values in accuracies]))


def results(
    variants: Sequence[dict[str, Any]], accuracies: Mapping[tuple[str, str], Sequence[float]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """By data set and name of a sweep or variant: the chosen point, or the variant itself.

    Args:
        variants: dicts with `dataset`, `variant` and `sweep` (None for one without).
        accuracies: validation accuracies over seeds of each point, by data set and variant.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for variant in variants:
        name = variant["sweep"] or variant["variant"]
        groups.setdefault((variant["dataset"], name), []).append(variant)
    return {
        key: points[best([accuracies[p["dataset"], p["variant"]] for p in points])]
        if points[0]["sweep"]
        else points[0]
        for key, points in groups.items()
    }


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
