"""How a study, a variant and its protocol become a run: all that decides what is trained.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy import plugins
from convstudy.errors import UserError
from convstudy.schema import Block

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
    study, base = config["studies"][study_name], variant["of"]
    task = study["tasks"].get(variant["task"], {})
    protocol = config["protocols"][variant["protocol"]]
    model = config["models"][variant["model"]]
    takes = plugins.constant("models", model, "INPUT")
    backbone = None
    if takes != "images":
        chosen = study["backbones"].get(name) or study["backbones"].get(base)
        backbone = chosen or variant["backbone"] or task.get("backbone")
        if backbone is None:
            raise UserError(
                f"config: variants.{base}.backbone: model '{variant['model']}' needs a backbone, "
                f"and neither the variant nor the task of study '{study_name}' names one."
            )
    generator = None if takes == "features" else config["generators"][variant["generator"]]
    fits = bool(generator) and plugins.constant("generators", generator, "FITS")
    if takes == "backbone" and fits:
        raise UserError(
            f"config: variants.{base}.generator: '{variant['generator']}' standardises the pixels, "
            f"but a backbone has its own input preprocessing: choose a generator that does not."
        )
    augments = bool(generator) and plugins.constant("generators", generator, "AUGMENTS")
    lengths = protocol | {"with_generator": config["training"]["with_generator"]}
    limit = study["limits"].get(name) or study["limits"].get(base)
    run = {
        "dataset": task.get("dataset") or variant["dataset"],
        "variant": name,
        "task": variant["task"] or "",
        "model": variant["model"],
        "kind": model["kind"],
        "options": plugins.options(model),
        "input": takes,
        "generator_name": variant["generator"] if generator else "none",
        "generator": generator
        and {"kind": generator["kind"], "options": plugins.options(generator)},
        "statistics_from": protocol["statistics_from"] if fits else None,
        "backbone_name": backbone,
        "backbone": backbone and config["backbones"][backbone],
        "training": _training(
            config["training"],
            lengths["with_generator" if augments else "without_generator"],
            variant["training"],
            task,
            limit,
            protocol["network_kept"] == "best_epoch",
        ),
        "switches": _switches(protocol, augments, takes),
    }
    shown = ("of", "protocol", "description", "reference")
    run |= {key: variant[key] for key in shown}
    _check_size(config, run)
    return run


def _switches(protocol: Block, augments: bool, takes: str) -> Block:
    """Switches of a protocol that make this training another than the plain one."""
    found = {}
    if augments and protocol["validation_images"] != "plain":
        found["validation_images"] = protocol["validation_images"]
    if takes == "backbone" and protocol["backbone_batch_norm"] != "frozen":
        found["backbone_batch_norm"] = protocol["backbone_batch_norm"]
    return found


def _check_size(config: Block, run: Block) -> None:
    """Refuse images that are too small for the network or too large for the generator."""
    height, width = config["datasets"][run["dataset"]]["image_size"]
    where = f"config: datasets.{run['dataset']}.image_size: [{height}, {width}]"
    if run["backbone"]:
        network = run["backbone"]["application"]
        least = SMALLEST.get(network, 32) if network else 1
    else:
        network = run["model"]
        least = plugins.describe("models", run["kind"]).constants.get("SMALLEST", 1)
    if min(height, width) < least:
        raise UserError(
            f"{where} is too small for {network} (variant '{run['variant']}'), which takes sides "
            f"of {least} pixels or more."
        )
    generator = run["generator"]
    if generator is None:
        return
    most = plugins.describe("generators", generator["kind"]).constants.get("LARGEST")
    if most and 3 * height * width > most:
        raise UserError(
            f"{where} is too large for generator '{run['generator_name']}' (variant "
            f"'{run['variant']}'), which takes {most} values an image at most. Set a smaller size, "
            f"or choose another generator."
        )


def _training(
    defaults: Block, length: Block, own: Block, task: Block, limit: int | None, keeps_best: bool
) -> Block:
    """Defaults, then the variant's own settings, then the study's limits."""
    settings = {k: v for k, v in defaults.items() if not k.startswith("with")} | length | own
    for most in (task.get("max_epochs"), limit):
        settings["epochs"] = min(settings["epochs"], most or settings["epochs"])
    if task.get("patience") and settings["patience"]:
        settings["patience"] = min(settings["patience"], task["patience"])
    if settings["patience"] is None and keeps_best:
        settings["patience"] = settings["epochs"]  # never stops, and goes back to the best epoch
    return settings
