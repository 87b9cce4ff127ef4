"""Variants that combine finished runs: what they are made of, and which cannot be."""

import pytest
from configs import checked, from_yaml, refused, selected

from convstudy.foundation.errors import UserError
from convstudy.study import combination_plan, given_files, studies

RATES = {"task": "objects", "model": "base_net", "sweep": {"training.learning_rate": [0.1, 0.01]}}


def combined(names, **more):
    return {"combines": {"variants": names} | more}


def study(variants, rows=None, **changes):
    """The demo with other variants, and the rows that they are."""
    changes = {f"variants__{name}": block for name, block in variants.items()} | changes
    changes.setdefault("studies__demo__seeds", [0, 1])
    return selected(checked(studies__demo__variants=rows or list(variants), **changes))


def test_members_outside_the_study_are_trained_and_are_no_rows():
    made = study({"two": combined(["base_net", "improved_net"])})
    (row,) = made.rows
    assert row["members"] == ["base_net", "improved_net"]
    assert (row["dataset"], row["task"]) == ("demo_objects", "objects")
    assert [x["variant"] for x in made.trained()] == ["base_net", "improved_net"]
    assert combination_plan.sources(row, "demo_objects", 1, "metrics.json") == [
        f"results/runs/demo_objects/{x}/seed1/metrics.json" for x in ("base_net", "improved_net")
    ]
    assert made.files("metrics.json") == [
        f"results/runs/demo_objects/two/seed{seed}/metrics.json" for seed in (0, 1)
    ]
    # what it needs is asked for, and what it has not is not drawn
    assert next(given_files.of(made.config, made))[0] == "datasets.demo_objects.files.archive"
    assert made.pictures()["Learning curves"] == []
    assert list(made.spec()["study"]["protocols"]) == ["corrected"]


def test_what_members_have_in_common_is_said_of_their_mean():
    made = study({"two": combined(["base_net", "base_net_normalize"])})
    row = studies.described(made.rows)[0]
    assert (row["model"], row["generator"]) == ("base_net", "none + normalize")
    assert row["generator_options"] is None and row["model_options"] == {"kind": "base_net"}
    assert row["budget"] == studies.described(made.trained())[0]["budget"]
    made = study({"two": combined(["base_net", "improved_net"])})  # limited to 13 epochs
    assert studies.described(made.rows)[0]["budget"] == {"epochs": None, "patience": 8}


def test_a_mean_over_seeds_is_one_network():
    made = study({"all": combined(["base_net"], over="seeds")}, studies__demo__seeds=[4, 2, 7])
    (row,) = made.rows
    assert made.files("metrics.json") == ["results/runs/demo_objects/all/seed4/metrics.json"]
    assert made.runs_of(row) == [4]
    assert combination_plan.sources(row, "demo_objects", "4", "x") == [
        f"results/runs/demo_objects/base_net/seed{seed}/x" for seed in (4, 2, 7)
    ]


PROBE, HEAD = "features_logistic_regression", "features_one_layer"


def seeds_of(row, seed):
    paths = combination_plan.sources(row, row["dataset"], seed, "x")
    return [tuple(path.split("/")[3:5]) for path in paths]


def test_what_is_computed_takes_part_once_in_the_mean_of_each_seed():
    made = study({"two": combined([PROBE, HEAD])}, studies__demo__seeds=[4, 2])
    (row,) = made.rows
    assert made.runs_of(row) == [4, 2] and not row["one_network"]
    assert seeds_of(row, 2) == [(PROBE, "seed4"), (HEAD, "seed2")]
    made = study({"all": combined([PROBE, HEAD], over="seeds")}, studies__demo__seeds=[4, 2])
    assert seeds_of(made.rows[0], 4) == [(PROBE, "seed4"), (HEAD, "seed4"), (HEAD, "seed2")]


def test_a_mean_of_what_is_computed_is_one_network():
    weak = {"task": "birds", "model": "logistic_regression", "sweep": {"model.l2": [0.1, 0.01]}}
    given = {"weak": weak, "probes": combined([PROBE, "weak"]), "more": combined(["probes", HEAD])}
    made = study(given, ["probes", "more"], studies__demo__seeds=[4, 2])
    probes, more = made.rows
    assert made.runs_of(probes) == [4] and probes["one_network"]
    assert set(seeds_of(probes, 4)) == {(x, "seed4") for x in probes["members"]}
    assert combination_plan.chosen_by(probes, probes["dataset"], 4) == []
    assert made.runs_of(more) == [4, 2]
    assert seeds_of(more, 2) == [("probes", "seed4"), (HEAD, "seed2")]


def test_a_mean_of_all_seeds_goes_with_what_is_computed():
    given = {"all": combined([HEAD], over="seeds"), "both": combined(["all", PROBE])}
    made = study(given, ["both"], studies__demo__seeds=[4, 2])
    assert made.runs_of(made.rows[0]) == [4]
    assert seeds_of(made.rows[0], 4) == [("all", "seed4"), (PROBE, "seed4")]


def test_each_fold_has_a_mean_of_its_own():
    made = study({"all": combined(["base_net"], over="seeds")}, datasets__demo_objects__folds=3)
    assert made.runs_of(made.rows[0]) == [(0, 0), (1, 0), (2, 0)]


def test_views_are_the_image_and_its_corners_plain_and_flipped():
    views = combination_plan.views({"flip": True, "crop_padding": 4})
    assert len(views) == 10 and len({(x["flip"], *x["offset"]) for x in views}) == 10
    assert {tuple(x["offset"]) for x in views} == {(0, 0), (4, 4), (4, -4), (-4, 4), (-4, -4)}
    plain = {"flip": False, "offset": [0, 0]}
    flipped = {"flip": True, "offset": [0, 0]}
    assert combination_plan.views({"flip": True, "crop_padding": None}) == [plain, flipped]
    made = study({"seen": combined(["base_net_whiten"], views={"flip": True})})
    (row,), (network,) = made.rows, made.trained()
    # it is evaluated as its network is
    same = ("kind", "input", "options", "generator", "statistics_from", "training", "protocol")
    assert all(row[key] == network[key] for key in same)
    assert row["plan"]["network"] == "base_net_whiten" and row["plan"]["views"] == [plain, flipped]


def test_a_sweep_stands_for_its_best_values_which_all_seeds_choose():
    made = study({"rates": RATES, "best": combined(["rates", "improved_net"])}, ["best"])
    points = ["rates__learning_rate_0p1", "rates__learning_rate_0p01"]
    (row,) = made.rows
    assert row["members"] == [*points, "improved_net"]
    assert combination_plan.groups(row)[0] == {"points": points, "best": 1}
    assert combination_plan.chosen_by(row, "demo_objects", "0") == [
        f"results/runs/demo_objects/{x}/seed1/metrics.json" for x in points
    ]
    both = study({"rates": RATES, "both": combined(["rates"], best=2)}, ["both"])
    assert combination_plan.chosen_by(both.rows[0], "demo_objects", 0) == []  # nothing to choose
    assert "rates: 2 values" in made.spec()["study"]["hyperparameters"]


def test_a_combination_is_under_each_protocol_as_its_members_are():
    given = {
        "two": combined(["base_net", "improved_net"]),
        "fixed": combined(["base_net__practical", "improved_net__practical"]),
        "mixed": combined(["base_net", "base_net__practical"]),
    }
    made = study(given, studies__demo__protocols=["practical", "corrected"], variants__mixed={
        "protocol": "corrected", **given["mixed"]})  # fmt: skip
    found = {row["variant"]: (row["protocol"], row["members"]) for row in made.rows}
    practical = ["base_net__practical", "improved_net__practical"]
    assert found == {
        "two__practical": ("practical", practical),
        "two": ("corrected", ["base_net", "improved_net"]),
        "fixed": ("practical", practical),
        "mixed": ("corrected + practical", ["base_net", "base_net__practical"]),
    }


def test_combinations_can_be_combined():
    given = {
        "seen": combined(["base_net"], views={"flip": True}),
        "too": combined(["improved_net"], views={"flip": True}),
        "both": combined(["seen", "too"]),
    }
    made = study(given, ["both"])
    assert [x["variant"] for x in made.trained()] == ["base_net", "improved_net"]
    assert ("demo_objects", "seen") in made.runs
    assert made.rows[0]["model"] == "base_net + improved_net"


VIEWS = {"flip": True}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({}, ["variants.x: neither of 'model' and 'combines' given"]),
        ({"model": "base_net", **combined(["base_net"])}, ["both of 'model' and 'combines'"]),
        ({"task": "objects", **combined(["base_net"])}, ["x.task: 'objects' given", "Remove"]),
        ({"training": {"epochs": 3}, **combined(["base_net"])}, ["x.training", "not trained"]),
        (combined(["base_nte", "improved_net"]), ["'base_nte' is not one of", "'base_net'"]),
        (combined(["base_net", "features_one_layer"]), ["the task 'objects'", "the task 'birds'"]),
        (combined(["base_net", "pretrain_species"]), ["the data set 'demo_other_species'"]),
        (combined(["x", "base_net"]), ["made of itself (x <- x)"]),
        (combined(["x__practical", "base_net"]), ["made of itself (x <- x__practical <- x__pra"]),
        (combined(["base_net"]), ["a mean of one network, 'base_net'"]),
        (combined(["rates"]), ["a mean of one network", "best: 2 or more"]),
        (combined(["base_net", "improved_net"], best=2), ["best: 2", "is a sweep"]),
        (combined(["rates"], best=3), ["best: 3", "'rates' has 2 values"]),
        (combined(["base_net"], over="sedes"), ["over: 'sedes'", "'seeds'"]),
        (combined(["base_net"], views={}), ["no view beside the image"]),
        (combined(["base_net"], views={"flip": False}), ["no view beside the image"]),
        (combined(["base_net"], views={"crop_padding": 32}), ["crop_padding: 32", "32 pixels"]),
        (combined(["base_net", "improved_net"], views=VIEWS), ["views are of the networks of one"]),
        (combined(["base_net"], over="seeds", views=VIEWS), ["views are of the networks of one"]),
        (combined(["rates"], views=VIEWS), ["'rates' is a sweep of several networks"]),
        (combined(["two"], views=VIEWS), ["'two' is a combination"]),
        (combined(["features_one_layer"], views=VIEWS), ["a head on features", "fine-tunes"]),
        (combined(["all", "improved_net"]), ["'all' is one mean of all seeds"]),
        (combined(["all"], over="seeds"), ["'all' is one mean of all seeds"]),
        (
            combined([PROBE], over="seeds"),
            ["x.combines.over: seeds", f"nothing in '{PROBE}' is ran"],
        ),
    ],
)
def test_what_cannot_be_combined_is_refused_in_a_sentence(block, words):
    given = {"variants__x": block, "variants__rates": RATES, "studies__demo__variants": ["x"]}
    given["variants__two"] = combined(["base_net", "improved_net"])
    given["variants__all"] = combined(["base_net"], over="seeds")
    refused(given | {"studies__demo__seeds": [0, 1]}, "config: variants.x", *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"studies__demo__limits": {"x": 3}}, ["demo.limits: 'x' combines", "not trained"]),
        ({"studies__demo__backbones": {"x": "resnet50"}}, ["demo.backbones: 'x' combines"]),
        ({"backbones__resnet50_demo__weights": {"variant": "x"}}, ["weights.variant: 'x' comb"]),
        ({"studies__demo__seeds": [3]}, ["demo.seeds: [3]", "'x' is a mean over seeds"]),
        (
            {"studies__demo__replicates": {"until": {"half_width": 0.1}, "at_most": 5}},
            ["demo.replicates", "'x' is a mean over seeds"],
        ),
        ({"variants__base_net__best": 2}, ["base_net.best: 2, but there is no sweep"]),
        ({"variants__r": RATES | {"best": 3}}, ["variants.r.best: 3", "has 2 values"]),
        ({"variants__x": combined(["rates", "improved_net"]), "datasets__demo_objects__folds": 3},
         ["'rates' is a sweep", "has folds"]),
    ],
)  # fmt: skip
def test_what_a_study_cannot_have_with_combinations_is_refused(change, words):
    given = {"variants__x": combined(["base_net"], over="seeds"), "variants__rates": RATES}
    given |= {"studies__demo__variants": ["x"], "studies__demo__seeds": [0, 1]}
    refused(given | change, *words)


def test_studies_of_other_seeds_cannot_share_a_mean_over_them():
    text = """
    studies:
      demo: {seeds: [0, 1], variants: [all], comparisons: []}
      other: {seeds: [0, 1, 2], tasks: {objects: {dataset: demo_objects, max_epochs: 30,
              patience: 8}}, variants: [all]}
    variants:
      all: {combines: {variants: [base_net], over: seeds}}
    """
    with pytest.raises(UserError, match="makes the mean 'all' on 'demo_objects' with other memb"):
        studies.resolve(from_yaml(text))
