"""Paired differences between the variants of a comparison, on the same test images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas
from scipy import stats

from convstudy.foundation.errors import UserError
from convstudy.statistics import conclusions, evaluated_runs, fairness, intervals
from convstudy.statistics.evaluated_runs import Answers, EvaluatedRun, Runs

EXACT_BELOW = 25
COLUMNS = (
    "comparison title dataset baseline variant baseline_label variant_label n_seeds baseline_seeds "
    "variant_seeds n_test baseline_accuracy variant_accuracy difference ci_low ci_high speaks_of "
    "standard_error critical_value seed_std image_std test p p_holm minimum_detectable_effect "
    "baseline_only_right variant_only_right conclusion differs n_folds fold_std"
).split()


def compare(
    comparisons: Sequence[Mapping[str, Any]], variants: list[dict[str, Any]], runs: Runs
) -> pandas.DataFrame:
    """Test each variant of a comparison against the comparison's first, on the same test images.

    With two seeds or more, interval, p-value and minimum detectable effect are those of one model
    of seeds and test images (`intervals`), paired by the seeds that both have, and speak of the
    variants. With one seed they speak of two trained networks: the interval is that of the test
    images, and the p-value McNemar's (Dietterich 1998). Of a data set with folds they are those of
    the folds' differences, by the corrected resampled t test (Nadeau and Bengio 2003). The p-values
    are corrected by Holm within one comparison.

    Args:
        comparisons: Dicts with `name`, `title` and `variants`. The name of a sweep means its
            chosen value. Variants on another data set than the first are tested among themselves.
        variants: As for `summarize`.
        runs: As for `summarize`.

    Returns:
        One row a pair, with the columns `COLUMNS`; accuracies and differences are fractions.
        `minimum_detectable_effect` is the true difference that a test at the 5 % level finds in
        80 % of such experiments. `seed_std` is the standard deviation of the difference from seed
        to seed (NaN with one), `image_std` from test image to test image; with folds both are NaN,
        and `fold_std` is that from fold to fold.

    Raises:
        UserError: two variants were evaluated on different test images.
    """
    loaded = evaluated_runs.load(runs)
    rows, chosen = [], evaluated_runs.results(variants, loaded)
    for comparison in comparisons:
        for dataset in dict.fromkeys(v["dataset"] for v in variants):
            held = {v["variant"]: v for v in variants if v["dataset"] == dataset}
            held |= {name: v for (where, name), v in chosen.items() if where == dataset}
            members = [held[name] for name in comparison["variants"] if name in held]
            family = [_pair(members[0], other, loaded) for other in members[1:]]
            about = {"comparison": comparison["name"], "title": comparison["title"]}
            for pair, p in zip(family, holm([pair["p"] for pair in family]), strict=True):
                row = about | pair | {"p_holm": p}
                rows.append(row | {"conclusion": conclusions.of_pair(row)})
    return pandas.DataFrame(rows, columns=COLUMNS)


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


def _pair(
    baseline: dict[str, Any],
    other: dict[str, Any],
    loaded: dict[tuple[str, str], list[EvaluatedRun]],
) -> dict[str, Any]:
    sides = tuple(evaluated_runs.of_variant(row, loaded) for row in (baseline, other))
    one, two = (evaluated_runs.answers(side) for side in sides)
    if not (np.array_equal(one.labels, two.labels) and np.array_equal(one.folds, two.folds)):
        raise UserError(
            f"variants '{baseline['variant']}' and '{other['variant']}' cannot be compared on "
            f"'{other['dataset']}': they were evaluated on different test images. Evaluate both on "
            f"the same data set file."
        )
    first, second, shared = _scores(one, two)
    if one.folds is not None:
        estimate = intervals.of_fold_difference(first, second, one.folds, one.ratio)
    elif shared:
        estimate = intervals.of_paired_difference(first, second)
    else:
        estimate = intervals.of_difference(first, second)
    low, high = estimate.interval()
    of_variants = estimate.speaks_of_variants
    only_first = int((first[0] & ~second[0]).sum())
    only_second = int((second[0] & ~first[0]).sum())
    return {
        "dataset": other["dataset"],
        "baseline": baseline["variant"],
        "variant": other["variant"],
        "baseline_label": baseline["label"],
        "variant_label": other["label"],
        "n_seeds": shared,
        "baseline_seeds": len(one.seeds),
        "variant_seeds": len(two.seeds),
        "n_test": len(one.labels),
        "baseline_accuracy": _accuracy(first, one.folds),
        "variant_accuracy": _accuracy(second, one.folds),
        "difference": estimate.value,
        "ci_low": low,
        "ci_high": high,
        "speaks_of": "variants" if of_variants else "networks",
        "standard_error": estimate.standard_error,
        "critical_value": estimate.critical(),
        **_spreads(estimate, first, second, one.folds),
        "p": estimate.p_value() if of_variants else mcnemar(only_first, only_second),
        "minimum_detectable_effect": estimate.detectable(),
        "baseline_only_right": only_first,
        "variant_only_right": only_second,
        "differs": fairness.differences((baseline, other), sides),
    }


def _scores(one: Answers, other: Answers) -> tuple[np.ndarray, np.ndarray, int]:
    """Right answers (seeds, images) of two variants, and how many seeds pair them.

    They are paired by the seeds that both have, if these are two or more; else all seeds are used
    (and 0 pair them), but where one variant has a single seed: then one network of each is. With
    folds it is no matter: the folds pair them, and one seed in common is enough. A variant that has
    nothing random in it has the seeds of any other.
    """
    if one.random != other.random:  # with each seed of the one the other would say the same
        shared = one.seeds if one.random else other.seeds
    else:
        shared = sorted(set(one.seeds) & set(other.seeds))
    least = 2 if one.folds is None else 1
    if len(shared) >= least:
        seeds = shared, shared
    elif min(len(one.seeds), len(other.seeds)) >= least:
        seeds = one.seeds, other.seeds
    else:  # one network of each
        seeds = (shared or one.seeds)[:1], (shared or other.seeds)[:1]
    pairs = 0 if len(shared) < least <= len(seeds[0]) else len(seeds[0])
    return one.of_seeds(seeds[0]), other.of_seeds(seeds[1]), pairs


def _accuracy(scores: np.ndarray, folds: np.ndarray | None) -> float:
    return float((scores if folds is None else intervals.fold_means(scores, folds)).mean())


def _spreads(
    estimate: intervals.Estimate, first: np.ndarray, second: np.ndarray, folds: np.ndarray | None
) -> dict[str, Any]:
    """The test of a pair, and what its difference spreads over: seeds and images, or folds."""
    if folds is not None:
        means = [intervals.fold_means(side, folds) for side in (first, second)]
        spread = float(np.std(means[1] - means[0], ddof=1))
        found = {"test": "corrected resampled t", "fold_std": spread, "n_folds": len(means[0])}
        return found | {"seed_std": np.nan, "image_std": np.nan}
    several = estimate.speaks_of_variants
    return {
        "test": "t of seeds and images" if several else "McNemar",
        "seed_std": np.sqrt(estimate.seeds * len(second)) if several else np.nan,
        "image_std": np.sqrt(estimate.images * first.shape[1]),
        "fold_std": np.nan,
        "n_folds": np.nan,
    }
