"""Recipes: a model, a generator and a training that belong together, each in a file of its own.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

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
    variants = config.get("variants")
    for name, variant in (variants if isinstance(variants, dict) else {}).items():
        recipe = variant.get("recipe") if isinstance(variant, dict) else None
        if recipe is not None:
            _expand(config, variant, str(recipe), definitions, f"variants.{name}")


def _expand(config: Block, variant: Block, name: str, definitions: Block, where: str) -> None:
    known = files(config.get("plugins") if isinstance(config.get("plugins"), str) else None)
    if name not in known:
        raise UserError(
            f"config: {where}.recipe: there is no recipe '{name}'. {nearest(name, known)}"
        )
    recipe = read(known[name], definitions)
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
