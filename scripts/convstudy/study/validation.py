"""The config: refuse what cannot be right, fill the defaults.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import os
import re
from pathlib import Path

import yaml

from convstudy.foundation.errors import UserError, nearest
from convstudy.study import (
    augmentation_steps,
    combinations,
    config_files,
    folds,
    places,
    plugin_blocks,
    plugin_options,
    recipes,
    replicates,
    schema,
    sweeps,
    training_settings,
    variants,
)
from convstudy.study.schema import Block

# Sections whose names become names of files and folders.
NAMED = ("variants", "comparisons", "protocols", "models", "generators", "backbones", "datasets")


def validate(config: Block, schema_path: Path | str) -> None:
    """Check a config against the schema and its own names; fill in the defaults.

    A config that was checked already stays as it is.

    Raises:
        UserError: with the key's path, the value and the nearest allowed name.
    """
    schema.check_plain(config)
    rules = yaml.load(Path(schema_path).read_text(), config_files.QUICK)
    recipes.expand(config, rules["$defs"])
    schema.check(config, rules)
    for section in NAMED:
        _check_case(section, config[section])
    config["sources"] = _with_plain_paths("sources", config["sources"])
    for folder in ("models", "generators"):
        for name, block in config[folder].items():
            where, options = f"{folder}.{name}", sweeps.options_of(folder, block)
            plugin_blocks.check(folder, block["kind"], f"{where}.kind", options, where)
            if folder == "generators":
                augmentation_steps.check(where, block, options)
            block.update(options)
    for name, block in config["datasets"].items():
        where = f"datasets.{name}"
        options = block["options"]
        kind = block["reader"]
        plugin_blocks.check("readers", kind, f"{where}.reader", options, f"{where}.options")
        _check_files(where, block)
        folds.check(where, block)
    for name, block in config["backbones"].items():
        check_backbone(f"backbones.{name}", block)
    training_settings.fill(config["training"], "training")
    _check_variants(config)
    for name, block in config["backbones"].items():
        _check_pretraining(config, f"backbones.{name}.weights", block["weights"])
    for name, variant in config["variants"].items():
        sweeps.check_best(f"variants.{name}", variant)
        _check_sweep(config, f"variants.{name}", variant, rules["$defs"])
    # what studies and comparisons may name: also points of sweeps, and variants under a protocol
    everything = config | {"variants": variants.expand(config)}
    _check_case("variants", everything["variants"])
    for name, comparison in config["comparisons"].items():
        for variant in comparison["variants"]:
            _known(everything, "variants", variant, f"comparisons.{name}.variants")
    for name, study in config["studies"].items():
        _check_study(everything, f"studies.{name}", study)
    _known(config, "studies", config["study"], "study")


def _check_case(section: str, names: Block) -> None:
    """Refuse names that are one file on disks that do not tell upper from lower case."""
    found: dict[str, str] = {}
    for name in names:
        other = found.setdefault(name.lower(), name)
        if other != name:
            raise UserError(
                f"config: {section}: '{other}' and '{name}' differ in upper and lower case only; "
                f"on some disks their results would be the same files. Rename one."
            )


def _check_files(where: str, block: Block) -> None:
    """Refuse files that the reader does not know or lacks, and one file for two of them."""
    needed = plugin_options.describe("readers", block["reader"]).constants["FILES"]
    for name in [*block["files"], *needed]:
        if name not in needed:
            raise UserError(f"config: unknown key '{where}.files.{name}'. {nearest(name, needed)}")
        if name not in block["files"]:
            raise UserError(
                f"config: {where}.files: '{name}' is missing; reader '{block['reader']}' reads "
                f"{', '.join(needed)}."
            )
    block["files"] = {
        name: _plain_path(f"{where}.files.{name}", path) for name, path in block["files"].items()
    }
    roles: dict[str, str] = {}
    for name, path in block["files"].items():
        other = roles.setdefault(path, name)
        if other != name and not Path(path).is_dir():
            raise UserError(
                f"config: {where}.files: '{other}' and '{name}' are the same file '{path}'. Name "
                f"one file each; if it holds both, unpack it and name the folder twice."
            )


def _plain_path(where: str, path: str) -> str:
    """The one spelling of a path, from the home folder on where it begins with `~`.

    Snakemake compares paths as texts: `./a` and `a/` would not be the `a` that a rule makes.
    """
    if re.search(r"\{.*\}", path, re.DOTALL):
        raise UserError(
            f"config: {where}: '{path}' has braces in it, which Snakemake takes for a wildcard. "
            f"Rename this file or folder, or make a link to it whose path has no braces."
        )
    if path.startswith("s3://"):
        return f"s3://{Path(path.removeprefix('s3://'))}"
    return str(Path(os.path.expanduser(path)))


def _with_plain_paths(where: str, blocks: Block) -> Block:
    """The blocks of files under the one spelling of their paths."""
    spelled: dict[str, str] = {}
    for path in blocks:
        other = spelled.setdefault(_plain_path(where, path), path)
        if other != path:
            raise UserError(
                f"config: {where}: '{other}' and '{path}' are the same file. Remove one of them."
            )
    return {plain: blocks[path] for plain, path in spelled.items()}


def check_backbone(where: str, block: Block) -> None:
    """Refuse a backbone that is of no kind or of two; its weights default to ImageNet's."""
    if (block["application"] is None) == (block["file"] is None):
        found = "neither" if block["file"] is None else "both"
        raise UserError(
            f"config: {where}: {found} of 'application' and 'file' given, expected one of them."
        )
    if block["file"] is not None:
        for key in ("weights", "batch_norm_momentum"):
            if block[key] is not None:
                raise UserError(
                    f"config: {where}.{key}: {block[key]!r} given, but a backbone from a file "
                    f"brings its weights and settings with it. Remove this key."
                )
        block["file"] = _plain_path(f"{where}.file", block["file"])
    elif block["weights"] is None:
        block["weights"] = "imagenet"
    if isinstance(block["weights"], dict):
        given = [key for key in ("file", "variant") if key in block["weights"]]
        if len(given) != 1 or (given == ["file"] and "seed" in block["weights"]):
            raise UserError(
                f"config: {where}.weights: {sorted(block['weights'])} given, expected either "
                f"'file' alone or 'variant' with its 'seed'."
            )
        if given == ["variant"]:
            block["weights"].setdefault("seed", 0)
        else:
            weights = block["weights"]
            weights["file"] = _plain_path(f"{where}.weights.file", weights["file"])


def _known(config: Block, section: str, name: str, where: str) -> Block:
    if name not in config[section]:
        raise UserError(
            f"config: {where}: '{name}' is not one of {section}. "
            + places.of_name(config, section, name)
        )
    return config[section][name]


def _trained(config: Block, name: str, where: str) -> Block:
    variant = _known(config, "variants", name, where)
    if variant["combines"]:
        raise UserError(
            f"config: {where}: '{name}' combines finished runs and is not trained. Name a variant "
            f"with a model."
        )
    return variant


def _check_variants(config: Block) -> None:
    """Refuse names that nothing defines, and a variant without one way to its data set."""
    for name, variant in config["variants"].items():
        where = f"variants.{name}"
        training_settings.fill(variant["training"], f"{where}.training")
        combinations.check(where, variant)
        if variant["protocol"]:
            _known(config, "protocols", variant["protocol"], f"{where}.protocol")
        if variant["combines"]:
            continue
        model = _known(config, "models", variant["model"], f"{where}.model")
        _known(config, "generators", variant["generator"], f"{where}.generator")
        if variant["backbone"]:
            _known(config, "backbones", variant["backbone"], f"{where}.backbone")
            _check_takes_backbone(f"{where}.backbone", variant["model"], model)
        if variant["dataset"]:
            _known(config, "datasets", variant["dataset"], f"{where}.dataset")
        if bool(variant["dataset"]) == bool(variant["task"]):
            found = "both" if variant["task"] else "neither"
            raise UserError(
                f"config: {where}: {found} of 'task' and 'dataset' given, expected one: a task, "
                f"for which each study names the data set, or a fixed data set."
            )


def _check_takes_backbone(where: str, name: str, model: Block) -> None:
    if plugin_options.constant("models", model, "INPUT") == "images":
        raise UserError(
            f"config: {where}: model '{name}' takes images and no backbone. Remove this key, or "
            f"choose another model."
        )


def _check_sweep(config: Block, where: str, variant: Block, rules: Block) -> None:
    """Refuse values that no training, model, generator or backbone takes."""
    if not variant["sweep"]:
        return
    model = config["models"][variant["model"]]
    known = sweeps.parameters(config, variant, rules, where)
    settings = training_settings.merged(config["training"], variant["training"])
    for parameter, values in variant["sweep"].items():
        place = f"{where}.sweep.{parameter}"
        if not sweeps.takes(parameter, model):
            section = parameter.split(".")[0]
            raise UserError(
                f"config: {place}: model '{variant['model']}' uses no {section}. Remove this key."
            )
        if parameter not in known:
            raise UserError(
                f"config: {place}: no such parameter, expected training., model., generator. or "
                f"backbone. and the name of a setting or option. "
                + places.of_parameter(parameter, known)
            )
        section, _, option = parameter.partition(".")
        for value in values:
            if section == "training" and option.split(".")[0] in training_settings.BLOCKS:
                training_settings.check_swept(option, value, settings, variant["sweep"], where)
            elif parameter == augmentation_steps.PARAMETER:
                block = {"kind": "none", option: value}
                schema.check(block, rules["generator"], f"{where}.sweep.{section}")
                augmentation_steps.check(f"{where}.sweep.{section}", block, {})
            elif section in ("training", "backbone"):
                described = rules[section] | {"$defs": rules}
                schema.check({option: value}, described, f"{where}.sweep.{section}")
                if parameter == "backbone.weights" and value is None:
                    raise UserError(f"config: {place}: null. Write imagenet or random.")
            else:
                block = config[sweeps.SECTIONS[section]][variant[section]]
                options = sweeps.options_of(sweeps.SECTIONS[section], block) | {option: value}
                described = plugin_options.describe(sweeps.SECTIONS[section], block["kind"])
                schema.check(options, described.schema, f"{where}.sweep.{section}")


def _check_pretraining(config: Block, where: str, weights: str | Block | None) -> None:
    """Refuse a variant that cannot give a backbone its weights."""
    if not isinstance(weights, dict) or "variant" not in weights:
        return
    name, where = weights["variant"], f"{where}.variant"
    variant = _trained(config, name, where)
    if not variant["dataset"]:
        raise UserError(
            f"config: {where}: '{name}' has no data set of its own: which data would the backbone "
            f"be trained on? Name a variant with the key 'dataset'."
        )
    if variant["sweep"]:
        raise UserError(
            f"config: {where}: '{name}' is a sweep of several networks. Name a variant without one."
        )
    folds.check_pretraining(where, name, variant["dataset"], config["datasets"])
    takes = plugin_options.constant("models", config["models"][variant["model"]], "INPUT")
    if takes != "backbone":
        raise UserError(
            f"config: {where}: '{name}' trains no backbone: its model '{variant['model']}' takes "
            f"{takes}. Name a variant whose model fine-tunes one."
        )


def _check_study(config: Block, where: str, study: Block) -> None:
    """Refuse names that nothing defines, and variants whose task the study lacks."""
    for task, block in study["tasks"].items():
        _known(config, "datasets", block["dataset"], f"{where}.tasks.{task}.dataset")
        if block["backbone"]:
            _known(config, "backbones", block["backbone"], f"{where}.tasks.{task}.backbone")
    for variant in study["variants"]:
        task = _known(config, "variants", variant, f"{where}.variants")["task"]
        if task and task not in study["tasks"]:
            raise UserError(
                f"config: {where}.tasks: variant '{variant}' has the task '{task}', which is "
                f"not there. {nearest(task, study['tasks'])}"
            )
    for variant, backbone in study["backbones"].items():
        model = _trained(config, variant, f"{where}.backbones")["model"]
        _known(config, "backbones", backbone, f"{where}.backbones.{variant}")
        _check_takes_backbone(f"{where}.backbones.{variant}", model, config["models"][model])
    for variant, generator in study["generators"].items():
        _trained(config, variant, f"{where}.generators")
        _known(config, "generators", generator, f"{where}.generators.{variant}")
    for variant in study["limits"]:
        _trained(config, variant, f"{where}.limits")
    for protocol in study["protocols"]:
        _known(config, "protocols", protocol, f"{where}.protocols")
    for comparison in study["comparisons"]:
        _known(config, "comparisons", comparison, f"{where}.comparisons")
    replicates.check(where, study)
