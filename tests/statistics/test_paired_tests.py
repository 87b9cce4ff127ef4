"""Tests of a pair of variants: what they speak of, what is concluded, what is unequal."""

import numpy as np
import pytest
from run_files import variant, write_run
from scipy import stats

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.statistics import conclusions, paired_tests


def test_mcnemar_exact_and_approximate():
    assert paired_tests.mcnemar(3, 12) == pytest.approx(stats.binomtest(3, 15, 0.5).pvalue)
    assert paired_tests.mcnemar(0, 0) == 1.0
    assert paired_tests.mcnemar(20, 40) == pytest.approx(stats.chi2.sf(19**2 / 60, 1))
    assert paired_tests.mcnemar(30, 30) == 1.0
    # The approximation is close to the exact test where the two meet.
    assert paired_tests.mcnemar(7, 18) == pytest.approx(
        stats.binomtest(7, 25, 0.5).pvalue, abs=0.01
    )


def test_holm_worked_by_hand():
    assert paired_tests.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert paired_tests.holm([0.5, 0.9]) == [1.0, 1.0]
    assert paired_tests.holm([]) == []


def pair(*runs, **rows):
    """The comparison of `ab` with `ba`; `rows` change their blocks."""
    variants = [variant(name) | rows.get(name, {}) for name in ("ab", "ba")]
    declared = [{"name": "pair", "title": "A pair", "variants": ["ab", "ba"]}]
    return paired_tests.compare(declared, variants, runs).iloc[0]


def test_a_variant_against_its_copy_differs_by_nothing_that_could_be_seen(tmp_path):
    runs = [write_run(tmp_path, name, s, 0.5) for name in ("ab", "ba") for s in (0, 1)]
    row = pair(*runs)
    assert (row["difference"], row["p"]) == (0, 1)
    assert row["ci_low"] < 0 < row["ci_high"]
    assert row["minimum_detectable_effect"] > 0
    assert row["conclusion"].startswith("No evidence of a difference between ba and ab")
    assert "could not have been seen" in row["conclusion"]


def test_one_seed_speaks_of_two_networks(tmp_path):
    runs = [write_run(tmp_path, "ab", 0, 0.9), write_run(tmp_path, "ba", 0, 0.4)]
    row = pair(*runs)
    assert (row["speaks_of"], row["test"], row["n_seeds"]) == ("networks", "McNemar", 1)
    assert row["p"] == paired_tests.mcnemar(row["baseline_only_right"], row["variant_only_right"])
    assert row["conclusion"].startswith("This network of ba recognises fewer test images")
    assert "nothing is known of the variants" in row["conclusion"]
    assert np.isnan(row["seed_std"])


def test_a_single_network_beside_three_is_one_network(tmp_path):
    runs = [write_run(tmp_path, "ab", s, 0.6) for s in (0, 1, 2)]
    row = pair(*runs, write_run(tmp_path, "ba", 1, 0.7))
    assert (row["speaks_of"], row["n_seeds"]) == ("networks", 1)
    assert row["baseline_accuracy"] == atomic_files.read_json(runs[1][0])["test_accuracy"]
    assert row["differs"] == "seeds 0, 1, 2 against 1"


def test_seeds_that_are_not_shared_are_not_paired(tmp_path):
    runs = [write_run(tmp_path, "ab", s, 0.6) for s in (0, 1, 2)]
    row = pair(*runs, *(write_run(tmp_path, "ba", s, 0.7) for s in (3, 4)))
    assert (row["speaks_of"], row["n_seeds"]) == ("variants", 0)
    assert (row["baseline_seeds"], row["variant_seeds"]) == (3, 2)
    means = [
        np.mean([atomic_files.read_json(p)["test_accuracy"] for p in found])
        for found in (
            [path for path, _ in runs],
            [tmp_path / f"shapes/ba/seed{s}/metrics.json" for s in (3, 4)],
        )
    ]
    assert row["difference"] == pytest.approx(means[1] - means[0])


def test_what_is_unequal_stands_beside_the_figures(tmp_path):
    runs = [
        write_run(tmp_path, "ab", 0, 0.6, numpy="2.0", data="1" * 64),
        write_run(tmp_path, "ba", 0, 0.7, numpy="2.1", data="2" * 64),
    ]
    changes = {"budget": {"epochs": 13, "patience": 5}, "protocol": "practical"}
    assert pair(*runs, ba=changes)["differs"] == (
        "epochs at most 30 against 13; patience none against 5; protocol corrected against "
        "practical; library versions keras 3.0, numpy 2.0 against keras 3.0, numpy 2.1; they read "
        "other contents of results/data/shapes.h5"
    )


def test_a_difference_that_only_one_of_many_tests_shows_is_not_established():
    row = {
        "p_holm": 0.09, "speaks_of": "variants", "variant_label": "b", "baseline_label": "a",
        "difference": 0.02, "ci_low": 0.001, "ci_high": 0.039, "minimum_detectable_effect": 0.03,
    }  # fmt: skip
    assert conclusions.of_pair(row).startswith("A difference between b and a is not established")


def test_other_test_images_cannot_be_compared(tmp_path):
    runs = [write_run(tmp_path, "ant", 0, 0.5), write_run(tmp_path, "mole", 0, 0.5, labels=1)]
    declared = [{"name": "x", "title": "X", "variants": ["ant", "mole"]}]
    with pytest.raises(UserError, match="'ant' and 'mole' cannot be compared"):
        paired_tests.compare(declared, [variant("ant"), variant("mole")], runs)
