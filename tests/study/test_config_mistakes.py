"""What users do wrong in a config: values no job can use, and what YAML makes of their words."""

import copy

import pytest
from configs import ROOT, SCHEMA, checked, from_yaml, refused, selected

from convstudy.foundation.errors import UserError
from convstudy.study import given_files, studies
from convstudy.study import validation as settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"models__head": {"kind": "feature_head", "hiden": [3]}},
            ["unknown key 'models.head.hiden'", "Did you mean 'hidden'?"],
        ),
        ({"models__head": {"kind": "my.net"}}, ["models.head.kind: 'my.net' is no name that Pyth"]),
        ({"models__head": {"kind": "../models/base_net"}}, ["is no name that Python could import"]),
        (
            {"models__head_two_layers__dropout": 1},
            ["models.head_two_layers.dropout: 1 ", "Expected: fraction dropped after"],
        ),
        ({"models__head_two_layers__hidden": [8, 0]}, ["models.head_two_layers.hidden.1", "0"]),
        ({"models__finetune_conv__hidden": [-1]}, ["models.finetune_conv.hidden.0", "-1"]),
        (
            {"models__head_two_layers__hidden": 8},
            ["models.head_two_layers.hidden", "write hidden: [8]"],
        ),
        ({"generators__normalize__height_shift": 1}, ["generators.normalize.height_shift"]),
        ({"generators__whiten__epsilon": 0}, ["generators.whiten.epsilon", "0"]),
        ({"datasets__demo_objects__options": {"labls": "fine"}}, ["options.labls", "'labels'"]),
        ({"datasets__demo_objects__options": {"kind": "cifar"}}, ["demo_objects.options.kind"]),
        (
            {
                "datasets__demo_objects": {
                    "reader": "image_folder",
                    "files": {"images": "x"},
                    "image_size": [8, 8],
                    "test_fraction": 1,
                }
            },
            ["datasets.demo_objects.test_fraction"],
        ),
        ({"datasets__demo_objects__max_train_per_class": 1}, ["max_train_per_class"]),
        ({"datasets__demo_objects__max_classes": 1}, ["max_classes"]),
        ({"datasets__demo_objects__classes": ["a", "a"]}, ["classes", "non-unique"]),
        ({"demo__birds": {"specis": 3}}, ["demo.birds.specis", "'species'"]),
        ({"demo__birds": {"species": 1}}, ["demo.birds.species", "1"]),
        ({"demo__objects": {"train_per_class": 1.5}}, ["demo.objects.train_per_class", "1.5"]),
        ({"training__batch_size": 32.0}, ["training.batch_size", "32.0", "write batch_size: 32."]),
        ({"training__learning_rate": float("nan")}, ["training.learning_rate", "nan", "finite"]),
        (
            {"variants__base_net__reference": {"dataset": "x", "loss": float("inf")}},
            ["variants.base_net.reference.loss", "inf"],
        ),
        ({"studies__demo__seeds": [2**32]}, ["studies.demo.seeds.0", "4294967296"]),
        ({"studies__demo__limits": {"base_net": -1}}, ["studies.demo.limits.base_net", "-1"]),
        (
            {"variants__base_net__dataset": "demo_objects"},
            ["variants.base_net", "both of 'task' and 'dataset'"],
        ),
        (
            {"variants__base_net__task": None},
            ["variants.base_net", "neither of 'task' and 'dataset'"],
        ),
        (
            {"variants__base_net__backbone": "resnet50"},
            ["variants.base_net.backbone", "takes images"],
        ),
        (
            {"studies__demo__backbones": {"base_net": "resnet50"}},
            ["studies.demo.backbones.base_net", "takes images"],
        ),
        (
            {"datasets__demo_birds__files": {"images": "./a.tgz", "lists": "a.tgz"}},
            ["datasets.demo_birds.files", "'images' and 'lists' are the same file 'a.tgz'"],
        ),
        ({"datasets__demo_objects__files": {"archive": ""}}, ["files.archive", "non-empty"]),
        (
            {"models__Improved_Net": {"kind": "base_net"}},
            ["models", "'improved_net' and 'Improved_Net'", "case"],
        ),
        (
            {"datasets__demo_objects__image_size": [32, 15]},
            ["demo_objects.image_size: [32, 15] is too small for base_net", "16"],
        ),
        (
            {"datasets__demo_objects__image_size": [65, 64]},
            ["demo_objects.image_size: [65, 64] is too large", "'whiten_smoothed'", "12288"],
        ),
        (
            {"datasets__demo_birds__image_size": [31, 32]},
            ["demo_birds.image_size: [31, 32] is too small for ResNet50", "32"],
        ),
        ({"models__my-net": {"kind": "base_net"}}, ["models", "'my-net'", "letters, digits"]),
    ],
)
def test_what_no_job_can_use_is_refused(change, words):
    refused(change, *words)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"application": "resnet50"}, ["application", "'resnet50'", "Did you mean 'ResNet50'?"]),
        ({"application": "vgg16"}, ["Did you mean 'VGG16'?"]),
        ({"application": "ResNet51"}, ["Did you mean 'ResNet50'?"]),
        ({}, ["neither of 'application' and 'file'"]),
        ({"application": None}, ["neither of 'application' and 'file'"]),
        ({"application": "ResNet50", "file": "x.keras"}, ["both of 'application' and 'file'"]),
        ({"application": "ResNet50", "weights": "imagnet"}, ["weights", "mean 'imagenet'?"]),
        ({"application": "ResNet50", "weights": {"fil": "x"}}, ["weights.fil", "mean 'file'?"]),
        ({"application": "ResNet50", "weights": {}}, ["weights", "'file' alone"]),
        (
            {"application": "ResNet50", "weights": {"file": "x.h5", "variant": "base_net"}},
            ["weights", "'file' alone"],
        ),
        ({"application": "ResNet50", "weights": {"file": "x.tgz"}}, ["weights.file", "x.tgz"]),
        ({"file": "images.tgz"}, ["file", "images.tgz", ".keras model"]),
        ({"file": "x.keras", "weights": "imagenet"}, ["weights", "Remove this key"]),
        ({"file": "x.keras", "batch_norm_momentum": 0.5}, ["batch_norm_momentum", "0.5"]),
        ({"application": "ResNet50", "any_size": True}, ["any_size", "any size as they are"]),
        (
            {"application": "ResNet50", "weights": {"variant": "base_net"}},
            ["weights.variant", "'base_net' has no data set of its own"],
        ),
        (
            {"application": "MobileNet", "weights": {"variant": "pretrain_species"}},
            ["weights.variant", "'resnet50_random'", "ResNet50 and no MobileNet"],
        ),
    ],
)
def test_a_backbone_that_cannot_be_made_is_refused(block, words):
    refused({"backbones__resnet50_demo": block}, "backbones.resnet50_demo", *words)


def test_only_a_variant_that_fine_tunes_gives_a_backbone():
    pretrain = {"dataset": "demo_objects", "model": "base_net"}
    refused({"variants__pretrain_species": pretrain}, "'base_net' takes images", "fine-tunes")


@pytest.mark.parametrize("steps", [1, 2])
def test_a_backbone_that_comes_from_itself_is_refused(steps):
    change = {"variants__pretrain_species__backbone": "resnet50_demo"}
    if steps == 2:
        own = {"dataset": "demo_birds", "model": "pretrain", "backbone": "resnet50_demo"}
        second = {"application": "ResNet50", "weights": {"variant": "second"}}
        change = {
            "variants__pretrain_species__backbone": "middle",
            "variants__second": own,
            "backbones__middle": second,
        }
    refused(change, "weights.variant", "resnet50_demo", "would come from itself")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training: {learning_rate: 1e-3}", ["training.learning_rate", "write 1.0e-3"]),
        ("training: {learning_rate: 2.5E5}", ["'2.5E5'", "write 2.5e+5"]),
        ("training: {batch_size: '16'}", ["training.batch_size", "Write 16 without quotes"]),
        (
            "training: {optimizer: {kind: SGD, nesterov: 'no'}}",
            ["training.optimizer.nesterov", "Write no without quotes"],
        ),
        ("training: {batch_size: many}", ["'many' is a text, expected a whole number"]),
        ("training: {learning_rate: .nan}", ["training.learning_rate", "nan"]),
        ("training: {batch_size: }", ["training.batch_size", "empty"]),
        ("variants: {base_net: {generator: no}}", ["base_net.generator", "False", "quotes"]),
        ("variants: {base_net: {generator: None}}", ["'None'", "Did you mean 'none'?"]),
        ("variants: {base_net: {generator: }}", ["base_net.generator", "empty"]),
        ("models: {improved_net: {batch_norm: no}}", ["improved_net.batch_norm", "quotes"]),
        ("generators: {no: {kind: none}}", ["generators", "False", "quotes"]),
        ("studies: {2024: {tasks: {}, variants: [base_net]}}", ["studies", "2024", "quotes"]),
        ("study: 2024", ["study", "needs quotes: '2024'"]),
        ("studies: {demo: }", ["studies.demo", "None", "empty"]),
        ("studies: {demo: {variants: []}}", ["studies.demo.variants", "non-empty"]),
        ("studies: {demo: {seeds: }}", ["studies.demo.seeds", "empty"]),
        ("studies: {demo: {title: 2024-05-01}}", ["studies.demo.title", "date", "quotes"]),
        ("studies: ", ["studies", "empty"]),
    ],
)
def test_what_yaml_made_of_a_word_is_explained(text, words):
    with pytest.raises(UserError) as refusal:
        from_yaml(text)
    assert all(word in str(refusal.value) for word in words), refusal.value


@pytest.mark.parametrize(
    "text",
    [
        "comparisons: \nstudies: {demo: {comparisons: }, practica: {comparisons: }}",
        "training: ",
        "studies: {demo: {limits: }}",
        "demo: ",
        "threads: ",
        "models: {head_one_layer: {hidden: }}",
        "study: '2024'\nstudies: {'2024': {tasks: {}, variants: [pretrain_species]}}",
        "variants: {base_net: {task: null, dataset: demo_objects}}",
        "backbones: {resnet50: {application: null, file: mine.keras, weights: null}}",
        "training: {learning_rate: 1.0e-3, optimizer: {kind: SGD, momentum: 0}}",
    ],
)
def test_what_can_be_meant_is_accepted(text):
    studies.resolve(from_yaml(text))


def test_an_empty_section_has_its_defaults():
    assert from_yaml("training: ")["training"] == checked(training={})["training"]


def test_partial_demo_blocks_keep_the_other_defaults():
    config = from_yaml("demo: {birds: {species: 3}}")
    assert config["demo"]["birds"]["species"] == 3
    assert (
        config["demo"]["birds"]["train_per_class"] == checked()["demo"]["birds"]["train_per_class"]
    )
    assert set(config["demo"]) == {"objects", "birds", "other_species"}


@pytest.mark.parametrize("own", ["", "config/real_data.yaml"])
def test_a_second_check_of_a_shipped_config_changes_nothing(own):
    config = from_yaml((ROOT / own).read_text() if own else "{}")
    once = copy.deepcopy(config)
    settings.validate(config, SCHEMA)
    assert config == once
    studies.resolve(config)


def test_a_second_check_keeps_every_form_of_a_backbone():
    forms = [
        {"file": "mine.keras"},
        {"application": "VGG16"},
        {"application": "VGG16", "weights": {"file": "w.h5"}},
        {"application": "ResNet50", "weights": {"variant": "pretrain_species"}},
    ]
    for form in forms:
        config = checked(backbones__own=copy.deepcopy(form))
        once = copy.deepcopy(config)
        settings.validate(config, SCHEMA)
        assert config == once


def test_the_files_of_a_study_are_named_with_their_keys():
    config = checked(
        backbones__resnet50_random={"application": "ResNet50", "weights": {"file": "w.h5"}}
    )
    given = {key: path for key, path, _ in given_files.of(config, selected(config))}
    assert given == {
        "datasets.demo_objects.files.archive": "results/demo/objects.tar.gz",
        "datasets.demo_birds.files.images": "results/demo/birds/images.tgz",
        "datasets.demo_birds.files.lists": "results/demo/birds/lists.tgz",
        "datasets.demo_other_species.files.images": "results/demo/other_species/images.tgz",
        "datasets.demo_other_species.files.lists": "results/demo/other_species/lists.tgz",
        "backbones.resnet50_random.weights.file": "w.h5",
    }
