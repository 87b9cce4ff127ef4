"""Backbones of a config: of which kind they are, and where their weights come from.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import file_paths, folds, known_names, plugin_options
from convstudy.study.schema import Block


def check(where: str, block: Block) -> None:
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
        block["file"] = file_paths.plain(f"{where}.file", block["file"])
    elif block["any_size"]:
        raise UserError(
            f"config: {where}.any_size: given, but networks of keras.applications take images of "
            f"any size as they are. Remove this key."
        )
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
            weights["file"] = file_paths.plain(f"{where}.weights.file", weights["file"])


def check_pretraining(config: Block, where: str, weights: str | Block | None) -> None:
    """Refuse a variant that cannot give a backbone its weights."""
    if not isinstance(weights, dict) or "variant" not in weights:
        return
    name, where = weights["variant"], f"{where}.variant"
    variant = known_names.trained(config, name, where)
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


def check_origins(config: Block, found: dict[tuple[str, str], Block]) -> None:
    """Refuse backbones that come from themselves, or from a variant with another network."""
    for name in config["backbones"]:
        chain, backbone = [name], config["backbones"][name]
        while isinstance(backbone["weights"], dict) and "variant" in backbone["weights"]:
            variant = backbone["weights"]["variant"]
            where = f"backbones.{chain[-1]}.weights.variant"
            origin = found[config["variants"][variant]["dataset"], variant]["backbone_name"]
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
