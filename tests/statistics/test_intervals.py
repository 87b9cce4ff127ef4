"""Intervals whose coverage is shown: by integration where errors are normal, by simulation of
studies with right and wrong answers where they are not.
"""

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from convstudy.statistics import intervals
from convstudy.statistics.intervals import Estimate

IMAGES = 2500
STUDIES = {1: 1500, 2: 1500, 3: 1500, 5: 800, 10: 800}  # by seeds
DIFFICULTY = 2.0  # standard deviation of the images' difficulty, in logits
SPREADS = {"small": 0.05, "large": 0.4}  # of the seeds, in logits


def accuracy_of(logit: float, spread: float) -> float:
    """Accuracy of a network whose mean logit is this, over images (and seeds) of this spread."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(weights @ special.expit(logit + spread * nodes) / weights.sum())


def studies(accuracy: float, spread: float, seeds: int):
    """Studies of two equal variants: right answers (seeds, images) of both."""
    whole = np.hypot(DIFFICULTY, spread)
    logit = optimize.brentq(lambda x: accuracy_of(x, whole) - accuracy, -20, 30)
    rng = np.random.default_rng([seeds, int(1000 * spread), int(100 * accuracy)])
    for _ in range(STUDIES[seeds]):
        images = logit + rng.normal(0, DIFFICULTY, IMAGES)
        answers = []
        for _ in range(2):
            chances = special.expit(images + rng.normal(0, spread, (seeds, 1)))
            answers.append(rng.random((seeds, IMAGES), np.float32) < chances)
        yield answers


def holds(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


@pytest.mark.parametrize("accuracy", [0.5, 0.99])
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent(accuracy, spread, seeds):
    held = {"accuracy": 0, "paired": 0, "unpaired": 0}
    for first, second in studies(accuracy, SPREADS[spread], seeds):
        held["accuracy"] += holds(intervals.of_accuracy(first)[1:], accuracy)
        held["paired"] += holds(intervals.of_paired_difference(first, second).interval(), 0)
        held["unpaired"] += holds(intervals.of_difference(first, second).interval(), 0)
    for kind, count in held.items():
        assert 0.93 <= count / STUDIES[seeds] <= 0.97, kind


@pytest.mark.parametrize("accuracy", [0.5, 0.99])
def test_with_one_seed_the_interval_holds_what_this_network_would_do_on_all_images(accuracy):
    """The truth is that of the drawn networks: no seed beside them was seen."""
    held = {"accuracy": 0, "paired": 0}
    for first, second in studies(accuracy, 0.0, 1):
        estimate, low, high = intervals.of_accuracy(first)
        assert not estimate.speaks_of_variants
        held["accuracy"] += low <= accuracy <= high
        held["paired"] += holds(intervals.of_paired_difference(first, second).interval(), 0)
    for kind, count in held.items():
        assert 0.93 <= count / STUDIES[1] <= 0.97, kind


def coverage(degrees: int, share: float) -> float:
    """Exact coverage where errors are normal and `share` of the variance is that of the seeds."""

    def given(quantile: float) -> float:
        seeds = share * stats.chi2.ppf(quantile, degrees) / degrees
        estimate = Estimate(0.0, seeds, 1 - share, degrees)
        return 2 * stats.norm.cdf(estimate.critical() * estimate.standard_error) - 1

    return integrate.quad(given, 0, 1, limit=200, epsabs=1e-4)[0]


@pytest.mark.parametrize(
    ("degrees", "least", "most"),
    [(1, 0.933, 0.971), (2, 0.945, 0.961), (4, 0.948, 0.956), (9, 0.949, 0.953)],
)
def test_coverage_whatever_the_share_of_the_seeds(degrees, least, most):
    found = [coverage(degrees, share) for share in (0.001, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 1)]
    assert least <= min(found) and max(found) <= most


def test_all_variance_from_seeds_gives_students_interval():
    values = np.array([0.2, 0.4, 0.5, 0.9])
    estimate = intervals.of_scores(np.repeat(values[:, None], 50, axis=1))
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert estimate.interval() == pytest.approx(expected)


def test_p_value_is_students_where_all_variance_is_of_seeds():
    values = np.array([0.02, 0.04, -0.01, 0.03])
    estimate = intervals.of_scores(np.repeat(values[:, None], 50, axis=1))
    assert estimate.p_value() == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_equal_seeds_leave_the_normal_interval_of_the_images():
    one = np.random.default_rng(0).random((1, 1000)) < 0.5
    thrice = intervals.of_scores(np.repeat(one, 3, axis=0))
    mean = one.mean()
    expected = stats.norm.interval(0.95, mean, np.sqrt(mean * (1 - mean) / 999))
    assert thrice.interval() == pytest.approx(expected)


def test_one_network_has_wilsons_interval():
    scores = np.arange(200)[None] < 190
    expected = stats.binomtest(190, 200).proportion_ci(method="wilson")
    found = intervals.of_accuracy(scores)[1:]
    assert found == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_a_network_that_is_always_right_may_err_on_the_next_image():
    _, low, high = intervals.of_accuracy(np.ones((3, 100)))
    assert low == pytest.approx(stats.binomtest(100, 100).proportion_ci(method="wilson").low)
    assert high == pytest.approx(1)


def test_networks_that_are_right_on_other_images_each_are_not_certain():
    """Each is right on a third of its own, so neither mean square shows any variance."""
    scores = np.eye(3)[np.arange(300) % 3].T
    _, low, high = intervals.of_accuracy(scores)
    assert high - low > 2 * 0.9 * np.sqrt(2 / 9 / 900)


def test_variances_are_unbiased():
    """The parts of the variance, over many tables, are those that the tables were drawn with."""
    rng = np.random.default_rng(2)
    seeds, images, of_seeds, of_images, of_rest = 4, 60, 0.3, 0.5, 0.8
    found = []
    for _ in range(3000):
        table = rng.normal(0, of_seeds, (seeds, 1)) + rng.normal(0, of_images, images)
        estimate = intervals.of_scores(table + rng.normal(0, of_rest, (seeds, images)))
        found.append(estimate.seeds + estimate.images)
    expected = of_seeds**2 / seeds + of_images**2 / images + of_rest**2 / (seeds * images)
    assert np.mean(found) == pytest.approx(expected, rel=0.03)


def test_p_and_interval_agree_at_five_percent():
    rng = np.random.default_rng(4)
    for shift in np.linspace(-0.08, 0.08, 41):
        first = rng.random((3, 400)) < 0.5
        second = rng.random((3, 400)) < 0.5 + shift
        for estimate in (
            intervals.of_paired_difference(first, second),
            intervals.of_difference(first, second),
        ):
            low, high = estimate.interval()
            assert (estimate.p_value() < 0.05) == (low > 0 or high < 0)


def test_identical_runs_do_not_make_every_effect_detectable():
    answers = np.random.default_rng(0).random((3, 500)) < 0.7
    same = intervals.of_paired_difference(answers, answers)
    assert same.value == 0 and same.p_value() == 1
    assert 0.002 < same.detectable() < 0.02


def test_a_detectable_effect_is_found_in_four_of_five_studies():
    rng, found, studies = np.random.default_rng(8), 0, 400
    effect = 0.05
    detectable = []
    for _ in range(studies):
        images = rng.normal(0, 0.25, 800)
        table = effect + images + rng.normal(0, 0.03, (5, 1)) + rng.normal(0, 0.4, (5, 800))
        estimate = intervals.of_scores(table)
        found += estimate.p_value() < 0.05
        detectable.append(estimate.detectable())
    # power at an effect, read off the model, against the share of studies that found it
    sizes = np.asarray(detectable)
    assert (found / studies > 0.8) == (effect > np.median(sizes))
    assert 0.6 < found / studies < 0.95


def test_unpaired_seeds_of_unequal_number():
    rng = np.random.default_rng(9)
    first, second = rng.random((2, 900)) < 0.5, rng.random((7, 900)) < 0.6
    estimate = intervals.of_difference(first, second)
    assert 1 <= estimate.degrees <= 7
    assert estimate.value == pytest.approx(second.mean() - first.mean())
