"""When a study has seeds enough: by the width of its intervals alone."""

import numpy as np
import pytest
from run_files import variant, write_run

from convstudy.statistics import aggregate, paired_tests, replicates

ROWS = [variant("ant"), variant("bee")]
PAIR = [{"name": "both", "title": "Both", "variants": ["ant", "bee"]}]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    accuracies = {"ant": (0.70, 0.72, 0.71), "bee": (0.40, 0.60, 0.50)}
    return [
        write_run(folder, name, seed, accuracy)
        for name, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]


def decide(rule, limit, runs):
    return replicates.decide({rule: limit}, ROWS, PAIR, runs)


def test_the_widest_interval_of_the_summary_decides(runs):
    frame = aggregate.summarize(ROWS, runs).set_index("variant")
    half = (frame["test_accuracy_ci_high"] - frame["test_accuracy_ci_low"]) / 2
    found = decide("half_width", half["bee"] + 1e-9, runs)
    assert found["holds"] and found["of"] == "bee"
    assert found["value"] == pytest.approx(half.max())
    assert not decide("half_width", half["bee"] - 1e-9, runs)["holds"]


def test_the_effect_of_the_comparison_decides(runs):
    (effect,) = paired_tests.compare(PAIR, ROWS, runs)["minimum_detectable_effect"]
    found = decide("minimum_detectable_effect", effect, runs)
    assert found["holds"] and found["of"] == "bee against ant"
    assert not decide("minimum_detectable_effect", effect * 0.99, runs)["holds"]


def test_what_the_test_images_alone_make_is_out_of_reach(runs, monkeypatch):
    """Every network is right on the same half of 500 images: further seeds tell nothing."""
    correct = np.tile(np.arange(500) % 2 == 0, (3, 1))
    width, of_images = replicates.half_width(correct)
    assert of_images == pytest.approx(1.96 * np.sqrt(0.25 / 499), rel=1e-3)
    monkeypatch.setattr(replicates, "half_widths", lambda *_: [("ant", width, of_images)])
    assert decide("half_width", 0.05, runs)["reachable"]
    assert not decide("half_width", 0.04, runs)["reachable"]


def test_a_difference_changes_nothing_in_the_decision():
    """Only widths are looked at: moved apart, two variants are as far from enough as before."""
    rng = np.random.default_rng(0)
    correct = rng.random((4, 500)) < 0.5
    assert replicates.half_width(correct) == pytest.approx(replicates.half_width(~correct))
