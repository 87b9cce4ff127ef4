"""How a study, a variant and its protocol become a run: all that decides what is trained.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import (
    augmentation_steps,
    plugin_options,
    stages,
    sweeps,
    training_settings,
)
from convstudy.study.schema import Block

# Least side of the images that networks of keras.applications take; 32 where it is not here.
SMALLEST = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}


def of(config: Block, study_name: str, name: str, variant: Block) -> Block:
    """The run of a variant in a study; see `studies.resolve` for its keys.

    Args:
        config: the checked config.
        study_name: the study, which gives data sets, backbones and budgets.
        name: the variant's full name.
        variant: its block, as `variants.expand` gives it.

    Raises:
        UserError: the parts of the variant do not fit each other.
    """
    study = config["studies"][study_name]
    task = study["tasks"].get(variant["task"], {})
    protocol = config["protocols"][variant["protocol"]]
    model_name, backbone_name, generator_name = _parts(config, study_name, name, variant)
    model, takes = config["models"][model_name], _input(config["models"][model_name])
    generator = None if takes == "features" else config["generators"][generator_name]
    fits = bool(generator) and plugin_options.constant("generators", generator, "FITS")
    if takes == "backbone" and fits:
        raise UserError(
            f"config: variants.{variant['of']}.generator: '{generator_name}' standardises the "
            f"pixels, but a backbone has its own input preprocessing: choose a generator that does "
            f"not."
        )
    augments = bool(generator) and augmentation_steps.augments(generator)
    dataset = task.get("dataset") or variant["dataset"]
    budget = protocol["with_generator" if augments else "without_generator"] or {}
    *before, training = training_settings.of_run(
        f"variants.{variant['of']}.training",
        [config["training"], budget, variant["training"]],
        task,
        _own(study["limits"], name, variant),
        protocol["network_kept"] == "best_epoch",
    )
    run = {
        "dataset": dataset,
        "folds": config["datasets"][dataset]["folds"],
        "variant": name,
        "task": variant["task"] or "",
        "model": model_name,
        "kind": model["kind"],
        "options": plugin_options.options(model),
        "input": takes,
        "generator_name": generator_name if generator else "none",
        "generator": generator and augmentation_steps.resolved(generator),
        "augments": augments,
        "statistics_from": protocol["statistics_from"] if fits else None,
        "backbone_name": backbone_name,
        "backbone": backbone_name and config["backbones"][backbone_name],
        "before": before,
        "training": training,
        "switches": _switches(protocol, augments, takes),
        "solver": {},
        "plan": None,
    }
    if plugin_options.describe("models", model["kind"]).solves:
        _check_unused(study_name, name, variant, _own(study["limits"], name, variant))
        kept = {key: x for key, x in run["training"].items() if key == "class_weights"}
        run |= {"training": kept, "solver": {"solver": run["options"]}}
    shown = (
        "of", "label", "protocol", "sweep", "sweep_label", "values", "description", "reference",
        "best", "combines", "members", "one_network",
    )  # fmt: skip
    run |= {key: variant[key] for key in shown}
    stages.check(run, variant["training"].get("stages") or [])
    _check_values(study_name, run)
    _check_channels(config, run)
    _check_size(config, run)
    augmentation_steps.check_run(run, config["datasets"][dataset]["image_size"])
    return run


def _parts(
    config: Block, study_name: str, name: str, variant: Block
) -> tuple[str, str | None, str]:
    """Names of the model, the backbone (None without one) and the generator of a variant."""
    study, options = config["studies"][study_name], variant["options"]
    model = sweeps.derived(config, "models", variant["model"], options["model"])
    generator = _own(study["generators"], name, variant) or variant["generator"]
    generator = sweeps.derived(config, "generators", generator, options["generator"])
    if _input(config["models"][model]) == "images":
        return model, None, generator
    task = study["tasks"].get(variant["task"], {})
    backbone = (
        _own(study["backbones"], name, variant) or variant["backbone"] or task.get("backbone")
    )
    if backbone is None:
        raise UserError(
            f"config: variants.{variant['of']}.backbone: model '{model}' needs a backbone, and "
            f"neither the variant nor the task of study '{study_name}' names one."
        )
    backbone = sweeps.derived(config, "backbones", backbone, options["backbone"])
    return model, backbone, generator


def _input(model: Block) -> str:
    return plugin_options.constant("models", model, "INPUT")


def _own(given: Block, name: str, variant: Block) -> str | int | None:
    """What a study gives a variant: by its full name, its sweep's, or its name in the config."""
    names = (name, variant["sweep"], variant["of"])
    return next((given[x] for x in names if x in given), None)


def _switches(protocol: Block, augments: bool, takes: str) -> Block:
    """Switches of a protocol that make this training another than the plain one."""
    found = {}
    if augments and protocol["validation_images"] != "plain":
        found["validation_images"] = protocol["validation_images"]
    if takes == "backbone" and protocol["backbone_batch_norm"] != "frozen":
        found["backbone_batch_norm"] = protocol["backbone_batch_norm"]
    return found


def _check_unused(study_name: str, name: str, variant: Block, limit: int | None) -> None:
    """Refuse settings of epochs for a model that has none, because its weights are computed."""
    unused = [key for key in variant["training"] if key != "class_weights"]
    where = [f"variants.{variant['of']}.training.{key}" for key in unused]
    where += [f"studies.{study_name}.limits.{name}"] * (limit is not None)
    if where:
        raise UserError(
            f"config: {where[0]}: the weights of model '{variant['model']}' are computed and not "
            f"trained in epochs, so of `training` it uses class_weights alone. Remove this key."
        )


def _check_values(study_name: str, run: Block) -> None:
    """Refuse a sweep's values of epochs and patience that the limits of a study cut."""
    for parameter, value in run["values"].items():
        if parameter not in ("training.epochs", "training.patience"):
            continue
        used = run["training"][parameter.split(".")[1]]
        if value is not None and used != value:
            raise UserError(
                f"config: variants.{run['of']}.sweep.{parameter}: {value} is cut to {used} by the "
                f"limits of study '{study_name}' (max_epochs and patience of its tasks, limits). "
                f"Give values within them, or raise them."
            )


def _channels(config: Block, run: Block) -> int:
    return config["datasets"][run["dataset"]]["channels"]


def _check_channels(config: Block, run: Block) -> None:
    """Refuse grey images for a backbone, whose input preprocessing is made for three channels."""
    channels = _channels(config, run)
    if run["backbone"] and channels != 3:
        raise UserError(
            f"config: datasets.{run['dataset']}.channels: {channels}, but backbone "
            f"'{run['backbone_name']}' of variant '{run['variant']}' takes images of three "
            f"channels. Write channels: 3, which has a grey image three times."
        )


def _application(run: Block) -> str | None:
    """The network of keras.applications that a run has, as its backbone or as its model."""
    if run["backbone"]:
        return run["backbone"]["application"]
    return run["options"]["name"] if run["kind"] == "application" else None


def _check_size(config: Block, run: Block) -> None:
    """Refuse images that are too small for the network or too large for the generator."""
    height, width = config["datasets"][run["dataset"]]["image_size"]
    where = f"config: datasets.{run['dataset']}.image_size: [{height}, {width}]"
    network = _application(run)
    if network:
        least = SMALLEST.get(network, 32)
    elif run["backbone"]:
        least = 1
    else:
        network = run["model"]
        least = plugin_options.describe("models", run["kind"]).constants.get("SMALLEST", 1)
    if min(height, width) < least:
        raise UserError(
            f"{where} is too small for {network} (variant '{run['variant']}'), which takes sides "
            f"of {least} pixels or more."
        )
    generator = run["generator"]
    if generator is None:
        return
    most = plugin_options.describe("generators", generator["kind"]).constants.get("LARGEST")
    if most and _channels(config, run) * height * width > most:
        raise UserError(
            f"{where} is too large for generator '{run['generator_name']}' (variant "
            f"'{run['variant']}'), which takes {most} values an image at most. Set a smaller size, "
            f"or choose another generator."
        )
