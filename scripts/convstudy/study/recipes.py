"""Recipes: a model, a generator and a training that belong together, each in a file of its own.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import copy
from pathlib import Path

import yaml

from convstudy.foundation.errors import UserError, nearest
from convstudy.study import config_files, config_reference, schema
from convstudy.study.schema import Block

SUFFIX = ".yaml"


def files(plugins: str | None) -> dict[str, Path]:
    """The files of recipes by name: those of the workflow, and a project's in `plugins/recipes`."""
    folders = [config_reference.RECIPES, *([Path(plugins, "recipes")] if plugins else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))}


def read(path: Path, definitions: Block) -> Block:
    """A recipe: `when` to use it, what it `reached`, `model`, `generator` and `training`.

    Args:
        path: its file.
        definitions: `$defs` of the config's schema, with `recipe`.

    Raises:
        UserError: the file is no recipe.
    """
    config_files.check([path])
    found = yaml.safe_load(path.read_text())
    schema.check(found, definitions["recipe"] | {"$defs": definitions}, f"recipes/{path.name}")
    return found


def expand(config: Block, definitions: Block) -> None:
    """Put into the config what the recipes of its variants say; what a variant says itself wins.

    A recipe's model and generator become blocks of its name. A variant that was expanded already
    stays as it is.

    Raises:
        UserError: there is no such recipe, its file is none, or its name is that of another block.
    """
    variants, found = config.get("variants"), {}
    plugins = config.get("plugins")
    known = files(plugins if isinstance(plugins, str) else None)
    for variant_name, variant in (variants if isinstance(variants, dict) else {}).items():
        name = variant.get("recipe") if isinstance(variant, dict) else None
        if name is None:
            continue
        name, where = str(name), f"variants.{variant_name}"
        if name not in known:
            raise UserError(
                f"config: {where}.recipe: there is no recipe '{name}'. {nearest(name, known)}"
            )
        if name not in found:
            found[name] = read(known[name], definitions)
        _expand(config, variant, name, copy.deepcopy(found[name]))


def _expand(config: Block, variant: Block, name: str, recipe: Block) -> None:
    """Put one recipe into a variant that names it."""
    for section in ("model", "generator"):
        if recipe[section] is None or variant.get(section, name) != name:
            continue
        blocks = config.setdefault(f"{section}s", {})
        given = blocks.setdefault(name, recipe[section])
        if given["kind"] != recipe[section]["kind"]:
            raise UserError(
                f"config: {section}s.{name}: the recipe of this name brings a {section} of kind "
                f"'{recipe[section]['kind']}', and this one is of kind '{given['kind']}'. Rename "
                f"it, or remove it."
            )
        variant[section] = name
    variant["training"] = recipe["training"] | (variant.get("training") or {})
    variant.setdefault("description", recipe["when"])
