"""Which comparisons a study has, and those that are refused for want of a variant."""

import pytest
from configs import checked, from_yaml, refused, selected

from convstudy.foundation.errors import UserError
from convstudy.study import studies

TWO = "studies__demo__variants"
THREE = ["base_net", "base_net_normalize", "base_net_whiten"]


def names(**changes):
    return [c["name"] for c in selected(checked(**changes)).comparisons()]


def test_a_comparison_with_a_variant_outside_the_study_is_refused():
    change = {TWO: THREE[:2], "studies__demo__comparisons": ["base_net_generators"]}
    refused(
        change,
        "studies.demo.comparisons: 'base_net_generators' compares 'base_net_whiten', which is not",
        "Add it to studies.demo.variants, or remove 'base_net_generators' here.",
    )


def test_a_comparison_none_of_whose_variants_the_study_has_is_refused():
    change = {TWO: ["improved_net"], "studies__demo__comparisons": ["batch_norm"]}
    refused(change, "'improved_net_bn_before', 'improved_net_bn_after', which are not among")


def test_every_protocol_of_the_study_has_all_variants():
    change = {
        TWO: [*THREE[:2], "base_net_whiten__practical"],
        "studies__demo__protocols": ["practical", "corrected"],
        "studies__demo__comparisons": ["base_net_generators"],
    }
    refused(change, "'base_net_whiten', which is not among the study's variants")


def test_a_variant_under_another_protocol_makes_no_comparison_of_one():
    given = {TWO: [*THREE, "base_net__practical"], "comparisons__protocols": {"title": "T"}}
    given["comparisons__protocols"]["variants"] = ["base_net__practical", "base_net"]
    given["studies__demo__comparisons"] = ["base_net_generators", "protocols"]
    assert names(**given) == ["base_net_generators", "protocols"]


def test_two_variants_under_another_protocol_make_one_that_has_to_be_whole():
    given = {TWO: [f"{x}__practical" for x in THREE]}
    given["studies__demo__comparisons"] = ["base_net_generators"]
    assert names(**given) == ["base_net_generators__practical"]
    given[TWO] = given[TWO][:2]
    refused(given, "compares 'base_net_whiten__practical'")


def test_the_points_of_a_sweep_stand_for_it():
    config = checked(
        variants__rates={
            "task": "objects",
            "model": "base_net",
            "sweep": {"training.learning_rate": [0.1, 0.01]},
        },
        comparisons__own={"title": "T", "variants": ["base_net", "rates"]},
        studies__demo__variants=["base_net", "rates"],
        studies__demo__comparisons=["own"],
    )
    assert [row["sweep"] for row in selected(config).rows_of("own")] == [None, "rates", "rates"]


def test_a_study_of_the_shipped_config_whose_comparison_is_overridden_says_so():
    text = "comparisons: {batch_norm: {title: Mine, variants: [base_net, pretrain_species]}}"
    with pytest.raises(UserError, match="study is not, give it another name") as refusal:
        studies.resolve(from_yaml(text) | {"study": "practica"})
    assert "studies.demo.comparisons: 'batch_norm' compares 'pretrain_species'" in str(
        refusal.value
    )
