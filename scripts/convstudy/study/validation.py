"""The config: refuse what cannot be right, fill the defaults.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from pathlib import Path

import yaml

from convstudy.foundation.errors import UserError, nearest
from convstudy.study import (
    augmentation_steps,
    backbones,
    combinations,
    config_files,
    file_paths,
    folds,
    known_names,
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
    config["sources"] = file_paths.all_plain("sources", config["sources"])
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
        file_paths.check(where, block)
        folds.check(where, block)
    for name, block in config["backbones"].items():
        backbones.check(f"backbones.{name}", block)
    training_settings.fill(config["training"], "training")
    _check_variants(config)
    for name, block in config["backbones"].items():
        backbones.check_pretraining(config, f"backbones.{name}.weights", block["weights"])
    for name, variant in config["variants"].items():
        sweeps.check_best(f"variants.{name}", variant)
        _check_sweep(config, f"variants.{name}", variant, rules["$defs"])
    # what studies and comparisons may name: also points of sweeps, and variants under a protocol
    everything = config | {"variants": variants.expand(config)}
    _check_case("variants", everything["variants"])
    for name, comparison in config["comparisons"].items():
        for variant in comparison["variants"]:
            known_names.block(everything, "variants", variant, f"comparisons.{name}.variants")
    for name, study in config["studies"].items():
        _check_study(everything, f"studies.{name}", study)
    known_names.block(config, "studies", config["study"], "study")


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


def _check_variants(config: Block) -> None:
    """Refuse names that nothing defines, and a variant without one way to its data set."""
    for name, variant in config["variants"].items():
        where = f"variants.{name}"
        training_settings.fill(variant["training"], f"{where}.training")
        combinations.check(where, variant)
        if variant["protocol"]:
            known_names.block(config, "protocols", variant["protocol"], f"{where}.protocol")
        if variant["combines"]:
            continue
        model = known_names.block(config, "models", variant["model"], f"{where}.model")
        known_names.block(config, "generators", variant["generator"], f"{where}.generator")
        if variant["backbone"]:
            known_names.block(config, "backbones", variant["backbone"], f"{where}.backbone")
            _check_takes_backbone(f"{where}.backbone", variant["model"], model)
        if variant["dataset"]:
            known_names.block(config, "datasets", variant["dataset"], f"{where}.dataset")
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


def _check_study(config: Block, where: str, study: Block) -> None:
    """Refuse names that nothing defines, and variants whose task the study lacks."""
    for task, block in study["tasks"].items():
        known_names.block(config, "datasets", block["dataset"], f"{where}.tasks.{task}.dataset")
        if block["backbone"]:
            known_names.block(
                config, "backbones", block["backbone"], f"{where}.tasks.{task}.backbone"
            )
    for variant in study["variants"]:
        task = known_names.block(config, "variants", variant, f"{where}.variants")["task"]
        if task and task not in study["tasks"]:
            raise UserError(
                f"config: {where}.tasks: variant '{variant}' has the task '{task}', which is "
                f"not there. {nearest(task, study['tasks'])}"
            )
    for variant, backbone in study["backbones"].items():
        model = known_names.trained(config, variant, f"{where}.backbones")["model"]
        known_names.block(config, "backbones", backbone, f"{where}.backbones.{variant}")
        _check_takes_backbone(f"{where}.backbones.{variant}", model, config["models"][model])
    for variant, generator in study["generators"].items():
        known_names.trained(config, variant, f"{where}.generators")
        known_names.block(config, "generators", generator, f"{where}.generators.{variant}")
    for variant in study["limits"]:
        known_names.trained(config, variant, f"{where}.limits")
    for protocol in study["protocols"]:
        known_names.block(config, "protocols", protocol, f"{where}.protocols")
    for comparison in study["comparisons"]:
        known_names.block(config, "comparisons", comparison, f"{where}.comparisons")
    replicates.check(where, study)
