"""Variants whose weights are computed: what their runs are, and what cannot be asked of them."""

from configs import checked, refused, selected

from convstudy.report import settings

STUDY = {"studies__demo__variants": ["features_logistic_regression", "features_one_layer"]}
HEAD = "features_logistic_regression"


def row(**changes):
    return selected(checked(**STUDY, **changes)).rows_named(HEAD)[0]


def test_no_setting_of_epochs_is_part_of_the_run():
    plain = row()
    assert plain["training"] == {} and plain["switches"] == {}
    assert plain["solver"]["solver"]["standardize"] is True
    others = {"epochs": 3, "patience": 2, "learning_rate": 0.5, "batch_size": 8}
    changed = row(**{f"training__{key}": value for key, value in others.items()})
    assert changed == plain
    task = {"dataset": "demo_birds", "backbone": "resnet50_demo", "max_epochs": 2}
    assert row(studies__demo__tasks={"birds": task}) == plain
    assert row(training__class_weights="balanced")["training"] == {"class_weights": "balanced"}
    assert row(models__logistic_regression={"kind": "logistic_regression", "l2": 0.1}) != plain


def test_tables_show_no_setting_that_it_does_not_use():
    study = selected(checked(**STUDY))
    solved, trained = study.spec()["rows"]
    shown = settings.settings(solved)
    assert solved["solved"] and not trained["solved"]
    assert {
        k for k, v in shown.items() if k.startswith(("training", "budget")) and v != "–"
    } == set()
    assert "training.learning_rate" in settings.settings(trained)
    assert shown["model_options.max_iterations"] == "1000"


def test_it_has_one_run_whatever_the_number_of_seeds():
    study = selected(checked(**STUDY, studies__demo__seeds=[4, 5, 6]))
    solved, trained = study.rows
    assert (study.runs_of(solved), study.runs_of(trained)) == ([4], [4, 5, 6])
    assert [x.split("/")[-2] for x in study.files("run.json", [solved])] == ["seed4"]
    assert len(study.files("run.json")) == 4
    told = [note for note in study.spec()["study"]["notes"] if HEAD in note]
    assert len(told) == 1 and "one run" in told[0] and "no learning curve" in told[0]
    curves = [path for _, path in study.pictures()["Learning curves"]]
    assert [HEAD in path for path in curves] == [False]


def test_with_folds_it_has_one_run_a_fold():
    changes = {"studies__demo__seeds": [0, 1], "datasets__demo_birds__folds": 3}
    solved = selected(checked(**STUDY, **changes)).rows[0]
    study = selected(checked(**STUDY, **changes))
    assert study.runs_of(solved) == [(0, 0), (1, 0), (2, 0)]
    assert len(study.files("run.json", [solved])) == 3


def test_the_protocol_says_what_is_kept_of_it():
    (words,) = selected(checked(**STUDY)).spec()["study"]["protocols"].values()
    assert f"the solution with the best validation accuracy is kept ({HEAD})" in words
    assert f"computed, without epochs ({HEAD})" in words


def test_settings_that_it_would_not_use_are_refused():
    block = {"task": "birds", "model": "logistic_regression"}
    for training in ({"epochs": 3}, {"learning_rate": 0.1}):
        change = {f"variants__{HEAD}": block | {"training": training}}
        refused(STUDY | change, f"variants.{HEAD}.training.", "computed", "class_weights alone")
    swept = {f"variants__{HEAD}": block | {"sweep": {"training.learning_rate": [0.1, 0.2]}}}
    refused(STUDY | swept, f"variants.{HEAD}", "computed")
    refused(STUDY | {"studies__demo__limits": {HEAD: 3}}, f"limits.{HEAD}", "computed")


def test_its_options_can_be_swept():
    block = {"task": "birds", "model": "logistic_regression", "sweep": {"model.l2": [0.1, 0.01]}}
    rows = selected(checked(**STUDY, **{f"variants__{HEAD}": block})).rows_named(HEAD)
    assert [x["solver"]["solver"]["l2"] for x in rows] == [0.1, 0.01]


def test_strengths_must_be_above_zero():
    for l2 in (0, [], [0.1, -1], "strong"):
        model = {"kind": "logistic_regression", "l2": l2}
        refused({"models__logistic_regression": model}, "models.logistic_regression.l2")


def test_a_network_of_keras_from_scratch_is_named_and_large_enough():
    def named(name, side):
        return {
            "models__deep": {"kind": "application", "name": name},
            "variants__deep": {"task": "objects", "model": "deep", "generator": "normalize"},
            "studies__demo__variants": ["deep"],
            "datasets__demo_objects__image_size": [side, side],
        }

    refused(named("resnet50", 32), "models.deep.name", "Did you mean 'ResNet50'?")
    refused(named("Xception", 70), "image_size: [70, 70] is too small for Xception", "71")
    assert selected(checked(**named("Xception", 71))).rows[0]["backbone"] is None
