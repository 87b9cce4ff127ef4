"""Config mistakes are told in a sentence that ends in what to write instead."""

import contextlib

import pytest
import yaml
from configs import SCHEMA, from_yaml, selected

from convstudy.foundation.errors import UserError
from convstudy.study import config_reference, studies
from convstudy.study import validation as settings

PHOTOS = "datasets: {x: {reader: READER, files: FILES, image_size: SIZE}}"
BACKBONE = "write backbones: {resnet50: {application: ResNet50}}"
TAKERS = "backbone: resnet50 with a model of kind feature_head or fine_tuning"


def photos(reader="image_folder", files="{images: x}", size="[32, 32]"):
    return PHOTOS.replace("READER", reader).replace("FILES", files).replace("SIZE", size)


def sentence(text):
    with pytest.raises(UserError) as refusal:
        studies.resolve(from_yaml(text))
    return str(refusal.value)


@pytest.mark.parametrize(
    ("text", "found", "write"),
    [
        (
            "studies: {demo: {seeds: 3}}",
            "studies.demo.seeds: 3 is a number, expected a list of whole numbers",
            "write seeds: [0, 1, 2] for 3 of them, or [3].",
        ),
        (
            "datasets: {demo_objects: {classes: 3}}",
            "datasets.demo_objects.classes: 3 is a number, expected a list",
            "write classes: [0, 1, 2] for 3 of them.",
        ),
        ("studies: {demo: {seeds: '0, 1'}}", "'0, 1' is a text", "write seeds: [0, 1]."),
        ("studies: {demo: {variants: base_net}}", "is a text", "write variants: [base_net]."),
        (
            "studies: {demo: {variants: {base_net: {model: base_net}}}}",
            "{base_net: {model: base_net}} is a block, expected a list of texts",
            "write variants: [base_net].",
        ),
        ("studies: {demo: {variants: [{base_net: }]}}", "variants.0", "write base_net."),
        ("studies: {demo: {limits: [{base_net: 5}]}}", "is a list", "limits: {base_net: 5}."),
        ("studies: {demo: {limits: 5}}", "5 is a number", "write limits: {<name>: 5}."),
        (
            "studies: {demo: {tasks: {objects: demo_objects}}}",
            "studies.demo.tasks.objects: 'demo_objects' is a text, expected a block of keys",
            "write objects: {dataset: demo_objects}.",
        ),
        ("studies: [demo]", "[demo] is a list, expected a block", "example studies: {mine: {"),
        ("study: [demo]", "[demo] is a list, expected a text", "write study: demo."),
        ("variants: {base_net: {task: [objects]}}", "is a list", "write task: objects."),
        ("variants: {x: base_net}", "'base_net' is a text", "write x: {model: base_net}."),
        ("models: {x: base_net}", "'base_net' is a text", "write x: {kind: base_net}."),
        ("backbones: {x: VGG16}", "'VGG16' is a text", "write x: {application: VGG16}."),
        ("backbones: {x: {kind: vgg16}}", "backbones.x.kind", "Write application: VGG16."),
        (
            "backbones: {resnet50: {weights: own.h5}}",
            "backbones.resnet50.weights: 'own.h5' is a text",
            "write weights: {file: own.h5}.",
        ),
        ("cache: /data/cache", "'/data/cache' is a text", "write cache: {folder: /data/cache}."),
        ("training: 'batch_size:32'", "is a text", "write training: {batch_size: 32}."),
        ("training: {batch_size:32}", "'training.batch_size:32'", "write batch_size: 32."),
        ("datasets: {demo_objects: {files: {archive:x}}}", "space", "write archive: x."),
        (
            "comparisons: {mine: [base_net, improved_net]}",
            "comparisons.mine: [base_net, improved_net] is a list, expected a block of keys",
            "write mine: {title: '...', variants: [base_net, improved_net]}.",
        ),
        ("comparisons: {mine: {variants: [a, b]}}", "'title' is missing", "example title: "),
        (photos(size="64"), "image_size: 64 is a number", "write image_size: [64, 64]."),
        (photos(size="64x48"), "'64x48' is a text", "write image_size: [64, 48]."),
        (photos(size="[64]"), "[64] is too short", "write image_size: [64, 64]."),
        (photos(size="[64, 48, 3]"), "is too long", "write image_size: [64, 48]."),
        (photos(files="photos"), "x.files: 'photos' is a text", "files: {images: photos}."),
        (
            photos("cub200_2010", files="photos"),
            "datasets.x.files: 'photos' is a text",
            "write files: {images: photos, lists: '...'}.",
        ),
        (
            photos("cub200_2010", files="[a.tgz, b.tgz]"),
            "datasets.x.files: [a.tgz, b.tgz] is a list",
            "write files: {images: a.tgz, lists: b.tgz}.",
        ),
        (photos(files="{images: [x]}"), "files.images: [x] is a list", "write images: x."),
        (photos("nothing", files="photos"), "'photos' is a text", "files: {<name>: photos}."),
        ("sources: {a.tgz: 'https://a.b/a.tgz'}", "is a text", "example a.tgz: {addresses: "),
    ],
)
def test_a_value_of_another_type_is_told_as_it_is_written(text, found, write):
    told = sentence(text)
    assert found in told and write in told, told


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("learning_rate: 0.1", "training.learning_rate or variants.<name>.training.learning_rate"),
        ("epochs: 3", "Did you mean training.epochs or variants.<name>.training.epochs"),
        ("seeds: [0]", "Did you mean studies.<name>.seeds?"),
        ("dropout: 0.5", "Did you mean models.<name>.dropout?"),
        ("solver: adam", "Allowed: backbones, cache, "),
        (
            "variants: {base_net: {learning_rate: 0.1}}",
            "Did you mean variants.base_net.training.learning_rate?",
        ),
        ("studies: {demo: {dataset: x}}", "Did you mean studies.demo.tasks.<name>.dataset?"),
        (
            "datasets: {demo_objects: {labels: fine}}",
            "Did you mean datasets.demo_objects.options.labels?",
        ),
        ("datasets: {demo_objects: {generated: true}}", "called 'drawn' now: write drawn: true."),
        (
            "training: {momentum: 0.8}",
            "option of the optimizer now: write optimizer: {kind: SGD, momentum: 0.8}.",
        ),
        (
            "variants: {base_net: {training: {decay: 1.0e-5}}}",
            "option of the schedule now: write schedule: {kind: time_decay, rate: 1.0e-05}.",
        ),
        (
            "training: {with_generator: {epochs: 50, patience: 5}}",
            "All variants have one budget now: write training: {epochs: 50, patience: 5}.",
        ),
        (
            "training: {without_generator: {epochs: 20, patience: null}}",
            "protocols: {corrected: {without_generator: {epochs: 20, patience: null}}}.",
        ),
    ],
)
def test_a_key_in_the_wrong_block_is_led_to_its_own(text, advice):
    told = sentence(text)
    assert told.startswith("config: unknown key '") and advice in told, told


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("variants: {base_net: {sweep: {learning_rate: [0.1]}}}", "Write training.learning_rate."),
        ("variants: {improved_net: {sweep: {batch_norm: [none]}}}", "Write model.batch_norm."),
        (
            "variants: {improved_net: {sweep: {width_shift: [0.1]}}}",
            "Write generator.width_shift.",
        ),
        ("variants: {finetune_conv: {sweep: {cut: [x]}}}", "Write backbone.cut."),
        (
            "variants: {base_net: {sweep: {training.decay: [0]}}}",
            "It is called training.schedule.rate now.",
        ),
        (
            "variants: {base_net: {sweep: {models.x: [1]}}}",
            "Allowed: generator.augmentation, training.backbone_rate, ",
        ),
        (
            "variants: {base_net: {sweep: {training: {learning_rate: [0.1]}}}}",
            "write sweep: {training.learning_rate: [0.1]}.",
        ),
        (
            "variants: {base_net: {sweep: {training.min_delta: 0}}}",
            "write training.min_delta: [0].",
        ),
        (
            "variants: {base_net: {training: {min_delta: [0.1, 0]}}}",
            "write in a variant sweep: {training.min_delta: [0.1, 0]}.",
        ),
        (
            "models: {head_two_layers: {dropout: [0.1, 0.5]}}",
            "write in a variant sweep: {model.dropout: [0.1, 0.5]}.",
        ),
    ],
)
def test_a_sweep_is_written_as_one(text, advice):
    assert advice in sentence(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("variants: {x: {task: birds, model: ResNet50}}", ["variants.x.model", BACKBONE, TAKERS]),
        ("variants: {x: {task: birds, model: resnet50}}", [BACKBONE, TAKERS]),
        ("models: {x: {kind: ResNet50}}", ["models.x.kind", BACKBONE, TAKERS]),
        ("models: {x: ResNet50}", ["models.x: 'ResNet50'", BACKBONE, TAKERS]),
        (
            "variants: {x: {task: birds, model: finetune_conv, backbone: VGG16}}",
            ["variants.x.backbone", "write backbones: {vgg16: {application: VGG16}}"],
        ),
        (
            "variants: {x: {task: birds, model: fine_tuning}}",
            ["variants.x.model", "write models: {mine: {kind: fine_tuning}}, and 'mine' here."],
        ),
        (
            "studies: {demo: {variants: [batch_norm]}}",
            ["studies.demo.variants", "It is one of comparisons."],
        ),
    ],
)
def test_a_name_of_something_else_is_told_what_it_is(text, words):
    told = sentence(text)
    assert all(word in told for word in words), told


def test_what_no_rewriting_fits_gets_an_example_only():
    told = sentence("demo: {birds: {species: many}}")
    assert "demo.birds.species: 'many' is a text, expected a whole number" in told
    assert "write" not in told and told.endswith("for example species: 10.")


@pytest.mark.parametrize("value", [None, 3, "a:b", [{"a": 1}]])
def test_no_value_anywhere_ends_in_a_traceback(value):
    def places(node, path=()):
        if isinstance(node, dict):
            for key, below in node.items():
                yield (*path, key)
                yield from places(below, (*path, key))

    example = yaml.safe_load(config_reference.EXAMPLE.read_text())
    for *parents, last in places(example):
        config = yaml.safe_load(config_reference.EXAMPLE.read_text())
        block = config
        for key in parents:
            block = block[key]
        block[last] = value
        with contextlib.suppress(UserError):
            settings.validate(config, SCHEMA)


def test_the_examples_are_one_study_with_every_section():
    example = yaml.safe_load(config_reference.EXAMPLE.read_text())
    schema = yaml.safe_load(SCHEMA.read_text())
    assert list(example) == list(schema["properties"]) == list(config_reference.examples())
    settings.validate(example, SCHEMA)
    assert len(selected(example).rows) == 5  # two of them are points of the sweep


@pytest.mark.parametrize("section", config_reference.examples())
def test_an_example_fits_what_a_user_has(section):
    example = yaml.safe_load(config_reference.EXAMPLE.read_text())
    others = {x: example[x] for x in example if x != section}
    text = yaml.safe_dump(others) + config_reference.examples()[section]
    assert selected(from_yaml(text)).name == "mine"
