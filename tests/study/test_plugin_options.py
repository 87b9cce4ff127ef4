"""The options of plugin files, read from their source."""

import pytest

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.study import plugin_options, schema

FILE = '''
from typing import Annotated, Literal

INPUT = "images"

def build(
    shape, classes, *,
    width: Annotated[int, {"minimum": 1}],
    rates: list[Annotated[float, {"minimum": 0, "maximum": 1}]] = (0.5,),
    place: Literal["before", "after"] = "before",
    limit: Annotated[int, {"exclusiveMaximum": 9, "description": "how many at most"}] | None = None,
):
    """Build it.

    Args:
        shape: of an image.
        width: of the first layer,
            in units.
    """
'''


@pytest.fixture
def kind(tmp_path, monkeypatch):
    """Write a model file and give its name."""
    folder = tmp_path / "scripts/convstudy"
    (folder / "models").mkdir(parents=True)
    monkeypatch.setattr(plugin_files, "SCRIPTS", folder.parent)
    plugin_options.describe.cache_clear()

    def write(text):
        (folder / "models/own.py").write_text(text)
        return "own"

    yield write
    plugin_options.describe.cache_clear()


def test_annotations_and_docstring_become_a_schema(kind):
    found = plugin_options.describe("models", kind(FILE)).schema
    assert found["required"] == ["width"]
    assert found["properties"] == {
        "width": {
            "type": "integer",
            "minimum": 1,
            "description": "of the first layer, in units",
        },
        "rates": {
            "type": "array",
            "items": {"type": "number", "minimum": 0, "maximum": 1},
            "default": [0.5],
        },
        "place": {"enum": ["before", "after"], "default": "before"},
        "limit": {
            "anyOf": [
                {"type": "integer", "exclusiveMaximum": 9, "description": "how many at most"},
                {"type": "null"},
            ],
            "default": None,
        },
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ["models.x: 'width'"]),
        ({"width": 0}, ["models.x.width", "Expected: of the first layer, in units."]),
        ({"width": 1, "rates": [0.1, 2]}, ["models.x.rates.1", "2"]),
        ({"width": 1, "limit": 9}, ["models.x.limit", "Expected: how many at most."]),
        ({"width": 1, "limit": "9"}, ["models.x.limit", "'9'"]),
        ({"width": 1, "place": "befor"}, ["models.x.place", "Did you mean 'before'?"]),
    ],
)
def test_options_are_checked_against_it(kind, options, words):
    plugin = plugin_options.describe("models", kind(FILE))
    with pytest.raises(UserError) as refusal:
        schema.check(options, plugin.schema, "models.x")
    assert all(word in str(refusal.value) for word in words), refusal.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def build(:\n", "scripts/convstudy/models/own.py: line 1 is not Python"),
        ("INPUT = 'images'\n", "own.py: has no function 'build'"),
        ("INPUT = 'image'\n\ndef build(a, b):\n    pass\n", "INPUT is 'image', expected 'images'"),
        ("def build(shape, classes):\n    pass\n", "own.py: has no constant INPUT"),
    ],
)
def test_a_broken_file_is_refused_by_name(kind, text, words):
    with pytest.raises(UserError, match=words):
        plugin_options.constant("models", {"kind": kind(text)}, "INPUT")


def test_the_defaults_of_every_shipped_file_are_in_range():
    for folder in plugin_files.KINDS:
        for name in plugin_files.names(folder):
            found = plugin_options.describe(folder, name).schema
            for option, about in found["properties"].items():
                assert "description" in about, (folder, name, option)
            options = {}
            schema.check(options, found)  # fills the defaults
            schema.check(options, found)
            assert set(options) == set(found["properties"])
