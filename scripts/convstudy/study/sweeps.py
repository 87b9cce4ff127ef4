"""Sweeps: a variant that gives lists of values becomes one variant a combination of them.

A point's name says its values and nothing of the others, so that another value renames no point.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from convstudy.foundation.errors import UserError
from convstudy.study import augmentation_steps, plugin_options, schema, training_settings
from convstudy.study.schema import Block

# Sections of the config that a parameter like `model.dropout` makes another block of.
SECTIONS = {"model": "models", "generator": "generators", "backbone": "backbones"}


def points(name: str, block: Block) -> Iterator[tuple[str, Block]]:
    """Name and block of every point of a variant's sweep, in the order of its values.

    A block has its values in `values` (by parameter) and, for the parameters of a model, generator
    or backbone, in `options` (by section): see `derived`.

    Raises:
        UserError: two points would have one name.
    """
    seen: dict[str, list[Any]] = {}
    for values in itertools.product(*block["sweep"].values()):
        own = dict(zip(block["sweep"], values, strict=True))
        training = dict(block["training"])
        options = {section: dict(given) for section, given in block["options"].items()}
        for parameter, value in own.items():
            section, _, option = parameter.partition(".")
            if section == "training" and option in training_settings.BLOCKS:
                where = f"variants.{block['of']}.sweep.{parameter}"
                value = training_settings.filled(option, value, where)
            (training if section == "training" else options[section])[option] = value
        full = "__".join([name, *(token(*pair) for pair in own.items())])
        other = seen.setdefault(full.lower(), list(values))
        if other != list(values):
            raise UserError(
                f"config: variants.{block['of']}.sweep: {other} and {list(values)} would both be "
                f"called '{full}'. Give values that differ in letters or digits."
            )
        yield full, block | {"values": own, "training": training, "options": options}


def check_best(where: str, variant: Block) -> None:
    """Refuse more results of a sweep than it has values.

    Raises:
        UserError: also where there is no sweep.
    """
    count = math.prod(map(len, variant["sweep"].values()))
    if variant["best"] > count:
        found = f"its sweep has {count} values" if variant["sweep"] else "there is no sweep"
        raise UserError(f"config: {where}.best: {variant['best']}, but {found}. Give fewer.")


def token(parameter: str, value: Any) -> str:
    """A value as a part of a file name: `learning_rate_0p03` for `training.learning_rate` 0.03."""
    return f"{parameter.split('.')[-1]}_{_text(value)}"


def derived(config: Block, section: str, name: str, options: Block) -> str:
    """The name of a model, generator or backbone with other options; its block joins the config.

    Raises:
        UserError: the name is taken by another block, or the kind has no such option.
    """
    if not options:
        return name
    full = "__".join([name, *(token(*pair) for pair in options.items())])
    block = config[section][name]
    block = augmentation_steps.swept(block, options) if section == "generators" else block | options
    if "kind" in block:  # the study may have chosen another kind
        described, own = plugin_options.describe(section, block["kind"]), options_of(section, block)
        schema.check(own, described.schema, f"{section}.{full}")
        augmentation_steps.check(f"{section}.{full}", block, own)
    if config[section].setdefault(full, block) != block:
        raise UserError(
            f"config: {section}.{full}: this name is that of '{name}' in a sweep over "
            f"{', '.join(options)}. Choose another name."
        )
    return full


def options_of(section: str, block: Block) -> Block:
    """The options of a model or generator."""
    found = augmentation_steps if section == "generators" else plugin_options
    return found.options(block)


def described(rows: list[Block]) -> str:
    """How the values of a study's sweeps were chosen; empty without a sweep."""
    tried = {}
    for row in rows:
        if row["sweep"]:
            tried.setdefault((row["sweep"], ", ".join(row["values"])), []).append(row)
    if not tried:
        return ""
    counts = "; ".join(
        f"{name}: {len(found)} values of {what}" for (name, what), found in tried.items()
    )
    return (
        f"Chosen by the best mean validation accuracy over seeds, the first of equals ({counts}); "
        f"no test image takes part in the choice, and only the chosen value's test accuracy is "
        f"called a result. All else is taken from the configuration."
    )


def parameters(config: Block, variant: Block, definitions: Block, where: str) -> list[str]:
    """Every parameter that a sweep of a variant may name.

    Args:
        config: with the variant's model and generator.
        variant: its block.
        definitions: `$defs` of the config's schema, with `training` and `backbone`.
        where: the variant's path in the config, for messages.
    """
    options = {section: definitions[section]["properties"] for section in ("training", "backbone")}
    for section in ("model", "generator"):
        plural = SECTIONS[section]
        kind = config[plural][variant[section]]["kind"]
        options[section] = plugin_options.describe(plural, kind).schema["properties"]
    options["generator"] = [*options["generator"], augmentation_steps.KEY]
    every = [f"{section}.{option}" for section, found in options.items() for option in found]
    settings = training_settings.merged(config["training"], variant["training"])
    every += [
        f"training.{option}"
        for option in training_settings.parameters(settings, variant["sweep"], where)
    ]
    return [x for x in every if takes(x, config["models"][variant["model"]])]


def takes(parameter: str, model: Block) -> bool:
    """Whether a model uses a parameter: features meet no generator, images meet no backbone."""
    kind = plugin_options.constant("models", model, "INPUT")
    unused = {"features": "generator", "images": "backbone", "backbone": ""}[kind]
    return parameter.split(".")[0] != unused


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "_".join(map(_text, value)) or "empty"
    if isinstance(value, dict):
        kind, options = value.get("kind", ""), [x for x in value if x != "kind"]
        return "_".join([kind, *(f"{name}_{_text(value[name])}" for name in options)])
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}".replace(".", "p").replace("-", "m").replace("+", "")
    return re.sub(r"\W", "_", value, flags=re.ASCII)
