"""Data sets with folds in a config: their runs, their files, and what is refused."""

import pytest
from configs import checked, refused, selected

from convstudy.foundation import fold_names
from convstudy.study import folds

FOLDED = {"datasets__demo_objects__folds": 3}


def test_a_row_has_runs_of_every_fold_and_seed():
    study = selected(checked(**FOLDED, studies__demo__seeds=[4, 7]))
    row, head = study.rows_named("base_net")[0], study.rows_named("features_one_layer")[0]
    assert (row["dataset"], row["folds"], head["folds"]) == ("demo_objects", 3, None)
    assert study.files("metrics.json", [row, head]) == [
        *(
            f"results/runs/demo_objects-fold{fold}/base_net/seed{seed}/metrics.json"
            for fold in (0, 1, 2)
            for seed in (4, 7)
        ),
        *(f"results/runs/demo_birds/features_one_layer/seed{seed}/metrics.json" for seed in (4, 7)),
    ]
    assert study.runs_of(row) == [(0, 4), (0, 7), (1, 4), (1, 7), (2, 4), (2, 7)]
    assert study.runs_of(head) == [4, 7]
    assert study.run("demo_objects-fold2", "base_net") == row


def test_the_summary_says_that_there_are_folds_and_what_that_means():
    (note,) = [x for x in selected(checked(**FOLDED)).spec()["study"]["notes"] if "fold" in x]
    assert note.startswith("demo_objects: cross-validation with 3 folds, the same for each of 1 s")
    assert "every image tests once a seed" in note and "no unbiased estimate" in note
    assert not [x for x in selected(checked()).spec()["study"]["notes"] if "fold" in x]


def test_names_of_folds_are_no_names_of_data_sets():
    datasets = checked(**FOLDED)["datasets"]
    trained = folds.trained_on(datasets)
    assert "demo_objects-fold2" in trained and "demo_objects" not in trained
    assert "demo_birds" in trained and folds.having(datasets) == ["demo_objects"]
    assert fold_names.parted("a_fold-fold12") == ("a_fold", 12)
    for name in ("a", "fold1", "a-fold", "a-foldx", "-fold1"):
        assert fold_names.parted(name) == (name, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"datasets__demo_objects__folds": 1}, ["datasets.demo_objects.folds: 1", "2"]),
        ({"datasets__demo_objects__folds": 2.5}, ["datasets.demo_objects.folds", "2.5"]),
        (
            FOLDED | {"datasets__demo_objects__max_test_per_class": 5},
            ["datasets.demo_objects.max_test_per_class: 5", "every image tests once"],
        ),
        (
            FOLDED | {"variants__base_net__sweep": {"training.learning_rate": [0.1, 0.01]}},
            ["'base_net' is a sweep", "'demo_objects' has folds", "test in another fold"],
        ),
        (
            FOLDED | {"studies__demo__replicates": {"until": {"half_width": 0.01}, "at_most": 6}},
            ["studies.demo.replicates", "'demo_objects' has folds", "list `seeds`"],
        ),
        (
            {"datasets__demo_other_species__folds": 3},
            ["'pretrain_species' is trained on 'demo_other_species'", "folds: 3", "without folds"],
        ),
    ],
)
def test_what_does_not_go_with_folds_is_refused(change, words):
    refused(change, *words)
