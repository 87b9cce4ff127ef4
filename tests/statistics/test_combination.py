"""Means of the predictions of finished runs, against NumPy, and the ranks of a sweep's values."""

import numpy as np
import pandas
import pytest
from run_files import variant, write_run
from scipy import optimize
from sklearn import metrics as sklearn_metrics

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report import checklist, notes, summary, tables
from convstudy.statistics import (
    aggregate,
    combination,
    metrics_file,
    paired_tests,
    sweep_selection,
)

CLASSES = 6


def finished(folder, name, seed, sharp=1.0, n=80, validation=None, dataset="shapes", **changes):
    """A finished run with drawn probabilities of validation and test images."""
    rng = np.random.default_rng([seed, sum(map(ord, name))])
    truth = {s: np.random.default_rng(len(s)).integers(CLASSES, size=n) for s in SUBSETS}
    drawn = {}
    for subset, labels in truth.items():
        logits = rng.normal(size=(n, CLASSES)) + sharp * np.eye(CLASSES)[labels]
        likely = np.exp(2 * logits)
        drawn[subset] = (likely / likely.sum(axis=1, keepdims=True)).astype(np.float32), labels
    paths = write_run(folder, name, seed, 0.5, dataset, n)
    hdf5.write_predictions(paths[1], drawn, class_names=[f"class {i}" for i in range(CLASSES)])
    content = atomic_files.read_json(paths[0])
    test = drawn["test"]
    content |= {"backbone": None, "test_accuracy": float((test[0].argmax(1) == test[1]).mean())}
    content |= {"validation_accuracy": validation or 0.5} | changes
    atomic_files.write_json(paths[0], content)
    return paths


SUBSETS = ("validation", "test")


def combine(folder, runs, name="mean", over="variants", groups=None, validation=(), seed=0):
    """The mean of runs; its paths."""
    read = [atomic_files.read_json(path)["variant"] for path, _ in runs]
    groups = groups or [{"points": [x], "best": 1} for x in dict.fromkeys(read)]
    where = folder / "shapes" / name / f"seed{seed}"
    outputs = {"metrics": where / "metrics.json", "predictions": where / "predictions.h5"}
    identity = {"dataset": "shapes", "variant": name, "model": "m", "generator": "none",
                "backbone": None, "seed": seed, "task": "t"}  # fmt: skip
    inputs = {
        "metrics": [x for x, _ in runs], "predictions": [x for _, x in runs],
        "validation": list(validation),
    }  # fmt: skip
    combination.combine({"over": over, "groups": groups}, identity, inputs, outputs)
    return outputs["metrics"], outputs["predictions"]


def mean_of(runs, subset):
    return np.mean([hdf5.read_predictions(path, subset)[0] for _, path in runs], axis=0)


def test_predictions_and_figures_are_those_of_the_mean_of_probabilities(tmp_path):
    runs = [finished(tmp_path, name, 0) for name in ("a", "b", "c")]
    metrics_path, path = combine(tmp_path, runs)
    found = metrics_file.read(metrics_path)
    for subset in SUBSETS:
        probabilities, labels = hdf5.read_predictions(path, subset)
        expected = mean_of(runs, subset)
        assert np.allclose(probabilities, expected, atol=1e-7)
        assert np.array_equal(labels, hdf5.read_predictions(runs[0][1], subset)[1])
        assert found[f"{subset}_accuracy"] == np.mean(expected.argmax(axis=1) == labels)
        loss = sklearn_metrics.log_loss(labels, expected, labels=range(CLASSES))
        assert found[f"{subset}_loss"] == pytest.approx(loss, rel=1e-5)
    # the temperature is that of the mean's validation images
    expected, labels = mean_of(runs, "validation"), hdf5.read_predictions(path, "validation")[1]

    def loss_at(temperature):
        scaled = expected ** (1 / temperature)
        scaled /= scaled.sum(axis=1, keepdims=True)
        return sklearn_metrics.log_loss(labels, scaled, labels=range(CLASSES))

    best = optimize.minimize_scalar(loss_at, bounds=(0.05, 20), method="bounded").x
    assert found["temperature"] == pytest.approx(best, rel=1e-2)
    assert found["made_of"] == "mean of a, b, c (3 networks)"
    assert found["train_accuracy"] is None  # no probabilities of training images are kept


def test_a_mean_is_better_than_its_members_where_they_err_on_their_own(tmp_path):
    runs = [finished(tmp_path, "a", seed, n=500) for seed in range(8)]
    single = [atomic_files.read_json(path)["test_accuracy"] for path, _ in runs]
    found = metrics_file.read(combine(tmp_path, runs, over="seeds")[0])
    assert found["test_accuracy"] > max(single) + 0.1
    assert found["made_of"] == "mean of a with seeds 0, 1, 2, 3, 4, 5, 6, 7 (8 networks)"


def test_costs_are_sums_and_each_network_and_backbone_counts_once(tmp_path):
    head = {"backbone": "net", "backbone_parameters": 1000, "backbone_flops_per_image": 50,
            "extraction_seconds": 9.0}  # fmt: skip
    runs = [finished(tmp_path, name, 0, parameters=10 * i, **head) for i, name in enumerate("abc")]
    inner = combine(tmp_path, runs[:2], "inner")
    found = metrics_file.read(combine(tmp_path, [inner, runs[0], runs[2]], "outer")[0])
    assert [x["network"] for x in found["networks"]] == [f"shapes/{x}/seed0" for x in "abc"]
    assert found["parameters"] == 0 + 10 + 20
    assert found["train_seconds"] == 3 * 2.0
    assert (found["backbone_parameters"], found["extraction_seconds"]) == (1000, 9.0)
    assert found["flops_per_image"] == 4 * 2_000_000  # `a` predicts twice
    assert found["milliseconds_per_image"] == pytest.approx(4 * 0.5)
    weights = 0.5 / 3 * np.array([1, 1]) + [1 / 3, 0]  # of a and b
    a, b, c = (hdf5.read_predictions(path)[0] for _, path in runs)
    expected = weights[0] * a + weights[1] * b + c / 3
    path = tmp_path / "shapes/outer/seed0/predictions.h5"
    assert np.allclose(hdf5.read_predictions(path)[0], expected, atol=1e-6)


def test_the_best_values_of_a_sweep_are_chosen_over_all_seeds_and_never_by_test(tmp_path):
    # of seed 0 alone `p` would be chosen; `r` is the best on test images
    validation = {"p": (0.9, 0.1), "q": (0.7, 0.8), "r": (0.3, 0.4), "s": (0.6, 0.8)}
    runs = {
        (name, seed): finished(tmp_path, name, seed, 9.0 if name == "r" else 1.0, validation=x)
        for name, accuracies in validation.items()
        for seed, x in enumerate(accuracies)
    }
    candidates = [runs[name, 0] for name in validation]
    groups = [{"points": list(validation), "best": 2}]
    asked = [path for (_, seed), (path, _) in runs.items() if seed == 1]
    metrics_path, path = combine(tmp_path, candidates, groups=groups, validation=asked)
    expected = mean_of([runs["q", 0], runs["s", 0]], "test")
    assert np.allclose(hdf5.read_predictions(path)[0], expected, atol=1e-7)
    assert metrics_file.read(metrics_path)["made_of"] == (
        "mean of q, s (2 networks); chosen on validation images: the 2 best of 4 values"
    )


def test_runs_of_other_images_have_no_mean(tmp_path):
    runs = [finished(tmp_path, "a", 0), finished(tmp_path, "b", 0, n=81)]
    with pytest.raises(UserError, match="b/seed0/predictions.h5: its validation images are not"):
        combine(tmp_path, runs)


def described(name, **more):
    return variant(name) | {"one_network": False, "combines": None} | more


def test_a_mean_over_seeds_speaks_of_one_network_and_the_summary_says_what_it_is(tmp_path):
    runs = [finished(tmp_path, "a", seed, n=300) for seed in (0, 1, 2)]
    mean = combine(tmp_path, runs, over="seeds")
    rows = [described("a"), described("mean", one_network=True, label="Mean of all seeds")]
    every = [*runs, mean]
    frame = aggregate.summarize(rows, every)
    assert frame["interval_of"].tolist() == ["variant", "network"]
    assert frame["n_seeds"].tolist() == [3, 1] and frame["made_of"][0] == ""
    assert np.isnan(frame["generalization_gap_mean"][1])
    told = "\n".join(notes.of_results(frame, "shapes", set()))
    assert "Mean of all seeds: mean of a with seeds 0, 1, 2 (3 networks)." in told
    assert "3 seeds a variant" in told and "Mean of all seeds: one mean of all seeds, so" in told
    assert "each once" in "\n".join(notes.of_costs(frame))
    compared = {"name": "c", "title": "C", "variants": ["a", "mean"]}
    pair = paired_tests.compare([compared], rows, every).iloc[0]
    assert pair["speaks_of"] == "networks" and pair["test"] == "McNemar"
    assert "one network against mean of a with seeds 0, 1, 2" in pair["differs"]
    assert "seeds" not in pair["differs"].replace("with seeds 0, 1, 2", "")
    # its networks were trained once
    content = [atomic_files.read_json(path) for path, _ in every]
    answers = dict(checklist.checklist({}, frame, content))
    assert f"{(2 + 3 + 4) / 3600:.2f} hours" in answers["Compute"]
    assert "1 of them are means" in answers["Runs"]


def test_means_of_networks_that_differ_are_not_called_unequal_in_what_they_differ_in(tmp_path):
    runs = [finished(tmp_path, name, seed) for name in "ab" for seed in (0, 1)]
    means = [combine(tmp_path, runs[seed::2], seed=seed) for seed in (0, 1)]
    mixed = {"budget": {"epochs": None, "patience": None}, "training": {"batch_size": None,
             "learning_rate": None, "class_weights": None}}  # fmt: skip
    rows = [described("a"), described("mean", **mixed)]
    frame = aggregate.summarize(rows, [*runs[:2], *means])
    assert frame["budget_epochs"].isna().tolist() == [False, True]
    compared = {"name": "c", "title": "C", "variants": ["a", "mean"]}
    pair = paired_tests.compare([compared], rows, [*runs[:2], *means]).iloc[0]
    assert pair["differs"] == "predictions one network against mean of a, b (2 networks)"
    assert pair["speaks_of"] == "variants" and pair["n_seeds"] == 2


# -- the best values of a sweep ----------------------------------------------------------------


def swept(folder, best):
    """A sweep with ranks 3, 1, 2 on validation images; by test images they would be 1, 2, 3."""
    rows, runs = [], []
    for name, validation, sharp in (("p", 0.5, 9.0), ("q", 0.7, 3.0), ("r", 0.6, 1.0)):
        rows.append(described(f"rates__{name}", sweep="rates", values={"x.y": name}, best=best))
        runs += [
            finished(folder, f"rates__{name}", s, sharp, validation=validation) for s in (0, 1)
        ]
    rows.insert(0, described("plain"))
    return rows, [*runs, finished(folder, "plain", 0)]


def test_as_many_values_as_asked_for_have_rows_by_their_rank_on_validation_images(tmp_path):
    rows, runs = swept(tmp_path, best=2)
    frame = aggregate.summarize(rows, runs)
    assert frame["rank"].fillna(0).tolist() == [0, 3, 1, 2]
    assert frame["tried"].fillna(0).tolist() == [0, 3, 3, 3]
    assert frame["selected"].tolist() == [True, False, True, False]  # the result is one
    assert aggregate.shown(frame)["variant"].tolist() == ["plain", "rates__q", "rates__r"]
    compared = {"name": "c", "title": "C", "variants": ["plain", "rates"]}
    pairs = paired_tests.compare([compared], rows, runs)
    assert pairs["variant"].tolist() == ["rates__q"]
    one = aggregate.summarize(swept(tmp_path, best=1)[0], runs)
    assert aggregate.shown(one)["variant"].tolist() == ["plain", "rates__q"]


@pytest.mark.parametrize("best", [1, 2])
def test_the_summary_says_how_many_configurations_were_tried(tmp_path, best):
    rows, runs = swept(tmp_path, best)
    frame = aggregate.summarize(rows, runs)
    paths = tmp_path / "s.csv", tmp_path / "s.md"
    summary.write_summary(frame, rows, *paths, {"name": "s"}, {})
    results, rest = paths[1].read_text().split("\n## Costs\n")
    assert "| rates__q | corrected | 1 of 3 |" in results
    assert ("| rates__r | corrected | 2 of 3 |" in results) == (best == 2)
    assert "rates__p" not in results
    words = "the best of 3" if best == 1 else "the 2 best of 3"
    assert f"rates: {words} configurations on validation images" in results
    assert "too high by chance" in results
    values = [
        line for line in rest.splitlines() if line.startswith("| rates__") and "| 60.0 |" in line
    ]
    assert values[0].endswith("| 2 | shown |" if best == 2 else "| 2 |  |")
    table = pandas.read_csv(paths[0])
    assert table["tried"].dropna().tolist() == [3, 3, 3]
    (grid,) = tables.summary_tables(frame, rows)
    assert grid.header[2] == "on validation"


def test_ranks_are_those_of_the_means_and_the_first_of_equals_comes_first():
    assert sweep_selection.ranked([[0.1, 0.3], [0.5, 0.4], [0.4, 0.5], [0.2, 0.2]]) == [1, 2, 0, 3]
