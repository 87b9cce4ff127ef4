"""A variant without anything random beside others: one run, paired with every seed of another."""

import json

import numpy as np
import pytest
import run_files

from convstudy.report import tables
from convstudy.statistics import aggregate, fairness, intervals, paired_tests, replicates


def solved(paths, notes=()):
    """The metrics file of a run, made one of computed weights."""
    metrics = json.loads(paths[0].read_text())
    metrics |= {"solved": True, "epochs_run": None, "solution_notes": list(notes)}
    paths[0].write_text(json.dumps(metrics))
    return paths


@pytest.fixture
def study(tmp_path):
    head = run_files.variant("linear") | {
        "budget": {"epochs": None, "patience": None}, "training": {}, "solved": True,
    }  # fmt: skip
    runs = [solved(run_files.write_run(tmp_path, "linear", 0, 0.7), ["the best l2 is an edge"])]
    runs += [run_files.write_run(tmp_path, "deep", seed, 0.75 + seed / 50) for seed in range(3)]
    return [head, run_files.variant("deep")], runs


def right(path):
    from convstudy.data import hdf5

    probabilities, labels = hdf5.read_predictions(path, "test")
    return probabilities.argmax(axis=1) == labels


COMPARISON = [{"name": "heads", "title": "Heads", "variants": ["linear", "deep"]}]


def test_it_is_paired_with_every_seed(study):
    rows, runs = study
    (pair,) = paired_tests.compare(COMPARISON, rows, runs).to_dict("records")
    assert (pair["n_seeds"], pair["speaks_of"]) == (3, "variants")
    linear, *deep = (right(path) for _, path in runs)
    difference = np.stack(deep).astype(float) - linear
    estimate = intervals.of_scores(difference)
    assert pair["difference"] == pytest.approx(difference.mean())
    assert (pair["ci_low"], pair["ci_high"]) == pytest.approx(estimate.interval(), abs=1e-3)
    assert pair["differs"] == ""
    turned = [COMPARISON[0] | {"variants": ["deep", "linear"]}]
    (other,) = paired_tests.compare(turned, rows, runs).to_dict("records")
    assert other["difference"] == pytest.approx(-pair["difference"])
    assert other["ci_high"] == pytest.approx(-pair["ci_low"])


def test_its_row_has_one_run_and_no_epochs(study):
    frame = aggregate.summarize(*study)
    row = frame.set_index("variant").loc["linear"]
    assert row["n_seeds"] == 1 and row["interval_of"] == "network" and row["solved"]
    assert all(np.isnan(row[x]) for x in ("epochs_mean", "budget_epochs", "learning_rate"))
    assert np.isnan(row["test_accuracy_std"])  # one run has no spread


def test_tables_say_what_its_interval_is_of_and_what_was_noted(study):
    rows, runs = study
    frame = aggregate.summarize(rows, runs)
    (table,) = tables.summary_tables(frame, rows)
    notes = " ".join(table.notes)
    assert "linear: the weights are computed and nothing in that is random" in notes
    assert "linear: the best l2 is an edge." in notes
    assert "speaks of one trained network" not in notes
    (costs,) = tables.cost_tables(frame)
    assert dict(zip(costs.header, costs.rows[0], strict=True))["epochs"] == ""


def test_a_rule_on_seeds_can_hold_with_it(study):
    rows, runs = study
    found = replicates.decide({"minimum_detectable_effect": 0.5}, rows, COMPARISON, runs)
    assert found["holds"] and found["of"] == "deep against linear"


def test_two_of_them_are_compared_as_two_networks(tmp_path):
    rows = [run_files.variant(name) | {"solved": True} for name in ("one", "two")]
    runs = [solved(run_files.write_run(tmp_path, row["variant"], 0, 0.7)) for row in rows]
    (pair,) = paired_tests.compare(
        [COMPARISON[0] | {"variants": ["one", "two"]}], rows, runs
    ).to_dict("records")
    assert (pair["test"], pair["speaks_of"]) == ("McNemar", "networks")


def test_other_inequalities_are_still_told(study):
    rows, runs = study
    other = rows[1] | {"protocol": "practical"}
    loaded = paired_tests.evaluated_runs.load(runs)
    sides = tuple(paired_tests.evaluated_runs.of_variant(x, loaded) for x in rows)
    assert fairness.differences((rows[0], other), sides) == "protocol corrected against practical"


def test_a_library_that_only_one_of_them_uses_is_no_difference_of_versions(study):
    rows, runs = study
    metrics = json.loads(runs[0][0].read_text())
    metrics["provenance"]["versions"]["scikit-learn"] = "1.0"
    runs[0][0].write_text(json.dumps(metrics))
    (pair,) = paired_tests.compare(COMPARISON, rows, runs).to_dict("records")
    frame = aggregate.summarize(rows, runs)
    told = " ".join(tables.summary_tables(frame, rows)[0].notes)
    assert pair["differs"] == "" and "library versions" not in told
    metrics["provenance"]["versions"]["numpy"] = "1.0"
    runs[0][0].write_text(json.dumps(metrics))
    (pair,) = paired_tests.compare(COMPARISON, rows, runs).to_dict("records")
    frame = aggregate.summarize(rows, runs)
    told = " ".join(tables.summary_tables(frame, rows)[0].notes)
    assert "numpy 1.0" in pair["differs"] and "scikit-learn" not in pair["differs"]
    assert "different library versions" in told
