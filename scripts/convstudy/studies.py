"""The studies of a checked config, resolved into the runs they ask for.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from convstudy import plugins
from convstudy.errors import UserError
from convstudy.schema import Block

# Least side of the images that networks of keras.applications take; 32 where it is not here.
SMALLEST = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}


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
        UserError: two studies ask for different runs under the same data set and variant, or a
            backbone cannot come from the variant that trains it.
    """
    runs: dict[tuple[str, str], Block] = {}
    rows: dict[str, list[Block]] = {}
    for study_name, study in config["studies"].items():
        fixed = [x for x, block in config["variants"].items() if block["dataset"]]
        rows[study_name] = []
        for name in dict.fromkeys([*study["variants"], *fixed]):
            run = _run(config, study_name, name)
            _check_size(config, run)
            key = (run["dataset"], name)
            if runs.setdefault(key, run) != run:
                raise UserError(
                    f"config: studies.{study_name}: another study trains '{name}' on "
                    f"'{run['dataset']}' with another budget or backbone, and both would be the "
                    f"same file. Give this study a data set block of its own name."
                )
            if name in study["variants"]:
                rows[study_name].append(run)
    _check_origins(config, runs)
    chosen = config["study"]
    return Study(chosen, config["studies"][chosen], rows[chosen], runs)


def _check_origins(config: Block, runs: dict[tuple[str, str], Block]) -> None:
    """Refuse backbones that come from themselves, or from a variant with another network."""
    for name in config["backbones"]:
        chain, backbone = [name], config["backbones"][name]
        while isinstance(backbone["weights"], dict) and "variant" in backbone["weights"]:
            variant = backbone["weights"]["variant"]
            where = f"backbones.{chain[-1]}.weights.variant"
            origin = runs[config["variants"][variant]["dataset"], variant]["backbone_name"]
            if origin in chain:
                way = " <- ".join([*chain, origin])
                raise UserError(
                    f"config: {where}: '{variant}' is trained on the backbone '{origin}', so this "
                    f"backbone would come from itself ({way}). Name a variant on another backbone."
                )
            trained = config["backbones"][origin]
            if trained["application"] != backbone["application"]:
                raise UserError(
                    f"config: {where}: '{variant}' trains the backbone '{origin}', which is "
                    f"{trained['application'] or 'a file'} and no {backbone['application']}: its "
                    f"weights do not fit. Name a variant on the same application."
                )
            chain.append(origin)
            backbone = trained


def given_files(config: Block, study: Study) -> Iterator[tuple[str, str, str]]:
    """Files that the user gives to a study, as (key in the config, path, first file made of it)."""
    needed, datasets = [(row["dataset"], row["backbone_name"]) for row in study.rows], set()
    for dataset, backbone in needed:  # grows by what the backbones are trained on
        if dataset not in datasets:
            datasets.add(dataset)
            for name, path in config["datasets"][dataset]["files"].items():
                yield f"datasets.{dataset}.files.{name}", path, f"results/data/{dataset}.h5"
        if backbone is None:
            continue
        block, where = config["backbones"][backbone], f"backbones.{backbone}"
        result = f"results/backbones/{dataset}/{backbone}.keras"
        weights = block["weights"] if isinstance(block["weights"], dict) else {}
        if block["file"]:
            yield f"{where}.file", block["file"], result
        elif "file" in weights:
            yield f"{where}.weights.file", weights["file"], result
        elif "variant" in weights:
            variant = weights["variant"]
            run = study.runs[config["variants"][variant]["dataset"], variant]
            needed.append((run["dataset"], run["backbone_name"]))


def _run(config: Block, study_name: str, name: str) -> Block:
    study, variant = config["studies"][study_name], config["variants"][name]
    task = study["tasks"].get(variant["task"], {})
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
        "task": variant["task"] or "",
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
