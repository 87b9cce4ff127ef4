"""The config: what is refused before any job starts, and what the shipped studies resolve to."""

import copy
from pathlib import Path

import pytest
import yaml

from convstudy import config as settings
from convstudy import digests
from convstudy.errors import UserError

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "rules/schemas/config.schema.yaml"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


def checked(**changes):
    """The shipped config with some values changed, by dotted path (`__` for a dot)."""
    config = copy.deepcopy(SHIPPED)
    for path, value in changes.items():
        *parents, last = path.split("__")
        block = config
        for parent in parents:
            block = block[parent]
        block[last] = value
    settings.validate(config, SCHEMA)
    return config


@pytest.mark.parametrize("study", ["demo", "practica"])
def test_the_shipped_studies_have_the_13_variants_in_order(study):
    resolved = settings.resolve(checked(study=study))
    assert [row["variant"] for row in resolved.rows] == SHIPPED["studies"]["demo"]["variants"]
    assert len(resolved.rows) == 13


def test_training_is_the_practicals():
    rows = {r["variant"]: r["training"] for r in settings.resolve(checked(study="practica")).rows}
    assert (rows["base_net"]["epochs"], rows["base_net"]["patience"]) == (30, None)
    assert (rows["improved_net"]["epochs"], rows["improved_net"]["patience"]) == (100, 10)
    assert (rows["finetune_conv"]["epochs"], rows["finetune_conv"]["patience"]) == (15, None)


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


def test_a_backbone_refuses_standardised_pixels():
    with pytest.raises(UserError, match="finetune_conv.generator.*standardises"):
        settings.resolve(checked(variants__finetune_conv__generator="normalize"))


def test_two_studies_cannot_share_a_file_with_different_budgets():
    config = checked(studies__practica__tasks__objects={"dataset": "demo_objects", "max_epochs": 3})
    with pytest.raises(UserError, match="another study trains 'base_net' on 'demo_objects'"):
        settings.resolve(config)


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


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small package in place of the project's."""
    package = tmp_path / "convstudy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("def f():\n    from convstudy import b\n    return b.g()\n")
    (package / "b.py").write_text("def g():\n    return 1\n")
    (package / "c.py").write_text("def h():\n    return 2\n")
    (tmp_path / "job.py").write_text("from convstudy.a import f\n")
    monkeypatch.setattr(digests, "SCRIPTS", tmp_path)

    def digest_after(name=None, text=""):
        if name:
            (package / name).write_text(text)
        digests._imports.cache_clear()
        digests._of_tree.cache_clear()
        return digests.of_code("job.py")

    yield digest_after
    digests._imports.cache_clear()
    digests._of_tree.cache_clear()


def test_the_digest_of_code_ignores_what_changes_no_result(tree):
    before = tree()
    text = '"""Doc."""\n\n\ndef g():  # why\n    """Doc."""\n    return (1)\n'
    assert tree("b.py", text) == before
    assert tree("c.py", "def h():\n    return 3\n") == before


def test_the_digest_of_code_sees_what_is_imported_two_files_away(tree):
    before = tree()
    assert tree("b.py", "def g():\n    return 2\n") != before
