"""From evaluated runs to the summary of a study: one row a variant, and paired differences.

Two sources of noise enter every interval: the seed of a run and the finite set of test images
(Bouthillier et al. 2021, arXiv 2103.03098). Both are resampled here, crossed with each other: a
draw picks seeds and images with replacement, the images jointly for all its seeds (the pigeonhole
bootstrap of Owen 2007). With one seed only the images are resampled, so the interval then speaks
of that one trained network and not of the variant. With few seeds their share of the variance is
understated by the factor (seeds - 1) / seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from scipy import stats

from convstudy import run_metrics, selection, store
from convstudy.errors import UserError

DRAWS = 2000
EXACT_BELOW = 25
COLUMNS = (
    "variant dataset model generator n_seeds test_loss_mean test_accuracy_mean test_accuracy_std "
    "test_accuracy_ci_low test_accuracy_ci_high top5_accuracy_mean ece_mean epochs_mean parameters "
    "train_seconds_mean reference_loss reference_accuracy backbone train_accuracy_mean "
    "generalization_gap_mean validation_accuracy_mean brier_mean train_peak_memory_mib_max n_train "
    "n_validation n_test chance_accuracy versions protocol sweep selected threads"
).split()
NAMES = ("variant", "dataset", "model", "generator", "backbone", "protocol", "sweep")
Runs = Sequence[tuple[Path | str, Path | str]]


@dataclass(frozen=True)
class _Run:
    metrics: dict[str, Any]
    labels: np.ndarray  # (n_test,)
    correct: np.ndarray  # (n_test,) bool


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
    loaded = _load(runs)
    chosen = _results(variants, loaded).values()
    rows = [_row(v, _runs_of(v, loaded)) | {"selected": v in chosen} for v in variants]
    return pandas.DataFrame(rows, columns=COLUMNS)


def compare(
    comparisons: Sequence[Mapping[str, Any]], variants: list[dict[str, Any]], runs: Runs
) -> pandas.DataFrame:
    """Test each variant of a comparison against the comparison's first, on the same test images.

    The interval of a difference is a bootstrap over the seeds that both have and over the images,
    and is the statement about the *variants*. McNemar's test looks at the networks of the smallest
    common seed, a choice made before any result is known: its null hypothesis is about two trained
    networks on one set of independent images (Dietterich 1998), and pooling seeds would count each
    image several times. Its p-values are corrected by Holm within one comparison.

    Args:
        comparisons: Dicts with `name`, `title` and `variants`; a variant that the study does not
            hold is passed over, and so is a comparison with fewer than two left. The name of a
            sweep means its chosen value.
        variants: As for `summarize`.
        runs: As for `summarize`.

    Returns:
        One row a pair. `minimum_detectable_effect` is the true difference that a test at the 5 %
        level finds in 80 % of such experiments: 2.8 bootstrap standard errors of the difference.
    """
    loaded = _load(runs)
    rows, chosen = [], _results(variants, loaded)
    for comparison in comparisons:
        for dataset in dict.fromkeys(v["dataset"] for v in variants):
            held = {v["variant"]: v for v in variants if v["dataset"] == dataset}
            held |= {name: v for (where, name), v in chosen.items() if where == dataset}
            members = [held[name] for name in comparison["variants"] if name in held]
            family = [_pair(members[0], other, loaded) for other in members[1:]]
            corrected = holm([pair["mcnemar_p"] for pair in family])
            for pair, p in zip(family, corrected, strict=True):
                about = {"comparison": comparison["name"], "title": comparison["title"]}
                rows.append(about | pair | {"mcnemar_p_holm": p})
    return pandas.DataFrame(rows)


def _results(
    variants: list[dict[str, Any]], loaded: dict[tuple[str, str], list[_Run]]
) -> dict[tuple[str, str], dict[str, Any]]:
    validation = {
        (v["dataset"], v["variant"]): [
            run.metrics["validation_accuracy"] for run in _runs_of(v, loaded)
        ]
        for v in variants
        if v["sweep"]
    }
    return selection.results(variants, validation)


def bootstrap_means(scores: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Means of two-level resamples of `scores` (seeds, images): (draws,).

    The random state is the same for every call, so a variant's interval does not depend on which
    other variants are in the study.
    """
    rng = np.random.default_rng(seed)
    n_seeds, n_images = scores.shape
    weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=draws) / n_seeds
    means = []
    for block in np.array_split(weights, max(1, draws // 100)):
        mixed = block @ scores.astype(np.float64)
        picks = rng.integers(n_images, size=mixed.shape)
        means.append(np.take_along_axis(mixed, picks, axis=1).mean(axis=1))
    return np.concatenate(means)


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of McNemar's test from the discordant counts.

    Exact (binomial) under 25 discordant images, else chi-squared with continuity correction.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    if discordant < EXACT_BELOW:
        return float(stats.binomtest(only_first, discordant, 0.5).pvalue)
    # A correction beyond zero would turn equal counts into a difference of one.
    gap = max(0, abs(only_first - only_second) - 1)
    return float(stats.chi2.sf(gap**2 / discordant, 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of one family by Holm's step-down method."""
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    factors = m - np.arange(m)
    stepped = np.maximum.accumulate(np.asarray(p_values, dtype=float)[order] * factors)
    corrected = np.empty(m)
    corrected[order] = np.minimum(1.0, stepped)
    return corrected.tolist()


def half_width(accuracy: float, n_images: int) -> float:
    """95 % binomial half-width of an accuracy measured on `n_images`, as a fraction."""
    return 1.96 * float(np.sqrt(accuracy * (1 - accuracy) / n_images))


def _load(runs: Runs) -> dict[tuple[str, str], list[_Run]]:
    loaded: dict[tuple[str, str], list[_Run]] = {}
    for metrics_path, predictions_path in runs:
        metrics = run_metrics.read(metrics_path)
        probabilities, labels = store.read_predictions(predictions_path, "test")
        correct = probabilities.argmax(axis=1) == labels
        if abs(correct.mean() - metrics["test_accuracy"]) > 1e-6:
            raise UserError(
                f"{metrics_path}: test_accuracy is {metrics['test_accuracy']}, but "
                f"{predictions_path} gives {correct.mean()}. The two files are of different runs: "
                f"delete both and run the same command again."
            )
        key = (metrics["dataset"], metrics["variant"])
        loaded.setdefault(key, []).append(_Run(metrics, labels, correct))
    return {key: sorted(found, key=lambda r: r.metrics["seed"]) for key, found in loaded.items()}


def _runs_of(variant: dict[str, Any], loaded: dict[tuple[str, str], list[_Run]]) -> list[_Run]:
    key = (variant["dataset"], variant["variant"])
    if key not in loaded:
        raise UserError(
            f"variant '{key[1]}' has no evaluated run on data set '{key[0]}' among the given "
            f"metrics files; expected one a seed. Run the evaluation of its seeds first."
        )
    return loaded[key]


def _row(variant: dict[str, Any], runs: list[_Run]) -> dict[str, Any]:
    def mean(key: str) -> float:
        return float(np.mean([run.metrics[key] for run in runs]))

    accuracies = [run.metrics["test_accuracy"] for run in runs]
    scores = np.stack([run.correct for run in runs])
    low, high = np.percentile(bootstrap_means(scores), [2.5, 97.5])
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


def _versions(runs: list[_Run]) -> str:
    texts = []
    for run in runs:
        versions = run.metrics["provenance"]["versions"]
        texts.append(", ".join(f"{name} {versions[name]}" for name in sorted(versions)))
    return " | ".join(dict.fromkeys(texts))


def _pair(
    baseline: dict[str, Any], other: dict[str, Any], loaded: dict[tuple[str, str], list[_Run]]
) -> dict[str, Any]:
    first = {run.metrics["seed"]: run for run in _runs_of(baseline, loaded)}
    second = {run.metrics["seed"]: run for run in _runs_of(other, loaded)}
    seeds = sorted(first.keys() & second.keys())
    labels = [run.labels for run in (*first.values(), *second.values())]
    if not seeds or not all(np.array_equal(labels[0], found) for found in labels):
        raise UserError(
            f"variants '{baseline['variant']}' and '{other['variant']}' cannot be compared on "
            f"'{other['dataset']}': they share no seed, or were evaluated on different test "
            f"images. Evaluate both on the same seeds and the same data set file."
        )
    scores = np.stack([second[s].correct.astype(float) - first[s].correct for s in seeds])
    draws = bootstrap_means(scores)
    low, high = np.percentile(draws, [2.5, 97.5])
    a, b = first[seeds[0]].correct, second[seeds[0]].correct
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    return {
        "dataset": other["dataset"],
        "baseline": baseline["variant"],
        "variant": other["variant"],
        "n_seeds": len(seeds),
        "n_test": len(labels[0]),
        "baseline_accuracy": float(np.mean([first[s].correct.mean() for s in seeds])),
        "difference": float(scores.mean()),
        "ci_low": low,
        "ci_high": high,
        "minimum_detectable_effect": float(stats.norm.ppf([0.975, 0.8]).sum() * draws.std()),
        "mcnemar_seed": seeds[0],
        "baseline_only_right": only_first,
        "variant_only_right": only_second,
        "mcnemar_p": mcnemar(only_first, only_second),
    }
