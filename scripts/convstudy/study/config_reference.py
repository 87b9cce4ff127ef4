"""The reference of the config in Markdown, from the schema and the plugin files alone."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from convstudy.foundation import plugin_files
from convstudy.study import json_schema, plugin_options, training_blocks

SCHEMA = json_schema.CONFIG
RECIPES = plugin_files.SCRIPTS.parent / "config/recipes"
EXAMPLE = SCHEMA.with_name("config.example.yaml")
INTRODUCTION = """\
# Every key of the config

Made by `./convstudy reference > docs/config.md` from `rules/schemas/config.schema.yaml` and from
the files in `scripts/convstudy/models/`, `scripts/convstudy/generators/`,
`scripts/convstudy/augmentation/` and `scripts/convstudy/readers/`: edit those, not this page.

A `<name>` in a key is one of your own. A key without a default may be left out, unless it is
called required. The examples are the sections of one study, `rules/schemas/config.example.yaml`.
"""
# Where in a config block the files of a plugin folder find their options.
PLUGINS = {
    "models": "in `models.<name>`, beside `kind`",
    "generators": "in `generators.<name>`, beside `kind`",
    "augmentation": "in a step of the list `generators.<name>.augmentation`, beside `kind`",
    "readers": "in `datasets.<name>.options`",
}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

Schema = dict[str, Any]
Key = tuple[str, Schema, bool]


def markdown() -> str:
    """The whole page: contents, a table a section of the config, then one a plugin file."""
    schema, shown = json_schema.of_config(), examples()
    sections = [f"* [{name}](#{name})" for name in schema["properties"]]
    kinds = [*map(_content, PLUGINS), *map(_content_of_kinds, training_blocks.BLOCKS)]
    kinds.append("* [Recipes](#recipes)")
    contents, parts = ["\n".join([*sections, *kinds])], []
    for name, section in schema["properties"].items():
        top = {"properties": {name: section}, "required": schema["required"]}
        parts += [f"## {name}", f"```yaml\n{shown[name]}\n```", _table(keys(top, schema["$defs"]))]
    for folder, where in PLUGINS.items():
        parts += [f"## Options of {folder}", f"They stand {where}."]
        for kind in plugin_files.names(folder):
            parts += _plugin(folder, kind)
    for block in training_blocks.BLOCKS:
        parts += _kinds(block)
    parts += _recipes()
    return "\n\n".join([INTRODUCTION.rstrip(), *contents, *parts]) + "\n"


def examples() -> dict[str, str]:
    """The text of each section of the example, without the comment above."""
    text = re.split(r"^(?=[a-z]+:)", EXAMPLE.read_text(), flags=re.M)[1:]
    return {part.split(":")[0]: part.rstrip() for part in text}


def _content(folder: str) -> str:
    kinds = ", ".join(f"[{kind}](#{kind})" for kind in plugin_files.names(folder))
    return f"* [Options of {folder}](#options-of-{folder}): {kinds}"


def _content_of_kinds(block: str) -> str:
    return f"* [Kinds of {block}](#kinds-of-{block})"


def _kinds(block: str) -> list[str]:
    """Heading, common options, and the options of each kind of a block of `training`."""
    about = training_blocks.tables()[block]
    rows = [
        (f"{kind}: {name}", option, "default" not in option)
        for kind, options in about["kinds"].items()
        for name, option in options.items()
    ]
    common = [(name, option, False) for name, option in about["common"].items()]
    plain = ", ".join(f"`{kind}`" for kind in about["kinds"])
    return [
        f"## Kinds of {block}",
        f"They stand in `training.{block}`, of all variants or of one: {about['about']}. Kinds: "
        f"{plain}.",
        _table([*common, *rows]),
    ]


def _recipes() -> list[str]:
    """Heading and table of the recipes that come with the workflow."""
    rows = []
    for path in sorted(RECIPES.glob("*.yaml")):
        recipe = yaml.safe_load(path.read_text())
        reached = recipe.get("reached") or "not measured"
        rows.append(f"| `{path.stem}` | {recipe['when']} | {reached} |".replace("\n", " "))
    return [
        "## Recipes",
        "A variant takes one by `recipe: NAME`. They are files in `config/recipes/`; yours are in "
        "`recipes/` of your plugins.",
        "\n".join(["| name | when | reached |", "| :--- | :--- | :--- |", *rows]),
    ]


def keys(schema: Schema, definitions: Schema, above: str = "") -> Iterator[Key]:
    """Every key beneath an object's schema: its dotted path, its schema, whether it is required.

    Args:
        schema: of an object; a `$ref` in it points into `definitions`.
        definitions: the `$defs` of the whole schema.
        above: the object's own path and a dot.
    """
    for name, found in schema.get("properties", {}).items():
        about = _resolved(found, definitions)
        yield above + name, about, name in schema.get("required", ())
        yield from keys(about, definitions, f"{above}{name}.")
    each = schema.get("additionalProperties")
    if isinstance(each, dict):
        yield from keys(_resolved(each, definitions), definitions, f"{above}<name>.")


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """A schema with what its `$ref` points to, under its own keywords."""
    target = definitions[schema["$ref"].split("/")[-1]] if "$ref" in schema else {}
    return target | schema


def _plugin(folder: str, kind: str) -> list[str]:
    """Heading, path and options of one plugin file."""
    plugin = plugin_options.describe(folder, kind)
    about = f"`{plugin.path}`"
    if "FILES" in plugin.constants:
        about += "; its `files`: " + ", ".join(f"`{x}`" for x in plugin.constants["FILES"])
    options = list(keys(plugin.schema, {}))
    return [f"### {kind}", about, _table(options) if options else "It has no options."]


def _table(rows: Iterable[Key]) -> str:
    lines = ["| key | type | default | meaning |", "| :--- | :--- | :--- | :--- |"]
    for path, about, required in rows:
        default = about.get("default", {})
        text = "required" if required else "" if default == {} else f"`{json.dumps(default)}`"
        cells = (f"`{path}`", _type(about), text, about.get("description", ""))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _type(about: Schema) -> str:
    """A schema's type in words, with the limits of its values."""
    if "enum" in about:
        values = (x if isinstance(x, str) else json.dumps(x) for x in about["enum"])
        return ", ".join(f"`{value}`" for value in values)
    if "type" not in about:
        return " or ".join(_type(x) for x in about.get("anyOf", ())) or "any"
    kinds = about["type"] if isinstance(about["type"], list) else [about["type"]]
    return " or ".join(_kind(kind, about) for kind in kinds)


def _kind(kind: str, about: Schema) -> str:
    if kind == "array":
        return f"list of {_type(about['items'])}" if "items" in about else "list"
    if kind == "object":
        each = about.get("additionalProperties")
        plain = isinstance(each, dict) and "type" in each and "properties" not in each
        return f"names with {_type(each)}" if plain else "block"
    limits = [f"{sign} {about[word]}" for word, sign in LIMITS.items() if word in about]
    numeric = kind in ("integer", "number")
    return " ".join([kind, ", ".join(limits)]) if limits and numeric else kind
