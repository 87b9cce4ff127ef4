"""From evaluated runs to the summary of a study: one row a variant."""

from typing import Any

import numpy as np
import pandas

from convstudy.statistics import bootstrap, evaluated_runs
from convstudy.statistics.evaluated_runs import EvaluatedRun, Runs

COLUMNS = (
    "variant dataset model generator n_seeds test_loss_mean test_accuracy_mean test_accuracy_std "
    "test_accuracy_ci_low test_accuracy_ci_high top5_accuracy_mean ece_mean epochs_mean parameters "
    "train_seconds_mean reference_loss reference_accuracy backbone train_accuracy_mean "
    "generalization_gap_mean validation_accuracy_mean brier_mean train_peak_memory_mib_max n_train "
    "n_validation n_test chance_accuracy versions protocol sweep selected threads"
).split()
NAMES = ("variant", "dataset", "model", "generator", "backbone", "protocol", "sweep")


def summarize(variants: list[dict[str, Any]], runs: Runs) -> pandas.DataFrame:
    """Aggregate evaluated runs over seeds.

    Args:
        variants: Dicts with the keys `NAMES` and `reference` (None or `loss`, `accuracy` and the
            `dataset` they were measured on).
        runs: Paths (metrics.json, predictions.h5); matched by the `dataset` and `variant` inside.

    Returns:
        One row a variant, in the order of `variants`, with the columns `COLUMNS`. `selected` tells
        which rows are results: of a sweep the chosen value, and every variant without a sweep.

    Raises:
        UserError: A variant has no run, or a run's two files do not belong together.
    """
    loaded = evaluated_runs.load(runs)
    chosen = evaluated_runs.results(variants, loaded).values()
    rows = [
        _row(v, evaluated_runs.of_variant(v, loaded)) | {"selected": v in chosen} for v in variants
    ]
    return pandas.DataFrame(rows, columns=COLUMNS)


def _row(variant: dict[str, Any], runs: list[EvaluatedRun]) -> dict[str, Any]:
    def mean(key: str) -> float:
        return float(np.mean([run.metrics[key] for run in runs]))

    accuracies = [run.metrics["test_accuracy"] for run in runs]
    scores = np.stack([run.correct for run in runs])
    low, high = np.percentile(bootstrap.means(scores), [2.5, 97.5])
    first = runs[0].metrics
    reference = variant.get("reference") or {}
    if reference.get("dataset") != variant["dataset"]:
        reference = {}
    return {
        **{key: variant[key] for key in NAMES},
        "n_seeds": len(runs),
        "test_loss_mean": mean("test_loss"),
        "test_accuracy_mean": mean("test_accuracy"),
        "test_accuracy_std": np.std(accuracies, ddof=1) if len(runs) > 1 else np.nan,
        "test_accuracy_ci_low": low,
        "test_accuracy_ci_high": high,
        "top5_accuracy_mean": mean("test_top5_accuracy"),
        "ece_mean": mean("test_ece"),
        "epochs_mean": mean("epochs_run"),
        "parameters": first["parameters"],
        "train_seconds_mean": mean("train_seconds"),
        "reference_loss": reference.get("loss", np.nan),
        "reference_accuracy": reference.get("accuracy", np.nan),
        "train_accuracy_mean": mean("train_accuracy"),
        "generalization_gap_mean": mean("train_accuracy") - mean("test_accuracy"),
        "validation_accuracy_mean": mean("validation_accuracy"),
        "brier_mean": mean("test_brier"),
        "train_peak_memory_mib_max": max(run.metrics["train_peak_memory_mib"] for run in runs),
        **{key: first[key] for key in ("n_train", "n_validation", "n_test")},
        "chance_accuracy": 1 / first["n_classes"],
        "versions": _versions(runs),
        "threads": " | ".join(sorted({str(run.metrics["provenance"]["threads"]) for run in runs})),
    }


def _versions(runs: list[EvaluatedRun]) -> str:
    texts = []
    for run in runs:
        versions = run.metrics["provenance"]["versions"]
        texts.append(", ".join(f"{name} {versions[name]}" for name in sorted(versions)))
    return " | ".join(dict.fromkeys(texts))
