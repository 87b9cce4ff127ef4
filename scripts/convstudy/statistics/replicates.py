"""Whether a study has seeds enough: by how wide its intervals are, never by what they hold.

An interval that stops at a width is the sequential one of Chow and Robbins (1965, Annals of
Mathematical Statistics 36:457-462), after Stein (1945, 16:243-258): the mean of the seeds hardly
depends on their spread, so stopping by the spread leaves the error rate nearly as it is. Stopping
when a p-value is small would not: it is looked at again and again until it happens to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from convstudy.statistics import evaluated_runs, intervals, paired_tests
from convstudy.statistics.evaluated_runs import Runs

Found = tuple[str, float, float]


def decide(
    until: Mapping[str, float],
    variants: list[dict[str, Any]],
    comparisons: Sequence[Mapping[str, Any]],
    runs: Runs,
) -> dict[str, Any]:
    """Whether a rule holds with the seeds that were run.

    Args:
        until: `half_width` or `minimum_detectable_effect`, with its limit as a fraction.
        variants: as for `aggregate.summarize`.
        comparisons: as for `paired_tests.compare`.
        runs: paths (metrics.json, predictions.h5) of the same seeds of every variant.

    Returns:
        `holds`; `value`, the largest of the half-widths or effects, and whose it is in `of`;
        `reachable`: whether any number of seeds would make the rule hold on these test images.
    """
    ((rule, limit),) = until.items()
    if rule == "half_width":
        found = half_widths(variants, runs)
    else:
        found = effects(comparisons, variants, runs)
    name, value, _ = max(found, key=lambda x: x[1])
    return {
        "holds": value <= limit,
        "value": value,
        "of": name,
        "reachable": max(least for _, _, least in found) <= limit,
    }


def half_widths(variants: list[dict[str, Any]], runs: Runs) -> list[Found]:
    """Of every result: name, half the width of its 95 % interval, and what its images alone make.

    Of a sweep the chosen value is the result.
    """
    loaded = evaluated_runs.load(runs)
    results = evaluated_runs.results(variants, loaded).values()
    return [
        (row["label"], *half_width(evaluated_runs.answers(found).correct))
        for row in results
        for found in [evaluated_runs.of_variant(row, loaded)]
    ]


def half_width(correct: np.ndarray) -> tuple[float, float]:
    """Half the width of the interval of an accuracy, and what it would be with seeds without end.

    Args:
        correct: right (1) and wrong (0) answers (seeds, images).
    """
    estimate, low, high = intervals.of_accuracy(correct)
    of_images = replace(estimate, seeds=0.0)
    return (high - low) / 2, of_images.critical() * of_images.standard_error


def effects(
    comparisons: Sequence[Mapping[str, Any]], variants: list[dict[str, Any]], runs: Runs
) -> list[Found]:
    """Of every pair that is compared: its name, its minimum detectable effect, and the least."""
    frame = paired_tests.compare(comparisons, variants, runs)
    quantiles = stats.norm.ppf([(1 + intervals.CONFIDENCE) / 2, intervals.POWER]).sum()
    return [
        (
            f"{row.variant_label} against {row.baseline_label}",
            row.minimum_detectable_effect,
            quantiles * row.image_std / np.sqrt(row.n_test),
        )
        for row in frame.itertuples()
    ]
