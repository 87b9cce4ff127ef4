"""The config: refuse what cannot be right, fill the defaults, resolve the selected study.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from convstudy import plugins
from convstudy.errors import UserError

Block = dict[str, Any]


def validate(config: Block, schema_path: Path | str) -> None:
    """Check a config against the schema and its own names; fill in the defaults.

    Raises:
        UserError: with the key's path, the value and the nearest allowed name.
    """
    schema = yaml.safe_load(Path(schema_path).read_text())
    errors = sorted(_filling(schema).iter_errors(config), key=lambda e: len(e.absolute_path))
    if errors:
        raise UserError(_explain(errors[0]))
    for folder in ("models", "generators"):
        for name, block in config[folder].items():
            _check_plugin(folder, f"{folder}.{name}", block)
    for name, block in config["datasets"].items():
        where = f"datasets.{name}"
        block["options"] = _check_plugin(
            "readers", where, {"kind": block["reader"], **block["options"]}, "reader"
        )
        _check_files(where, block)
    _check_names(config)


def _filling(schema: Block) -> Draft202012Validator:
    """A validator that also fills in defaults, as jsonschema's documentation shows."""
    check_properties = Draft202012Validator.VALIDATORS["properties"]

    def fill(validator, properties, instance, subschema):
        if isinstance(instance, dict):
            for key, value in properties.items():
                target = value
                if "$ref" in value and "default" not in value:
                    target = schema["$defs"][value["$ref"].split("/")[-1]]
                if "default" in target and key not in instance:
                    instance[key] = _copy(target["default"])
        yield from check_properties(validator, properties, instance, subschema)

    return validators.extend(Draft202012Validator, {"properties": fill})(schema)


def _copy(value: Any) -> Any:
    return yaml.safe_load(yaml.safe_dump(value))


def _explain(error: ValidationError) -> str:
    """One sentence for a schema error: path, value, expectation, nearest allowed key."""
    where = ".".join(str(part) for part in error.absolute_path) or "(top level)"
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in allowed)
        path = ".".join([*map(str, error.absolute_path), str(unknown)])
        return f"config: unknown key '{path}' (value {error.instance[unknown]!r}). " + nearest(
            unknown, allowed
        )
    if error.validator == "required":
        return f"config: {where}: {error.message}."
    expected = error.schema.get("description", "")
    return f"config: {where}: {error.message}." + (f" Expected: {expected}." if expected else "")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The allowed name nearest to a mistyped one, or all of them."""
    names = sorted(map(str, allowed))
    near = difflib.get_close_matches(str(name), names, 1)
    return f"Did you mean '{near[0]}'?" if near else f"Allowed: {', '.join(names) or 'none'}."


def _check_plugin(folder: str, where: str, block: Block, key: str = "kind") -> Block:
    """Check a block's options against its file; fill and return them."""
    kind = block["kind"]
    known = plugins.available(folder)
    if kind not in known:
        raise UserError(
            f"config: {where}.{key}: there is no file scripts/convstudy/{folder}/{kind}.py. "
            + nearest(kind, known)
        )
    plugin = plugins.describe(folder, kind)
    options = plugins.options(block)
    for error in Draft202012Validator(plugin.schema).iter_errors(options):
        message = _explain(error).removeprefix("config: ").replace("(top level): ", "")
        raise UserError(f"config: {where}: {message}")
    options = plugin.defaults | options
    block.update(options)
    return options


def _check_files(where: str, block: Block) -> None:
    needed = plugins.describe("readers", block["reader"]).constants["FILES"]
    for name in [*block["files"], *needed]:
        if name not in needed:
            raise UserError(f"config: unknown key '{where}.files.{name}'. {nearest(name, needed)}")
        if name not in block["files"]:
            raise UserError(
                f"config: {where}.files: '{name}' is missing; reader '{block['reader']}' reads "
                f"{', '.join(needed)}."
            )


def _known(config: Block, section: str, name: str, where: str) -> Block:
    if name not in config[section]:
        raise UserError(
            f"config: {where}: '{name}' is not one of {section}. {nearest(name, config[section])}"
        )
    return config[section][name]


def _check_names(config: Block) -> None:
    """Refuse names that nothing defines, and backbones that cannot be made."""
    for name, variant in config["variants"].items():
        _known(config, "models", variant["model"], f"variants.{name}.model")
        _known(config, "generators", variant["generator"], f"variants.{name}.generator")
        if variant["backbone"]:
            _known(config, "backbones", variant["backbone"], f"variants.{name}.backbone")
        if "dataset" in variant:
            _known(config, "datasets", variant["dataset"], f"variants.{name}.dataset")
    for name, backbone in config["backbones"].items():
        weights = backbone["weights"]
        if isinstance(weights, dict) and "variant" in weights:
            where = f"backbones.{name}.weights.variant"
            variant = _known(config, "variants", weights["variant"], where)
            if "dataset" not in variant:
                raise UserError(f"config: {where}: '{weights['variant']}' has no data set its own.")
    for name, comparison in config["comparisons"].items():
        for variant in comparison["variants"]:
            _known(config, "variants", variant, f"comparisons.{name}.variants")
    for name, study in config["studies"].items():
        where = f"studies.{name}"
        for task, block in study["tasks"].items():
            _known(config, "datasets", block["dataset"], f"{where}.tasks.{task}.dataset")
            if block["backbone"]:
                _known(config, "backbones", block["backbone"], f"{where}.tasks.{task}.backbone")
        for variant in study["variants"]:
            task = _known(config, "variants", variant, f"{where}.variants").get("task")
            if task and task not in study["tasks"]:
                raise UserError(
                    f"config: {where}.tasks: variant '{variant}' has the task '{task}', which is "
                    f"not there. {nearest(task, study['tasks'])}"
                )
        for variant, backbone in study["backbones"].items():
            _known(config, "variants", variant, f"{where}.backbones")
            _known(config, "backbones", backbone, f"{where}.backbones.{variant}")
        for variant in study["limits"]:
            _known(config, "variants", variant, f"{where}.limits")
        for comparison in study["comparisons"]:
            _known(config, "comparisons", comparison, f"{where}.comparisons")
    _known(config, "studies", config["study"], "study")


@dataclass(frozen=True)
class Study:
    """The selected study: its rows in order, and every run that any study can ask for."""

    name: str
    block: Block
    rows: list[Block]
    runs: dict[tuple[str, str], Block]


def resolve(config: Block) -> Study:
    """Resolve a validated config.

    A run's block holds `dataset, variant, task, model` (name), `kind, options, input`,
    `generator_name, generator` (block or None), `backbone_name, backbone`, `training`.

    Raises:
        UserError: two studies ask for different runs under the same data set and variant.
    """
    runs: dict[tuple[str, str], Block] = {}
    rows: dict[str, list[Block]] = {}
    for study_name, study in config["studies"].items():
        fixed = [x for x, block in config["variants"].items() if "dataset" in block]
        rows[study_name] = []
        for name in dict.fromkeys([*study["variants"], *fixed]):
            run = _run(config, study_name, name)
            key = (run["dataset"], name)
            if runs.setdefault(key, run) != run:
                raise UserError(
                    f"config: studies.{study_name}: another study trains '{name}' on "
                    f"'{run['dataset']}' with another budget or backbone, and both would be the "
                    f"same file. Give this study a data set block of its own name."
                )
            if name in study["variants"]:
                rows[study_name].append(run)
    chosen = config["study"]
    return Study(chosen, config["studies"][chosen], rows[chosen], runs)


def _run(config: Block, study_name: str, name: str) -> Block:
    study, variant = config["studies"][study_name], config["variants"][name]
    task = study["tasks"].get(variant.get("task"), {})
    model = config["models"][variant["model"]]
    takes = plugins.constant("models", model, "INPUT")
    backbone = None
    if takes != "images":
        backbone = study["backbones"].get(name) or variant["backbone"] or task.get("backbone")
        if backbone is None:
            raise UserError(
                f"config: variants.{name}.backbone: model '{variant['model']}' needs a backbone, "
                f"and neither the variant nor the task of study '{study_name}' names one."
            )
    generator = None if takes == "features" else config["generators"][variant["generator"]]
    if takes == "backbone" and plugins.constant("generators", generator, "FITS"):
        raise UserError(
            f"config: variants.{name}.generator: '{variant['generator']}' standardises the pixels, "
            f"but a backbone has its own input preprocessing: choose a generator that does not."
        )
    return {
        "dataset": task.get("dataset") or variant["dataset"],
        "variant": name,
        "task": variant.get("task", ""),
        "model": variant["model"],
        "kind": model["kind"],
        "options": plugins.options(model),
        "input": takes,
        "generator_name": variant["generator"] if generator else "none",
        "generator": generator
        and {"kind": generator["kind"], "options": plugins.options(generator)},
        "backbone_name": backbone,
        "backbone": backbone and config["backbones"][backbone],
        "training": _training(
            config["training"], variant["training"], generator, task, study["limits"].get(name)
        ),
    }


def _training(
    defaults: Block, own: Block, generator: Block | None, task: Block, limit: int | None
) -> Block:
    """Defaults, then the variant's own settings, then the study's limits."""
    augments = generator and plugins.constant("generators", generator, "AUGMENTS")
    length = defaults["with_generator" if augments else "without_generator"]
    settings = {k: v for k, v in defaults.items() if not k.startswith("with")} | length | own
    for most in (task.get("max_epochs"), limit):
        settings["epochs"] = min(settings["epochs"], most or settings["epochs"])
    if task.get("patience") and settings["patience"]:
        settings["patience"] = min(settings["patience"], task["patience"])
    return settings
