"""What may be said of folds: coverage by simulation, and summary and comparison of their runs."""

import cross_validations
import numpy as np
import pytest
from run_files import variant, write_run
from scipy import stats

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report import notes
from convstudy.statistics import aggregate, intervals, paired_tests

STUDIES = 300


@pytest.mark.parametrize(
    ("folds", "seeds", "of_naive"),
    [(3, 1, (0.88, 0.98)), (5, 1, (0.88, 0.98)), (5, 3, (0.6, 0.8)), (10, 3, (0.6, 0.8))],
)
def test_coverage_of_95_percent_intervals_as_measured_in_one_experiment(folds, seeds, of_naive):
    """No promise: on other data it may be another. Naive intervals are worse, with seeds far."""
    share = cross_validations.coverage(100, folds, seeds, STUDIES)
    print(f"{folds} folds x {seeds} seeds: {share}")
    assert of_naive[0] <= share["naive"] <= of_naive[1]
    assert 0.94 <= share["accuracy"] <= 1 and 0.94 <= share["difference"] <= 1


def test_the_corrected_variance_of_one_seed_is_that_of_nadeau_and_bengio():
    scores = np.array([[1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1]])
    folds = np.repeat([0, 1, 2], 4)
    found = intervals.of_folds(scores, folds, 0.5)
    means = [0.75, 0.25, 0.75]
    half = stats.t.ppf(0.975, 2) * np.sqrt((1 / 3 + 0.5) * np.var(means, ddof=1))
    assert found.value == pytest.approx(np.mean(means))
    assert found.interval() == pytest.approx((np.mean(means) - half, np.mean(means) + half))


def test_more_seeds_on_the_same_folds_are_no_more_folds():
    scores = np.random.default_rng(0).random((1, 60)) < 0.7
    folds = np.arange(60) % 5
    one, many = (intervals.of_folds(np.repeat(scores, n, axis=0), folds, 0.25) for n in (1, 8))
    assert one.interval() == pytest.approx(many.interval()) and many.degrees == 4


def test_equal_folds_leave_an_interval_with_a_width():
    scores, folds = np.tile([1, 1, 1, 0], 3)[None], np.repeat([0, 1, 2], 4)
    assert intervals.of_folds(scores, folds, 0.5).standard_error > 0.1
    same = intervals.of_fold_difference(scores, scores, folds, 0.5)
    low, high = same.interval()
    assert low < 0 < high and same.p_value() == 1


@pytest.fixture
def folded(tmp_path):
    """Runs of two variants: three folds of other sizes, two seeds."""
    accuracies = {"ant": 0.6, "mole": 0.9}
    runs = [
        write_run(tmp_path, name, seed, accuracy, f"shapes-fold{fold}", 60 + 3 * fold, fold)
        for seed in (1, 0)
        for name, accuracy in accuracies.items()
        for fold in (2, 0, 1)
    ]
    rows = [variant(name) | {"folds": 3} for name in accuracies]
    return rows, runs


def test_a_row_puts_folds_and_seeds_together(folded):
    rows, runs = folded
    frame = aggregate.summarize(rows, runs)
    assert frame["variant"].tolist() == ["ant", "mole"]
    row = frame.iloc[0]
    assert (row["n_folds"], row["n_seeds"], row["n_test"]) == (3, 2, 60 + 63 + 66)
    assert row["interval_of"] == "folds"
    own = [atomic_files.read_json(m) for m, _ in runs]
    found = [m["test_accuracy"] for m in own if m["variant"] == "ant"]
    assert row["test_accuracy_mean"] == pytest.approx(np.mean(found))
    assert row["test_accuracy_std"] == pytest.approx(np.std(found, ddof=1))
    assert row["test_accuracy_ci_low"] < row["test_accuracy_mean"] < row["test_accuracy_ci_high"]
    ratio = sum(m["n_test"] for m in own) / sum(m["n_train"] for m in own)
    by_fold = [np.mean(np.array(found)[[i, i + 3]]) for i in range(3)]
    variance = (1 / 3 + ratio) * np.var(by_fold, ddof=1)
    assert row["standard_error"] == pytest.approx(np.sqrt(variance))
    said = " ".join(notes.of_results(frame, "shapes", set()))
    assert "3 folds x 2 seeds" in said and "189 images tests once a seed" in said
    assert "Bengio" in said and "approximate" in said


def test_a_row_without_folds_says_so_by_an_empty_number(tmp_path):
    runs = [write_run(tmp_path, "ant", seed, 0.5) for seed in (0, 1)]
    frame = aggregate.summarize([variant("ant")], runs)
    assert np.isnan(frame.loc[0, "n_folds"])
    assert "fold" not in " ".join(notes.of_results(frame, "shapes", set()))


def test_a_pair_is_tested_over_the_differences_of_the_folds(folded):
    rows, runs = folded
    comparison = {"name": "c", "title": "Which", "variants": ["ant", "mole"]}
    frame = paired_tests.compare([comparison], rows, runs)
    (row,) = frame.to_dict("records")
    assert (row["test"], row["n_folds"], row["n_seeds"]) == ("corrected resampled t", 3, 2)
    assert row["speaks_of"] == "variants" and row["difference"] > 0.2
    assert row["critical_value"] == pytest.approx(stats.t.ppf(0.975, 2))
    assert row["difference"] == pytest.approx(row["variant_accuracy"] - row["baseline_accuracy"])
    assert np.isnan(row["seed_std"]) and row["fold_std"] > 0
    assert "over 3 folds (approximate), p " in row["conclusion"]
    said = " ".join(notes.of_differences(frame))
    assert "Paired by 3 folds" in said and "Nadeau and Bengio" in said


def test_one_seed_in_folds_speaks_of_variants_and_says_what_is_not_in_it(folded):
    rows, runs = folded
    frame = aggregate.summarize(rows, runs[:6])
    assert set(frame["n_seeds"]) == {1} and set(frame["interval_of"]) == {"folds"}
    assert "same initial weights" in " ".join(notes.of_results(frame, "shapes", set()))


def test_other_folds_cannot_be_compared(folded, tmp_path):
    rows, runs = folded
    other = [write_run(tmp_path, "owl", 0, 0.5, f"shapes-fold{fold}", 60) for fold in (0, 1)]
    comparison = {"name": "c", "title": "Which", "variants": ["ant", "owl"]}
    with pytest.raises(UserError, match="different test images"):
        paired_tests.compare([comparison], [*rows, variant("owl")], [*runs, *other])


def test_a_seed_without_one_of_its_folds_is_no_row(folded):
    rows, runs = folded
    with pytest.raises(UserError, match="different test images"):
        aggregate.summarize(rows, runs[1:])
