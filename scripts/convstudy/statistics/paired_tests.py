"""Paired differences between the variants of a comparison, on the same seeds and test images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas
from scipy import stats

from convstudy.foundation.errors import UserError
from convstudy.statistics import bootstrap, evaluated_runs
from convstudy.statistics.evaluated_runs import EvaluatedRun, Runs

EXACT_BELOW = 25


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
    loaded = evaluated_runs.load(runs)
    rows, chosen = [], evaluated_runs.results(variants, loaded)
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
    first = {run.metrics["seed"]: run for run in evaluated_runs.of_variant(baseline, loaded)}
    second = {run.metrics["seed"]: run for run in evaluated_runs.of_variant(other, loaded)}
    seeds = sorted(first.keys() & second.keys())
    labels = [run.labels for run in (*first.values(), *second.values())]
    if not seeds or not all(np.array_equal(labels[0], found) for found in labels):
        raise UserError(
            f"variants '{baseline['variant']}' and '{other['variant']}' cannot be compared on "
            f"'{other['dataset']}': they share no seed, or were evaluated on different test "
            f"images. Evaluate both on the same seeds and the same data set file."
        )
    scores = np.stack([second[s].correct.astype(float) - first[s].correct for s in seeds])
    draws = bootstrap.means(scores)
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
