"""Recipes: what they bring into a config, and what is refused."""

import pytest
import yaml
from configs import SCHEMA, from_yaml, selected

from convstudy.foundation.errors import UserError
from convstudy.study import plugin_options, recipes
from convstudy.study import validation as settings

DEFINITIONS = yaml.safe_load(SCHEMA.read_text())["$defs"]
SHIPPED = recipes.files(None)
OWN = """
when: always
model: {kind: base_net}
generator: {kind: normalize, width_shift: 0.2}
training: {epochs: 3, optimizer: {kind: Adam, beta_1: 0.8}}
"""


@pytest.fixture
def plugins(tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/mine.yaml").write_text(OWN)
    return tmp_path


def study(plugins, variant):
    """The one run of a study whose variant is given."""
    tasks = "{objects: {dataset: demo_objects}}"
    text = (
        f"study: s\nstudies: {{s: {{tasks: {tasks}, variants: [x]}}}}\nvariants: {{x: {variant}}}"
    )
    (run,) = selected(from_yaml(f"{text}\nplugins: {plugins}")).rows
    return run


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_can_be_used(name):
    found = recipes.read(SHIPPED[name], DEFINITIONS)
    takes = plugin_options.constant("models", found["model"], "INPUT")
    backbone = "" if takes == "images" else "backbone: resnet50"
    run = study("null", f"{{task: objects, recipe: {name}, {backbone}}}")
    assert run["model"] == name and found["when"]


def test_a_variant_has_what_its_recipe_says(plugins):
    run = study(plugins, "{task: objects, recipe: mine}")
    assert (run["model"], run["generator_name"], run["kind"]) == ("mine", "mine", "base_net")
    assert run["generator"]["options"]["width_shift"] == 0.2
    assert run["training"]["epochs"] == 3 and run["training"]["optimizer"]["beta_1"] == 0.8
    assert run["description"] == "always"


def test_what_a_variant_says_itself_wins(plugins):
    own = "training: {epochs: 5, optimizer: SGD}, generator: whiten, description: mine"
    run = study(plugins, f"{{task: objects, recipe: mine, {own}}}")
    assert (run["model"], run["generator_name"]) == ("mine", "whiten")
    assert run["training"]["epochs"] == 5 and run["training"]["optimizer"]["kind"] == "SGD"
    assert run["description"] == "mine"


def test_a_recipe_can_be_swept(plugins):
    swept = "sweep: {training.learning_rate: [0.1], generator.width_shift: [0.3]}"
    run = study(plugins, f"{{task: objects, recipe: mine, {swept}}}")
    assert run["generator"]["options"]["width_shift"] == 0.3
    assert run["training"]["learning_rate"] == 0.1


def test_a_checked_config_stays_as_it_is(plugins):
    config = from_yaml(f"variants: {{x: {{task: objects, recipe: mine}}}}\nplugins: {plugins}")
    again = yaml.safe_load(yaml.safe_dump(config))
    settings.validate(again, SCHEMA)
    assert again == config


@pytest.mark.parametrize(
    ("recipe", "variant", "words"),
    [
        (OWN, "{recipe: mien}", ["variants.x.recipe", "Did you mean 'mine'?"]),
        (OWN.replace("when", "then"), "{recipe: mine}", ["recipes/mine.yaml", "'when'"]),
        (OWN.replace("epochs", "epoch"), "{recipe: mine}", ["training.epoch", "'epochs'"]),
        (OWN.replace("Adam", "Adm"), "{recipe: mine}", ["variants.x.training", "'Adam'"]),
        ("when: [", "{recipe: mine}", ["mine.yaml", "line 1"]),
        (OWN, "{recipe: 3}", ["variants.x.recipe", "3"]),
    ],
)
def test_what_is_no_recipe_is_refused(plugins, recipe, variant, words):
    (plugins / "recipes/mine.yaml").write_text(recipe)
    with pytest.raises(UserError) as refusal:
        study(plugins, variant.replace("{", "{task: objects, "))
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_a_block_of_another_kind_under_its_name_is_refused(plugins):
    text = f"models: {{mine: {{kind: improved_net}}}}\nplugins: {plugins}"
    with pytest.raises(UserError, match="models.mine: the recipe of this name brings a model"):
        from_yaml(f"{text}\nvariants: {{x: {{task: objects, recipe: mine}}}}")
