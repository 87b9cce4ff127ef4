"""Protocols: the rows that a study has for them, and what is said of them."""

import copy

import pytest
from configs import SCHEMA, checked, refused, selected

from convstudy.foundation.errors import UserError
from convstudy.study import studies
from convstudy.study import validation as settings


@pytest.fixture(scope="module")
def practica():
    return {row["variant"]: row for row in selected(checked(study="practica")).rows}


def length(row):
    return row["training"]["epochs"], row["training"]["patience"]


def test_the_practical_has_a_budget_of_its_own_without_a_generator(practica):
    assert length(practica["base_net__practical"]) == (30, None)
    assert length(practica["finetune_conv__practical"]) == (15, None)
    assert length(practica["improved_net__practical"]) == (100, 10)


def test_corrected_gives_every_variant_one_budget(practica):
    own = {name: row for name, row in practica.items() if row["protocol"] == "corrected"}
    budgets = {name: length(row) for name, row in own.items() if "finetune" not in name}
    assert len(budgets) == 10 and set(budgets.values()) == {(100, 10)}
    assert length(practica["finetune_conv"]) == (15, 10)  # its own epochs


def test_the_variants_of_each_comparison_of_the_demo_have_one_budget():
    demo = selected(checked(study="demo"))
    for comparison in demo.comparisons():
        assert len({length(row) for row in demo.rows_of(comparison["name"])}) == 1, comparison


def test_without_patience_the_best_epoch_of_all_is_kept():
    rows = selected(checked(training__patience=None)).rows
    assert all(length(row)[0] == length(row)[1] for row in rows)


def test_a_protocol_switches_only_what_a_variant_has(practica):
    assert practica["improved_net__practical"]["switches"] == {"validation_images": "augmented"}
    assert practica["base_net__practical"]["switches"] == {}
    assert practica["features_one_layer__practical"]["switches"] == {}
    thawed = {"backbone_batch_norm": "training"}
    assert practica["finetune_conv__practical"]["switches"] == thawed
    assert all(x["switches"] == {} for x in practica.values() if x["protocol"] == "corrected")
    origins = {name: row["statistics_from"] for name, row in practica.items()}
    assert origins["base_net_whiten__practical"] == "train_and_validation"
    assert origins["base_net_whiten"] == "train"
    assert origins["base_net"] is origins["base_net__practical"] is None


def test_names_under_a_protocol_stand_wherever_variants_are_named():
    config = checked(
        studies__demo__variants=["base_net__practical", "base_net", "base_net_whiten__practical"],
        studies__demo__limits={"base_net": 7, "base_net__practical": 9},
        studies__demo__comparisons=["own"],
        comparisons__own={"title": "T", "variants": ["base_net", "base_net__practical"]},
    )
    study = selected(config)
    assert [length(row) for row in study.rows] == [(9, None), (7, 8), (30, 8)]
    assert [row["variant"] for row in study.rows_of("own")] == ["base_net", "base_net__practical"]


def test_a_variant_may_fix_its_protocol():
    config = checked(
        variants__old={"task": "objects", "model": "base_net", "protocol": "practical"},
        studies__demo__variants=["old", "base_net"],
        studies__demo__protocols=["practical", "corrected"],
    )
    rows = [(row["variant"], row["protocol"]) for row in selected(config).rows]
    assert rows == [
        ("old", "practical"),
        ("base_net__practical", "practical"),
        ("base_net", "corrected"),
    ]


def test_comparisons_are_drawn_once_a_protocol():
    study = selected(checked(study="practica"))
    found = {c["name"]: c for c in study.comparisons()}
    assert found["batch_norm"]["title"] == "Batch normalization before or after the activation"
    assert found["batch_norm__practical"]["variants"] == [
        "improved_net_bn_before__practical",
        "improved_net_bn_after__practical",
    ]
    assert "protocol_of_birds__practical" not in found
    files = [path for _, path in study.pictures()["Comparison pictures"]]
    assert "results/studies/practica/plots/comparison_batch_norm__practical.png" in files


def test_the_summary_says_what_a_protocol_does():
    told = selected(checked(study="practica")).spec()["study"]["protocols"]
    assert list(told) == ["practical", "corrected"]
    assert "validation images together" in told["practical"]
    assert "run in training mode" in told["practical"]
    assert "best validation accuracy is kept;" in told["corrected"]


def described(**changes):
    return selected(checked(**changes)).spec()["study"]["protocols"]["corrected"]


def test_what_concerns_no_run_of_the_study_is_not_said():
    assert described(studies__demo__variants=["base_net"]) == (
        "the network of the epoch with the best validation accuracy is kept; "
        "at most 30 epochs, patience 8."
    )
    assert "stay frozen" in described(studies__demo__variants=["finetune_conv"])
    assert "never augmented" in described(studies__demo__variants=["improved_net"])


def test_the_budget_that_is_said_is_the_one_that_the_runs_had():
    four = {"dataset": "demo_objects", "max_epochs": 4, "patience": 8}
    told = described(
        studies__demo__variants=["base_net", "improved_net"], studies__demo__tasks__objects=four
    )
    assert told.endswith("; 4 epochs, no early stopping.")
    told = described(
        variants__base_net__label="Plain",
        studies__demo__variants=["base_net", "base_net_whiten", "improved_net"],
        studies__demo__limits={"base_net": 12},
    )
    assert "at most 12 epochs, patience 8 (Plain); at most 30 epochs, patience 8 (base_" in told


def test_a_label_is_what_tables_call_a_variant_and_says_values_and_protocol():
    config = checked(
        variants__base_net__label="Réseau [1] | 网",
        variants__improved_net__label="Deep",
        variants__improved_net__sweep={"training.learning_rate": [0.1, 0.01]},
        studies__demo__variants=["base_net", "improved_net", "base_net_whiten"],
        studies__demo__protocols=["corrected", "practical"],
    )
    rows = selected(config).spec()["rows"]
    assert [row["label"] for row in rows] == [
        "Réseau [1] | 网",
        "Réseau [1] | 网 (practical)",
        "Deep, learning_rate 0.1",
        "Deep, learning_rate 0.01",
        "Deep, learning_rate 0.1 (practical)",
        "Deep, learning_rate 0.01 (practical)",
        "base_net_whiten",
        "base_net_whiten__practical",
    ]
    assert rows[4]["sweep_label"] == "Deep (practical)"


def test_two_variants_with_one_label_are_refused():
    change = {"variants__base_net__label": "Net", "variants__improved_net__label": "Net"}
    refused(change, "variants.improved_net.label", "'Net'", "'base_net'", "study 'demo'")


def test_the_rows_say_what_each_variant_was_trained_with():
    rows = {row["variant"]: row for row in selected(checked(study="practica")).spec()["rows"]}
    row = rows["base_net_whiten__practical"]
    assert row["budget"] == {"epochs": 100, "patience": 10}
    assert row["training"]["batch_size"] == 32 and row["training"]["optimizer"]["momentum"] == 0.9
    assert row["generator_options"]["kind"] == "whiten"
    assert row["generator_options"]["horizontal_flip"] is True
    assert row["model_options"] == {"kind": "base_net"}
    assert row["statistics_from"] == "train_and_validation"
    assert row["switches"] == {"validation_images": "augmented"}
    assert rows["features_one_layer"]["generator_options"] is None


def test_a_protocol_of_ones_own_starts_from_corrected():
    config = checked(
        protocols__noisy={"validation_images": "augmented"},
        studies__demo__variants=["base_net_normalize__noisy", "base_net__noisy"],
    )
    noisy, base = selected(config).rows
    assert noisy["statistics_from"] == "train"
    assert noisy["switches"] == {"validation_images": "augmented"}
    assert length(base) == (30, 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"studies__demo__protocols": ["practcal"]}, ["studies.demo.protocols", "'practical'"]),
        ({"studies__demo__protocols": []}, ["studies.demo.protocols", "non-empty"]),
        ({"variants__base_net__protocol": "old"}, ["variants.base_net.protocol", "'old'"]),
        ({"protocols__practical": {"statistics_from": "test"}}, ["statistics_from", "'test'"]),
        ({"protocols__practical": {"validation": "plain"}}, ["practical.validation", "images'"]),
        (
            {"studies__demo__variants": ["base_net__practcal"]},
            ["studies.demo.variants", "'base_net__practical'"],
        ),
        ({"training__without_generator": {"epochs": 3}}, ["training.without_generator"]),
    ],
)
def test_bad_protocols_are_refused(change, words):
    refused(change, *words)


def test_a_name_that_a_protocol_takes_is_refused():
    config = checked()
    config["variants"]["base_net__practical"] = {"task": "objects", "model": "improved_net"}
    with pytest.raises(UserError, match="base_net__practical.*also the name of 'base_net'"):
        settings.validate(config, SCHEMA)


def test_a_second_check_changes_nothing():
    config = checked(study="practica")
    studies.resolve(config)
    again = copy.deepcopy(config)
    settings.validate(again, SCHEMA)
    assert again == config
