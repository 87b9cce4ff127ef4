"""What may be concluded from a paired difference, and what not, in words."""

import math
from collections.abc import Mapping
from typing import Any

LEVEL = 0.05


def of_pair(row: Mapping[str, Any]) -> str:
    """One or two sentences on a row of `paired_tests.compare`, but for its `conclusion`.

    A difference that the test finds is stated with its interval; else the sentence says what could
    not have been seen. With one seed it speaks of two trained networks, but for folds.
    """
    found = row["p_holm"] < LEVEL
    if row["speaks_of"] == "networks":
        return _of_networks(row, found)
    one, other = row["variant_label"], row["baseline_label"]
    if found:
        word = "better" if row["difference"] > 0 else "worse"
        return (
            f"{one} is {word} than {other} by {_points(abs(row['difference']))} ({_margin(row)})."
        )
    if row["ci_low"] > 0 or row["ci_high"] < 0:
        return (
            f"A difference between {one} and {other} is not established: {_margin(row)}, and so "
            f"one of several tests may end by chance."
        )
    least = _points(row["minimum_detectable_effect"])
    return (
        f"No evidence of a difference between {one} and {other} ({_signed(row['difference'])} "
        f"points, {_margin(row)}); one below {least} could not have been seen."
    )


def _of_networks(row: Mapping[str, Any], found: bool) -> str:
    one, other = row["variant_label"], row["baseline_label"]
    end = "With one seed each, nothing is known of the variants: another seed may turn it round."
    if found:
        word = "more" if row["difference"] > 0 else "fewer"
        return (
            f"This network of {one} recognises {word} test images than this one of {other} "
            f"({_signed(row['difference'])} points, p {_p(row['p_holm'])}). {end}"
        )
    return (
        f"The test images do not tell this network of {one} from this one of {other} "
        f"({_signed(row['difference'])} points, p {_p(row['p_holm'])}). {end}"
    )


def _margin(row: Mapping[str, Any]) -> str:
    low, high = _signed(row["ci_low"]), _signed(row["ci_high"])
    folds = row.get("n_folds", math.nan)
    over = "" if math.isnan(folds) else f" over {int(folds)} folds (approximate)"
    return f"95 % interval {low} to {high}{over}, p {_p(row['p_holm'])} after Holm"


def _points(fraction: float) -> str:
    return f"{100 * fraction:.1f} points"


def _signed(fraction: float) -> str:
    # rounded first, so that nothing becomes -0.0
    return f"{round(100 * fraction, 1) + 0.0:+.1f}"


def _p(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"
