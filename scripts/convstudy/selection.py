"""The choice among the values of a sweep: on validation images, never on test images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from convstudy import run_metrics
from convstudy.report import Table, percent


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
    found = [run_metrics.read(path)["validation_accuracy"] for path in metrics_paths]
    first = n_seeds * best([found[i : i + n_seeds] for i in range(0, len(found), n_seeds)])
    return list(paths[first : first + n_seeds])


def tables(frame: pandas.DataFrame, variants: Sequence[Mapping[str, Any]]) -> list[Table]:
    """One table a sweep, a row a value.

    Args:
        frame: what `comparison.summarize` returns.
        variants: the dicts given to it; `values` has a point's values by parameter.
    """
    values = {v["variant"]: v["values"] for v in variants}
    found = []
    for (sweep, dataset), rows in frame[frame["sweep"].notna()].groupby(
        ["sweep", "dataset"], sort=False
    ):
        records = rows.to_dict("records")
        parameters = list(values[records[0]["variant"]])
        body = [
            [
                row["variant"],
                *(str(values[row["variant"]][name]) for name in parameters),
                percent(row["validation_accuracy_mean"]),
                percent(row["test_accuracy_mean"]),
                "chosen" if row["selected"] else "",
            ]
            for row in records
        ]
        header = ["variant", *parameters, "validation accuracy %", "test accuracy %", ""]
        notes = [
            f"Chosen among {len(body)} values by the mean validation accuracy over seeds, the "
            f"first of equals. Only the chosen one's test accuracy is a result and takes part in "
            f"comparisons; the others stand here to be looked at, not to choose from.",
            f"The best of {len(body)} validation accuracies is too high by chance, the more so the "
            f"more values were tried; the test accuracy of the chosen one is not.",
        ]
        found.append(Table(f"Sweep {sweep} (on {dataset})", header, body, notes))
    return found
