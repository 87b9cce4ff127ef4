"""The config: what is refused before any job starts, and what the shipped studies resolve to."""

import copy

import pytest
import yaml
from configs import SCHEMA, SHIPPED, checked, selected

from convstudy.foundation.errors import UserError
from convstudy.study import studies
from convstudy.study import validation as settings


def test_the_demo_has_the_13_variants_in_order():
    rows = selected(checked(study="demo")).rows
    assert [row["variant"] for row in rows] == SHIPPED["studies"]["demo"]["variants"]
    assert len(rows) == 13


def test_the_practical_stands_beside_what_is_corrected():
    rows = selected(checked(study="practica")).rows
    names = SHIPPED["studies"]["practica"]["variants"]
    both = [name for x in names for name in (f"{x}__practical", x)]
    assert [row["variant"] for row in rows] == both
    assert [row["protocol"] for row in rows] == ["practical", "corrected"] * 13


def test_a_study_gives_single_variants_another_generator():
    found = {}
    for name in ("demo", "practica"):
        rows = {row["variant"]: row for row in selected(checked(study=name)).rows}
        row = rows["base_net_whiten"]
        found[name] = (row["generator_name"], row["generator"]["options"]["epsilon"])
    assert found == {"demo": ("whiten_smoothed", 1e-3), "practica": ("whiten", 1e-6)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"studdies": {}}, ["unknown key 'studdies'", "Did you mean 'studies'?"]),
        ({"variants__base_net__modle": "x"}, ["variants.base_net.modle", "'model'"]),
        ({"datasets__demo_objects__seeds": 1}, ["datasets.demo_objects.seeds", "'seed'"]),
        ({"models__improved_net__batch_nrom": "none"}, ["models.improved_net", "'batch_norm'"]),
        ({"models__improved_net__batch_norm": "sideways"}, ["'sideways'", "before"]),
        ({"models__base_net__kind": "base_nte"}, ["base_nte.py", "'base_net'"]),
        ({"datasets__demo_objects__validation_fraction": 1.5}, ["validation_fraction", "1.5"]),
        ({"training__learning_rate": -1}, ["training.learning_rate", "-1"]),
        ({"variants__base_net__training": {"epochs": 0}}, ["training.epochs", "0"]),
        ({"variants__base_net__model": "base_nett"}, ["variants.base_net.model", "'base_net'"]),
        ({"variants__base_net__generator": "nome"}, ["variants.base_net.generator", "'none'"]),
        ({"studies__demo__comparisons": ["batch_nrm"]}, ["studies.demo", "'batch_norm'"]),
        ({"studies__demo__variants": ["base_nt"]}, ["studies.demo.variants", "'base_net'"]),
        ({"study": "dmo"}, ["study", "'demo'"]),
        ({"datasets__demo_objects__files": {"archiv": "x"}}, ["files.archiv", "'archive'"]),
        (
            {"backbones__resnet50_demo__weights": {"variant": "pretrain"}},
            ["backbones.resnet50_demo.weights.variant", "'pretrain_species'"],
        ),
    ],
)
def test_a_bad_config_is_refused_with_key_value_and_nearest_name(change, words):
    with pytest.raises(UserError) as refusal:
        checked(**change)
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_paths_of_backbones_are_compared_as_those_of_sources():
    config = checked(backbones__own={"file": "./data/own.keras"})
    assert config["backbones"]["own"]["file"] == "data/own.keras"
    weights = {"application": "ResNet50", "weights": {"file": "./data/own.weights.h5"}}
    weights = checked(backbones__own=weights)["backbones"]["own"]["weights"]
    assert weights["file"] == "data/own.weights.h5"


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    source = {"addresses": ["https://example.org/x"], "size": 1, "sha256": "0" * 64}
    config = checked(
        datasets__demo_objects__files={"archive": "~/photos"},
        backbones__own={"file": "~/own.keras"},
        backbones__loaded={"application": "ResNet50", "weights": {"file": "~/own.weights.h5"}},
        sources={"~/photos": source, "data/a~b": source},
    )
    assert config["datasets"]["demo_objects"]["files"]["archive"] == "/home/me/photos"
    assert config["backbones"]["own"]["file"] == "/home/me/own.keras"
    assert config["backbones"]["loaded"]["weights"]["file"] == "/home/me/own.weights.h5"
    assert list(config["sources"]) == ["/home/me/photos", "data/a~b"]
    with pytest.raises(UserError, match="sources: '~/x' and '/home/me/x' are the same file"):
        checked(sources={"~/x": source, "/home/me/x": source})


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"datasets__demo_objects__files": {"archive": "a/{x}"}}, "demo_objects.files.archive"),
        ({"backbones__own": {"file": "{x}/own.keras"}}, "backbones.own.file"),
        (
            {"backbones__own": {"application": "ResNet50", "weights": {"file": "{x, y}.h5"}}},
            "backbones.own.weights.file",
        ),
    ],
)
def test_braces_in_a_path_are_refused(change, where):
    with pytest.raises(UserError, match=f"{where}: '.*' has braces in it, which Snakemake"):
        checked(**change)


BIRDS = "variants.features_one_layer.backbone"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"variants__finetune_conv__backbone": "resnet5"},
            ["finetune_conv.backbone", "'resnet50'"],
        ),
        (
            {"variants__pretrain_species__dataset": "demo_other"},
            ["variants.pretrain_species.dataset", "'demo_other'", "'demo_other_species'"],
        ),
        (
            {"studies__demo__tasks__objects__dataset": "demo_object"},
            ["studies.demo.tasks.objects.dataset", "'demo_object'", "'demo_objects'"],
        ),
        (
            {"studies__demo__tasks__birds__backbone": "resnet50_dem"},
            ["studies.demo.tasks.birds.backbone", "'resnet50_demo'"],
        ),
        (
            {"studies__demo__tasks": {"objects": {"dataset": "demo_objects"}}},
            ["studies.demo.tasks", "'features_one_layer'", "'birds'", "Allowed: objects"],
        ),
        ({"studies__demo__limits": {"base_nt": 2}}, ["studies.demo.limits", "'base_net'"]),
        (
            {"studies__demo__backbones": {"finetune_conv": "resnet5"}},
            ["studies.demo.backbones.finetune_conv", "'resnet50'"],
        ),
        (
            {"studies__demo__generators": {"base_net_whiten": "whitn"}},
            ["studies.demo.generators.base_net_whiten", "'whiten'"],
        ),
        (
            {"studies__demo__generators": {"base_nt": "none"}},
            ["studies.demo.generators", "'base_net'"],
        ),
        (
            {"comparisons__batch_norm__variants": ["base_net", "improved_nett"]},
            ["comparisons.batch_norm.variants", "'improved_nett'", "'improved_net'"],
        ),
        (
            {"datasets__demo_birds__files": {"images": "x"}},
            ["datasets.demo_birds.files", "'lists' is missing"],
        ),
        ({"datasets__demo_birds__files": {}}, ["datasets.demo_birds.files", "non-empty"]),
        (
            {"datasets__demo_birds__reader": "cub200"},
            ["datasets.demo_birds.reader", "readers/cub200.py", "'cub200_2010'"],
        ),
        (
            {"backbones__resnet50_demo__weights": {"variant": "base_net"}},
            ["backbones.resnet50_demo.weights.variant", "'base_net'"],
        ),
        ({"studies__demo__seed": [0]}, ["studies.demo.seed", "[0]", "'seeds'"]),
        ({"threads__image": 1}, ["threads.image", "'images'"]),
        ({"variants__base_net": {"model": "base_net"}}, ["variants.base_net"]),
        ({"variants__base_net": None}, ["variants.base_net", "None"]),
        ({"training__learning_rate": "fast"}, ["training.learning_rate", "'fast'"]),
        ({"training__epochs": 0}, ["training.epochs", "0"]),
        (
            {"protocols__practical__with_generator": {"epochs": 0, "patience": 1}},
            ["protocols.practical.with_generator.epochs", "0"],
        ),
        (
            {"protocols__practical__with_generator": {"epochs": 9}},
            ["protocols.practical.with_generator", "'patience' is missing"],
        ),
    ],
)
def test_dangling_names_and_wrong_types_are_refused(change, words):
    with pytest.raises(UserError) as refusal:
        checked(**change)
    assert all(word in str(refusal.value) for word in words), refusal.value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"models__head_two_layers_dropout__dropout": 1.5}, ["dropout", "1.5"]),
        ({"models__head_two_layers__hidden": [0]}, ["hidden", "0"]),
        ({"generators__normalize__width_shift": -3}, ["width_shift", "-3"]),
        ({"demo__objekts": {"seed": 1}}, ["demo.objekts", "'objects'"]),
        ({"backbones__resnet50": {"application": None}}, ["backbones.resnet50"]),
        ({"backbones__resnet50": {"file": "x.keras", "weights": "random"}}, ["backbones.resnet50"]),
    ],
)
def test_values_that_no_job_can_use_are_refused(change, words):
    with pytest.raises(UserError) as refusal:
        checked(**change)
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_a_model_that_needs_a_backbone_and_has_none_is_refused():
    config = checked(studies__demo__tasks__birds={"dataset": "demo_birds"})
    with pytest.raises(UserError, match=BIRDS):
        studies.resolve(config)


def test_defaults_are_filled():
    config = checked()
    assert config["datasets"]["demo_birds"]["validation_fraction"] == 0.1
    assert config["models"]["improved_net"]["batch_norm"] == "none"


def test_a_second_check_changes_nothing():
    config = checked()
    again = copy.deepcopy(config)
    settings.validate(again, SCHEMA)
    assert again == config


def test_a_backbone_refuses_standardised_pixels():
    with pytest.raises(UserError, match="finetune_conv.generator.*standardises"):
        studies.resolve(checked(variants__finetune_conv__generator="normalize"))


def test_two_studies_cannot_share_a_file_with_different_budgets():
    config = checked(studies__practica__tasks__objects={"dataset": "demo_objects", "max_epochs": 3})
    with pytest.raises(UserError, match="another study trains 'base_net' on 'demo_objects'"):
        studies.resolve(config)


def test_every_key_of_the_schema_is_described():
    schema = yaml.safe_load(SCHEMA.read_text())

    def undescribed(node, path):
        for name, value in node.get("properties", {}).items():
            target = value
            if "$ref" in value:
                target = schema["$defs"][value["$ref"].split("/")[-1]] | value
            if "description" not in target:
                yield f"{path}.{name}"
            yield from undescribed(value, f"{path}.{name}")
        if isinstance(node.get("additionalProperties"), dict):
            yield from undescribed(node["additionalProperties"], f"{path}.*")

    found = list(undescribed(schema, ""))
    for name, block in schema["$defs"].items():
        found += undescribed(block, name)
    assert found == []
