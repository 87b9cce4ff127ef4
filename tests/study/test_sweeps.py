"""Sweeps: the variants they become, their names, the choice among them, tables and the picture."""

import numpy as np
import pandas
import pytest
from configs import SCHEMA, checked, refused, selected
from run_files import variant, write_run

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report import summary
from convstudy.report.plots import sweep as picture
from convstudy.statistics import aggregate, metrics, paired_tests, sweep_selection
from convstudy.study import studies, sweeps
from convstudy.study import validation as settings


def study(**changes):
    """The demo with a swept variant alone, or with other changes."""
    head = {"task": "birds", "model": "head_two_layers", "sweep": changes.pop("sweep")}
    changes = {"studies__demo__variants": ["swept"], "variants__swept": head} | changes
    config = checked(**changes)
    return config, selected(config)


RATES = {"training.learning_rate": [0.1, 0.03, 1e-5]}


def test_each_value_becomes_a_variant_with_its_value_in_the_name():
    _, resolved = study(sweep=RATES)
    rates = {row["variant"]: row["training"]["learning_rate"] for row in resolved.rows}
    assert rates == {
        "swept__learning_rate_0p1": 0.1,
        "swept__learning_rate_0p03": 0.03,
        "swept__learning_rate_1em05": 1e-5,
    }
    assert {row["sweep"] for row in resolved.rows} == {"swept"}
    assert {row["model"] for row in resolved.rows} == {"head_two_layers"}  # one random start


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0p25"), (30, "30"), (-1.5, "m1p5"), (True, "true"), (None, "null"), (2.0, "2"),
     ([512, 64], "512_64"), ([], "empty"), ("conv4 block/6", "conv4_block_6")],
)  # fmt: skip
def test_values_in_names_are_safe_for_files(value, text):
    assert sweeps.token("model.x", value) == f"x_{text}"


def test_several_parameters_are_their_grid():
    grid = {"model.dropout": [0.0, 0.5], "training.batch_size": [8, 16]}
    config, resolved = study(sweep=grid)
    names = [row["variant"] for row in resolved.rows]
    assert names == [f"swept__dropout_{d}__batch_size_{b}" for d in ("0", "0p5") for b in (8, 16)]
    assert [row["options"]["dropout"] for row in resolved.rows] == [0.0, 0.0, 0.5, 0.5]
    # a model with another option is another model, with initial weights of its own
    assert resolved.rows[2]["model"] == "head_two_layers__dropout_0p5"
    assert config["models"]["head_two_layers__dropout_0p5"]["hidden"] == [1024]


def test_a_cut_is_made_in_the_backbone_of_the_study():
    config, resolved = study(sweep={"backbone.cut": ["conv4_block6_out", None]})
    first, second = resolved.rows
    assert first["backbone_name"] == "resnet50_demo__cut_conv4_block6_out"
    assert config["backbones"][first["backbone_name"]]["cut"] == "conv4_block6_out"
    assert second["backbone"] == config["backbones"]["resnet50_demo"] | {"cut": None}


def test_another_value_changes_no_other_run():
    _, few = study(sweep=RATES)
    _, more = study(sweep={"training.learning_rate": [0.5, 0.1, 0.3, 0.03, 1e-5]})
    kept = {row["variant"]: row for row in more.rows}
    assert all(kept[row["variant"]] == row for row in few.rows)
    assert len(kept) == 5


def test_a_sweep_runs_under_each_protocol_and_is_compared_by_its_name():
    _, resolved = study(
        sweep=RATES,
        studies__demo__variants=["swept", "features_one_layer"],
        studies__demo__protocols=["practical", "corrected"],
        studies__demo__limits={"swept": 5, "swept__practical": 4},
        studies__demo__comparisons=["heads"],
        comparisons__heads={"title": "Heads", "variants": ["swept", "features_one_layer"]},
    )
    assert resolved.sweeps() == ["swept__practical", "swept"]
    assert resolved.results()[2:] == ["features_one_layer__practical", "features_one_layer"]
    lengths = {row["sweep"]: row["training"]["epochs"] for row in resolved.rows[:6]}
    assert lengths == {"swept__practical": 4, "swept": 5}
    assert resolved.rows[0]["variant"] == "swept__practical__learning_rate_0p1"
    assert [c["name"] for c in resolved.comparisons()] == ["heads", "heads__practical"]
    rows = [row["variant"] for row in resolved.rows_of("heads")]
    assert rows == [f"swept__learning_rate_{x}" for x in ("0p1", "0p03", "1em05")] + [
        "features_one_layer"
    ]


def test_pictures_are_one_a_sweep_and_the_choice_is_told():
    _, resolved = study(sweep=RATES)
    pictures = resolved.report_pictures()
    assert pictures["Sweeps"] == [("swept", "results/studies/demo/plots/sweep_swept.png")]
    assert pictures["Calibration"] == [
        ("swept", "results/studies/demo/plots/reliability_swept.png")
    ]
    told = resolved.spec()["study"]["hyperparameters"]
    assert "validation" in told and "swept: 3 values of training.learning_rate" in told
    _, plain = study(sweep={}, studies__demo__variants=["base_net"])
    assert plain.spec()["study"]["hyperparameters"] == ""


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        (
            {"training.lerning_rate": [0.1]},
            ["sweep.training.lerning_rate", "'training.learning_rate'"],
        ),
        ({"training.learning_rate": [0.1, -1]}, ["sweep.training.learning_rate", "-1"]),
        ({"training.learning_rate": 0.1}, ["sweep.training.learning_rate", "0.1"]),
        ({"training.learning_rate": [0.1, 0.1]}, ["sweep.training.learning_rate", "non-unique"]),
        ({"learning_rate": [0.1]}, ["swept.sweep.learning_rate", "Write training.learning_rate."]),
        ({"model.dropuot": [0.1]}, ["swept.sweep.model.dropuot", "'model.dropout'"]),
        ({"model.dropout": [0.1, 1.5]}, ["swept.sweep.model.dropout", "1.5"]),
        ({"backbone.ctu": ["x"]}, ["swept.sweep.backbone.ctu", "'backbone.cut'"]),
        ({"backbone.cut": ["a.b", "a_b"]}, ["swept.sweep", "cut_a_b"]),
        ({"generator.horizontal_flip": [True, False]}, ["generator.horizontal_flip", "uses no"]),
    ],
)
def test_bad_sweeps_are_refused(sweep, words):
    head = {"task": "birds", "model": "head_two_layers", "sweep": sweep}
    refused({"variants__swept": head}, *words)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "training.epochs: 50 .* 30"),  # max_epochs of the demo's birds
        ({"studies__demo__limits": {"swept": 5}}, "training.epochs: 10 .* 5"),
    ],
)
def test_values_that_a_study_s_limits_would_cut_are_refused(limits, words):
    with pytest.raises(UserError, match=f"variants.swept.sweep.{words}"):
        study(sweep={"training.epochs": [10, 50]}, **limits)


def test_no_patience_is_a_value_too():
    _, resolved = study(sweep={"training.patience": [None, 3]})
    first, second = (row["training"] for row in resolved.rows)
    assert (first["patience"], second["patience"]) == (first["epochs"], 3)


def test_options_of_a_generator_that_the_study_gives_are_checked():
    swept = {"task": "objects", "model": "base_net", "generator": "normalize"}
    swept["sweep"] = {"generator.width_shift": [0.0, 0.1]}
    changes = {"variants__swept": swept, "studies__demo__variants": ["swept"]}
    studies.resolve(checked(**changes))
    with pytest.raises(UserError, match="generators.whiten__width_shift_0.*width_shift"):
        studies.resolve(checked(studies__demo__generators={"swept": "whiten"}, **changes))


def test_names_that_a_sweep_takes_are_refused():
    head = {"task": "birds", "model": "head_two_layers", "sweep": {"training.batch_size": [8, 16]}}
    config = checked()
    config["variants"] |= {
        "x": head,
        "x__batch_size_8": {"task": "birds", "model": "head_one_layer"},
    }
    with pytest.raises(UserError, match="x__batch_size_8.*also the name of 'x'"):
        settings.validate(config, SCHEMA)


# -- the choice --------------------------------------------------------------------------------


def point(folder, name, validation, test, seeds=(0, 1)):
    """Runs whose validation and test accuracies are given."""
    runs = []
    for seed in seeds:
        paths = write_run(folder, name, seed, test)
        content = atomic_files.read_json(paths[0]) | {
            "validation_accuracy": validation + 0.01 * seed
        }
        atomic_files.write_json(paths[0], content)
        runs.append(paths)
    return runs


@pytest.fixture
def swept(tmp_path):
    """A sweep in which the best value on validation images is the worst on test images."""
    given = {"0p1": (0.5, 0.9), "0p03": (0.7, 0.4), "0p01": (0.6, 0.8)}
    variants, runs = [], []
    for text, (validation, test) in given.items():
        value = float(text.replace("p", "."))
        about = {"sweep": "rates", "values": {"training.learning_rate": value}}
        variants.append(variant(f"rates__learning_rate_{text}") | about)
        runs += point(tmp_path, variants[-1]["variant"], validation, test)
    variants.append(variant("plain"))
    return variants, runs + point(tmp_path, "plain", 0.99, 0.5)


def test_the_choice_is_made_on_validation_and_never_on_test(swept):
    frame = aggregate.summarize(*swept).set_index("variant")
    assert frame["selected"].tolist() == [False, True, False, True]
    assert frame["sweep"].isna().tolist() == [False, False, False, True]
    assert frame["test_accuracy_mean"].idxmax() == "rates__learning_rate_0p1"  # not chosen


def test_the_choice_ignores_every_test_figure(swept):
    variants, runs = swept
    before = aggregate.summarize(variants, runs)["selected"].tolist()
    for path, predictions in runs:
        content = atomic_files.read_json(path)
        probabilities, labels = hdf5.read_predictions(predictions)
        flipped = np.roll(probabilities, 1, axis=1)
        hdf5.write_predictions(predictions, {"test": (flipped, labels)})
        found = metrics.evaluate(flipped, labels)
        atomic_files.write_json(path, content | {f"test_{key}": x for key, x in found.items()})
    assert aggregate.summarize(variants, runs)["selected"].tolist() == before


def test_the_first_of_equals_is_chosen():
    assert sweep_selection.best([[0.1, 0.3], [0.5, 0.4], [0.4, 0.5], [0.2, 0.2]]) == 1
    assert (
        sweep_selection.best([[0.1, 0.2, 0.3], [0.3, 0.1, 0.2]]) == 0
    )  # equal but for the last bits


def test_a_comparison_with_a_sweep_means_its_choice(swept):
    variants, runs = swept
    names = ["plain", "rates", "rates__learning_rate_0p1"]
    found = paired_tests.compare([{"name": "c", "title": "C", "variants": names}], variants, runs)
    assert found["variant"].tolist() == ["rates__learning_rate_0p03", "rates__learning_rate_0p1"]
    assert found["difference"].iloc[0] < 0 < found["difference"].iloc[1]


def test_files_of_the_best_point_are_taken(swept):
    _, runs = swept
    metrics_paths, predictions = zip(*runs[:6], strict=True)
    assert sweep_selection.of_best(predictions, metrics_paths, 2) == list(predictions[2:4])
    assert sweep_selection.of_best(predictions[:2], [], 2) == list(predictions[:2])


def test_the_summary_has_one_result_a_sweep_and_a_table_of_its_values(swept, tmp_path):
    variants, runs = swept
    frame = aggregate.summarize(variants, runs)
    paths = tmp_path / "s.csv", tmp_path / "s.md"
    summary.write_summary(frame, variants, *paths, {"name": "s"}, {"Sweeps": [("r", "r.png")]})
    results, values = paths[1].read_text().split("## Sweeps\n")
    assert "rates__learning_rate_0p03" in results and "plain" in results
    assert "0p1" not in results and "0p01" not in results
    for text in ("### Sweep rates (on shapes)", "Chosen among 3 values", "![r](r.png)"):
        assert text in values
    chosen = [line for line in values.splitlines() if line.endswith("| chosen |")]
    assert len(chosen) == 1 and "| 0.03 | 70.5 |" in chosen[0]
    table = pandas.read_csv(paths[0])
    assert {"sweep", "selected", "threads"} <= set(table.columns)
    assert table["selected"].sum() == 2


# -- the picture -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "scale", "labels"),
    [
        ([0.1, 0.01, 0.001], "log", ["0.001", "0.01", "0.1"]),
        ([0.2, 0.5, 0.8], "linear", ["0.2", "0.5", "0.8"]),
        ([0.0, 1.0, 100.0], "linear", ["0", "1", "100"]),
        (["late", None, "early"], "linear", ["late", "None", "early"]),
        ([True, False], "linear", ["True", "False"]),
    ],
)
def test_rates_stand_on_a_log_axis_and_names_in_their_order(values, scale, labels):
    places, found, (ticks, texts) = picture.axis_of(values)
    assert (found, texts) == (scale, labels)
    assert sorted(set(places)) == list(ticks)


def test_the_picture_appears_and_is_the_same_bytes_twice(tmp_path):
    points = [{"training.learning_rate": r, "model.d": d} for r in (0.1, 0.01) for d in (0, 1)]
    rng = np.random.default_rng(0)
    accuracies = [{s: rng.random(3).tolist() for s in ("validation", "test")} for _ in points]
    pictures = []
    for name in ("a", "b"):
        outputs = [tmp_path / f"{name}.png", tmp_path / f"{name}.svg"]
        picture.plot(points, accuracies, 2, "A sweep", 0, outputs)
        pictures.append([path.read_bytes() for path in outputs])
    assert pictures[0] == pictures[1]
    assert pictures[0][0].startswith(b"\x89PNG")
