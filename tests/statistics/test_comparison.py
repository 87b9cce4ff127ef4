"""The summary of a study, and its statistics against theory."""

import numpy as np
import pandas
import pytest
from run_files import CLASSES, variant, write_run

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report import notes, summary
from convstudy.statistics import aggregate, paired_tests


@pytest.fixture
def study(tmp_path):
    reference = {"loss": 2.9, "accuracy": 0.35}
    variants = [
        variant("zebra", reference=reference | {"dataset": "shapes"}),
        variant("ant", reference=reference | {"dataset": "cifar100_25"}),
        variant("mole"),
    ]
    accuracies = {"mole": 0.8, "ant": 0.6, "zebra": 0.5}
    runs = [
        write_run(tmp_path, name, seed, accuracy)
        for name, accuracy in accuracies.items()
        for seed in (2, 0, 1)
    ]
    return variants, runs


def test_rows_follow_the_config_and_columns_are_fixed(study):
    frame = aggregate.summarize(*study)
    assert list(frame["variant"]) == ["zebra", "ant", "mole"]
    assert list(frame.columns) == aggregate.COLUMNS
    promised = (
        "variant dataset model generator n_seeds test_loss_mean test_accuracy_mean "
        "test_accuracy_std test_accuracy_ci_low test_accuracy_ci_high top5_accuracy_mean "
        "ece_mean epochs_mean parameters train_seconds_mean reference_loss reference_accuracy"
    )
    assert frame.columns[:17].tolist() == promised.split()


def test_means_and_deviations(study):
    variants, runs = study
    row = aggregate.summarize(variants, runs).iloc[2]
    found = [atomic_files.read_json(path)["test_accuracy"] for path, _ in runs[:3]]
    assert row["n_seeds"] == 3
    assert row["test_accuracy_mean"] == pytest.approx(np.mean(found))
    assert row["test_accuracy_std"] == pytest.approx(np.std(found, ddof=1))
    assert row["test_accuracy_ci_low"] < row["test_accuracy_mean"] < row["test_accuracy_ci_high"]
    assert row["generalization_gap_mean"] == pytest.approx(0.9 - np.mean(found))
    assert (row["epochs_mean"], row["train_seconds_mean"]) == (11, 3)
    assert row["train_peak_memory_mib_max"] == 102
    labels = np.random.default_rng(0).integers(CLASSES, size=300)
    assert row["majority_accuracy"] == pytest.approx(np.bincount(labels).max() / 300)
    assert row["interval_of"] == "variant"
    assert row["versions"] == "keras 3.0, numpy 2.0"


def test_reference_only_on_the_same_data(study):
    frame = aggregate.summarize(*study).set_index("variant")
    assert frame.loc["zebra", "reference_accuracy"] == 0.35
    assert np.isnan(frame.loc["ant", "reference_accuracy"])
    assert np.isnan(frame.loc["mole", "reference_loss"])


def test_mixed_versions_are_joined(tmp_path):
    runs = [write_run(tmp_path, "ant", seed, 0.5, numpy=f"2.{seed}") for seed in (0, 1)]
    row = aggregate.summarize([variant("ant")], runs).iloc[0]
    assert row["versions"] == "keras 3.0, numpy 2.0 | keras 3.0, numpy 2.1"
    assert row["threads"] == "1"


def test_mixed_threads_are_joined(tmp_path):
    runs = [write_run(tmp_path, "ant", seed, 0.5, threads=2 - seed) for seed in (0, 1)]
    assert aggregate.summarize([variant("ant")], runs).iloc[0]["threads"] == "1 | 2"


def test_seeds_of_several_devices_are_joined_and_the_summary_says_so(tmp_path):
    gpu = "NVIDIA Test 9000"
    one = [write_run(tmp_path, "ant", seed, 0.5, device=gpu) for seed in (0, 1)]
    same = aggregate.summarize([variant("ant")], one)
    assert same.iloc[0]["device"] == gpu
    assert "different devices" not in " ".join(notes.of_results(same, "shapes", set()))
    other = [write_run(tmp_path, "ant", 2, 0.5, device="cpu")]
    mixed = aggregate.summarize([variant("ant")], [*one, *other])
    assert mixed.iloc[0]["device"] == f"{gpu} | cpu"
    said = " ".join(notes.of_results(mixed, "shapes", set()))
    assert f"different devices ({gpu} / cpu), those of ant even within a row" in said


def test_variants_of_several_devices_are_told_but_for_heads_on_features(tmp_path):
    runs = [
        write_run(tmp_path, name, 0, 0.5, device=device)
        for name, device in {"ant": "NVIDIA Test 9000", "mole": "cpu"}.items()
    ]
    frame = aggregate.summarize([variant("ant"), variant("mole")], runs)
    assert "different devices (NVIDIA Test 9000 / cpu): " in " ".join(
        notes.of_results(frame, "shapes", set())
    )
    frame["backbone_parameters"] = [0, 1000]
    assert "different devices" not in " ".join(notes.of_results(frame, "shapes", set()))


def test_a_run_from_before_devices_were_recorded_is_kept(tmp_path):
    path, predictions = write_run(tmp_path, "ant", 0, 0.5)
    about = atomic_files.read_json(path)
    del about["evaluate_device"], about["provenance"]["device"]
    atomic_files.write_json(path, about)
    frame = aggregate.summarize([variant("ant")], [(path, predictions)])
    assert frame.iloc[0]["device"] == "unknown"


def test_summary_does_not_depend_on_other_variants_or_the_order_of_runs(study):
    variants, runs = study
    whole = aggregate.summarize(variants, runs[::-1])
    alone = aggregate.summarize(variants[1:2], runs)
    pandas.testing.assert_frame_equal(whole.iloc[1:2].reset_index(drop=True), alone)


def test_missing_and_foreign_runs_are_named(study, tmp_path):
    variants, runs = study
    with pytest.raises(UserError, match="'fox'.*'shapes'"):
        aggregate.summarize([variant("fox")], runs)
    other = write_run(tmp_path / "other", "ant", 0, 0.1)
    with pytest.raises(UserError, match="different runs"):
        aggregate.summarize(variants, [(runs[0][0], other[1])])


def test_one_seed_has_no_deviation_and_a_binomial_interval(tmp_path):
    runs = [write_run(tmp_path, "ant", 0, 0.45, n=2500)]
    row = aggregate.summarize([variant("ant")], runs).iloc[0]
    assert np.isnan(row["test_accuracy_std"])
    width = (row["test_accuracy_ci_high"] - row["test_accuracy_ci_low"]) / 2
    mean = row["test_accuracy_mean"]
    assert width == pytest.approx(1.96 * np.sqrt(mean * (1 - mean) / 2500), rel=0.01)
    assert row["interval_of"] == "network"


def test_differences_are_paired(study):
    variants, runs = study
    declared = [
        {"name": "pair", "title": "Ant or mole", "variants": ["ant", "mole", "unknown", "zebra"]},
        {"name": "lonely", "title": "Nothing to compare", "variants": ["ant", "unknown"]},
    ]
    found = paired_tests.compare(declared, variants, runs)
    assert list(found["variant"]) == ["mole", "zebra"]
    assert set(found["baseline"]) == {"ant"}
    frame = aggregate.summarize(variants, runs).set_index("variant")
    mole = found.iloc[0]
    expected = frame.loc["mole", "test_accuracy_mean"] - frame.loc["ant", "test_accuracy_mean"]
    assert mole["difference"] == pytest.approx(expected)
    assert mole["ci_low"] < mole["difference"] < mole["ci_high"]
    assert (mole["speaks_of"], mole["n_seeds"]) == ("variants", 3)
    assert mole["conclusion"].startswith("mole is better than ant by ")
    gain = mole["variant_only_right"] - mole["baseline_only_right"]
    by_seed = {
        atomic_files.read_json(path)["variant"]: path for path, _ in runs if "seed0" in str(path)
    }
    accuracies = {k: atomic_files.read_json(path)["test_accuracy"] for k, path in by_seed.items()}
    assert gain / 300 == pytest.approx(accuracies["mole"] - accuracies["ant"])
    assert (found["p_holm"] >= found["p"]).all()
    assert set(found["differs"]) == {""}


def write(study, folder):
    variants, runs = study
    frame = aggregate.summarize(variants, runs)
    declared = [{"name": "pair", "title": "Ant or mole", "variants": ["ant", "mole"]}]
    summary.write_summary(
        frame,
        variants,
        folder / "summary.csv",
        folder / "summary.md",
        {
            "name": "demo",
            "title": "A small study",
            "notes": ["The images are drawn."],
            "protocols": {"corrected": "what it does."},
        },
        {"Curves": [("ant's curves", "plots/ant 1.png")]},
        paired_tests.compare(declared, variants, runs),
    )
    return folder / "summary.csv", folder / "summary.md"


def test_written_summary(study, tmp_path):
    csv, md = write(study, tmp_path / "out")
    again = write(study, tmp_path / "again")
    assert csv.read_bytes() == again[0].read_bytes()
    assert md.read_bytes() == again[1].read_bytes()
    frame = pandas.read_csv(csv)
    assert list(frame.columns) == aggregate.COLUMNS
    assert ",,," in csv.read_text().splitlines()[3]  # mole: no reference, no backbone
    assert frame["parameters"].tolist() == [1234] * 3
    text = md.read_text()
    for piece in (
        "# A small study",
        "> The images are drawn.",
        "| mole | corrected |",
        "* **corrected**: what it does.",
        "published (on its own data)",
        "cifar100_25",
        "Ant or mole (against ant, on shapes)",
        "minimum detectable effect",
        "![ant's curves](plots/ant%201.png)",
    ):
        assert piece in text


def test_markdown_tables_are_rectangular(study, tmp_path):
    _, md = write(study, tmp_path)
    lines = [line for line in md.read_text().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {18, 11, 9}


def test_practical_on_its_own_data_stands_beside_ours(tmp_path):
    runs = [write_run(tmp_path, "ant", 0, 0.5)]
    reference = {"loss": 2.9, "accuracy": 0.35, "dataset": "shapes"}
    variants = [variant("ant", reference=reference)]
    frame = aggregate.summarize(variants, runs)
    paths = tmp_path / "s.csv", tmp_path / "s.md"
    summary.write_summary(frame, variants, *paths, {"name": "practica"}, {})
    assert "published: accuracy %" in paths[1].read_text()
    assert "its own data" not in paths[1].read_text()
    assert "With one seed" in paths[1].read_text()
    assert "nan" not in paths[1].read_text()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("test_ece", None),
        ("test_ece", -1),
        ("parameters", 1e300),
        ("epochs_run", "ten"),
        ("seed", 0.5),
        ("dataset", ["shapes"]),
        ("n_classes", 0),
        ("test_per_class_accuracy", [0.5]),
        ("test_ece_floor_high", "small"),
        ("provenance", "none"),
        ("provenance", {"versions": {"numpy": 2}, "threads": 1, "git_commit": None}),
    ],
)
def test_a_changed_metrics_file_is_named_with_its_key(tmp_path, key, value):
    metrics_path, predictions = write_run(tmp_path, "mole", 0, 0.5)
    atomic_files.write_json(metrics_path, atomic_files.read_json(metrics_path) | {key: value})
    with pytest.raises(UserError, match=f"metrics.json: '{key}' is "):
        aggregate.summarize([variant("mole")], [(metrics_path, predictions)])


def test_predictions_of_another_shape_are_named(tmp_path):
    metrics_path, predictions = write_run(tmp_path, "mole", 0, 0.5)
    hdf5.write_predictions(predictions, {"test": (np.zeros(5), np.zeros(5))})
    with pytest.raises(UserError, match="predictions.h5: cannot be read"):
        aggregate.summarize([variant("mole")], [(metrics_path, predictions)])
