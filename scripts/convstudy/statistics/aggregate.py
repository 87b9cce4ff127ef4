"""From evaluated runs to the summary of a study: one row a variant."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas

from convstudy.statistics import evaluated_runs, intervals, metrics
from convstudy.statistics.evaluated_runs import EvaluatedRun, Runs

COLUMNS = (
    "variant dataset model generator n_seeds test_loss_mean test_accuracy_mean test_accuracy_std "
    "test_accuracy_ci_low test_accuracy_ci_high top5_accuracy_mean ece_mean epochs_mean parameters "
    "train_seconds_mean reference_loss reference_accuracy backbone train_accuracy_mean "
    "generalization_gap_mean validation_accuracy_mean brier_mean train_peak_memory_mib_max n_train "
    "n_validation n_test majority_accuracy versions protocol sweep selected threads label "
    "interval_of standard_error critical_value balanced_accuracy_mean macro_f1_mean "
    "roc_auc_mean ece_floor_mean temperature_mean ece_scaled_mean test_loss_scaled_mean "
    "train_running_accuracy_mean never_predicted trainable_parameters backbone_parameters "
    "flops_per_image backbone_flops_per_image extraction_seconds_mean milliseconds_per_image_mean "
    "evaluate_peak_memory_mib_max processor load_max budget_epochs budget_patience batch_size "
    "learning_rate n_folds test_accuracy_without_duplicates_mean optimizer schedule loss solved "
    "training_notes rank tried shown made_of device"
).split()
NAMES = ("variant", "dataset", "model", "generator", "backbone", "protocol", "sweep", "label")
# Columns that are means over runs (seeds, or folds and seeds), and the key in metrics.json of each.
MEANS = {
    f"{column}_mean": key or column
    for column, key in {
        "test_loss": None,
        "test_accuracy": None,
        "top5_accuracy": "test_top5_accuracy",
        "ece": "test_ece",
        "epochs": "epochs_run",
        "train_seconds": None,
        "train_accuracy": None,
        "train_running_accuracy": None,
        "validation_accuracy": None,
        "brier": "test_brier",
        "balanced_accuracy": "test_balanced_accuracy",
        "macro_f1": "test_macro_f1",
        "roc_auc": "test_roc_auc",
        "ece_floor": "test_ece_floor",
        "temperature": None,
        "ece_scaled": "test_ece_scaled",
        "test_loss_scaled": None,
        "extraction_seconds": None,
        "milliseconds_per_image": None,
    }.items()
}
SAME = (
    "parameters", "trainable_parameters", "backbone_parameters", "flops_per_image",
    "backbone_flops_per_image",
)  # fmt: skip


def summarize(
    variants: list[dict[str, Any]], runs: Runs, leaked: Mapping[str, Sequence[int]] | None = None
) -> pandas.DataFrame:
    """Aggregate evaluated runs over seeds and, where the data set has folds, over these.

    With folds `n_train` and `n_validation` are those of a fold on average, `n_test` is the number
    of images of all folds together, and the standard deviation is that of all runs.

    Args:
        variants: Dicts with the keys `NAMES` and `reference` (None or `loss`, `accuracy` and the
            `dataset` they were measured on).
        runs: Paths (metrics.json, predictions.h5); matched by the `dataset` and `variant` inside.
        leaked: By data set the rows of test images that are equal to images of other parts.

    Returns:
        One row a variant, in the order of `variants`, with the columns `COLUMNS`. `selected` tells
        which rows are results: of a sweep the chosen value, and every variant without a sweep.
        `rank` is a value's place among the `tried` ones of its sweep, by validation images alone;
        `shown` are the results and the values up to the rank that the config asks for.

    Raises:
        UserError: A variant has no run, or a run's two files do not belong together.
    """
    loaded = evaluated_runs.load(runs)
    ranks = evaluated_runs.ranks(variants, loaded)
    rows = []
    for v in variants:
        own = evaluated_runs.of_variant(v, loaded)
        row = _row(v, own, (leaked or {}).get(v["dataset"], ()))
        rank, tried = ranks.get((v["dataset"], v["variant"]), (np.nan, np.nan))
        row |= {"selected": not rank > 1, "rank": rank, "tried": tried}
        rows.append(row | {"shown": not rank > v.get("best", 1)})
    return pandas.DataFrame(rows, columns=COLUMNS)


def shown(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The rows that tables of results have, those of a sweep by their rank."""
    held = frame[frame["shown"].astype(bool)]
    group = held["sweep"].fillna(held["variant"]) + " " + held["dataset"]
    order = pandas.DataFrame({"group": pandas.factorize(group)[0], "rank": held["rank"].to_numpy()})
    return held.iloc[order.sort_values(["group", "rank"], kind="stable").index]


def _row(
    variant: dict[str, Any], runs: list[EvaluatedRun], leaked: Sequence[int]
) -> dict[str, Any]:
    found = [run.metrics for run in runs]
    accuracies = [m["test_accuracy"] for m in found]
    answers = evaluated_runs.answers(runs)
    estimate, low, high = intervals.of_accuracy(answers.correct, answers.folds, answers.ratio)
    reference = variant.get("reference") or {}
    if reference.get("dataset") != variant["dataset"]:
        reference = {}
    means = {column: _mean([m[key] for m in found]) for column, key in MEANS.items()}
    several, folds = estimate.speaks_of_variants, answers.folds
    return {
        **{key: variant[key] for key in NAMES},
        **means,
        **{key: found[0][key] for key in SAME},
        **{key: round(np.mean([m[key] for m in found])) for key in ("n_train", "n_validation")},
        "n_test": len(answers.labels),
        "majority_accuracy": metrics.majority_accuracy(answers.labels),
        "n_seeds": len(answers.seeds),
        "n_folds": np.nan if folds is None else len(np.unique(folds)),
        "test_accuracy_std": np.std(accuracies, ddof=1) if several else np.nan,
        "test_accuracy_ci_low": low,
        "test_accuracy_ci_high": high,
        "interval_of": "network" if not several else "variant" if folds is None else "folds",
        "standard_error": estimate.standard_error,
        "critical_value": estimate.critical(),
        "reference_loss": reference.get("loss", np.nan),
        "reference_accuracy": reference.get("accuracy", np.nan),
        "generalization_gap_mean": means["train_accuracy_mean"] - means["test_accuracy_mean"],
        "train_peak_memory_mib_max": max(m["train_peak_memory_mib"] for m in found),
        "evaluate_peak_memory_mib_max": max(m["evaluate_peak_memory_mib"] for m in found),
        "never_predicted": _joined(_never_predicted(found)),
        **{
            key: _joined(
                name for m in found for name in (m["provenance"][key], m[f"evaluate_{key}"])
            )
            for key in ("processor", "device")
        },
        "load_max": max(max(m["provenance"]["load"], m["evaluate_load"]) for m in found),
        "versions": _joined(map(_versions, found)),
        "threads": _joined(sorted(str(m["provenance"]["threads"]) for m in found)),
        "budget_epochs": variant["budget"]["epochs"] or np.nan,
        "budget_patience": variant["budget"]["patience"],
        "batch_size": variant["training"].get("batch_size", np.nan),
        "learning_rate": variant["training"].get("learning_rate", np.nan),
        **variant["methods"],
        "solved": found[0].get("solved", False),
        "training_notes": _joined(note for m in found for note in m.get("solution_notes", [])),
        "test_accuracy_without_duplicates_mean": _accuracy_without(answers.correct, leaked),
        "made_of": _joined(m.get("made_of", "") for m in found),
    }


def _accuracy_without(correct: np.ndarray, leaked: Sequence[int]) -> float:
    """The mean accuracy on the other test images; NaN where none leaked, or no other is left."""
    kept = np.delete(correct, leaked, axis=1)
    return float(kept.mean()) if len(leaked) and kept.size else np.nan


def _mean(values: list[float | None]) -> float:
    """The mean, or NaN where a run has no such figure."""
    return float("nan") if None in values else float(np.mean(values))


def _never_predicted(found: list[dict[str, Any]]) -> Iterable[str]:
    """Classes that the networks of one seed never predict: those of no fold, where there are."""
    by_seed: dict[int, list[list[str]]] = {}
    for run in found:
        by_seed.setdefault(run["seed"], []).append(run["test_never_predicted"])
    for first, *others in by_seed.values():
        yield from (name for name in first if all(name in other for other in others))


def _joined(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(texts))


def _versions(run: dict[str, Any]) -> str:
    versions = run["provenance"]["versions"]
    return ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
