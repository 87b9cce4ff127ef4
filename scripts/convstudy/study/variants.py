"""The variants that studies can name: those of the config and of their sweeps, by protocol.

A protocol says how strictly the promises about validation data are kept (see `SWITCHES`). Under
`corrected` a variant has its own name; under any other it is called `{variant}__{protocol}`.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import sweeps
from convstudy.study.schema import Block

PLAIN = "corrected"
# What the values of a protocol's switches mean, for the summary.
SWITCHES = {
    "statistics_from": {
        "train": "mean, deviation and whitening come from the training images",
        "train_and_validation": (
            "mean, deviation and whitening come from training and validation images together"
        ),
    },
    "validation_images": {
        "plain": "the validation images are never augmented",
        "augmented": (
            "the validation images are augmented like the training images, anew in every epoch, "
            "so early stopping sees noise"
        ),
    },
    "backbone_batch_norm": {
        "frozen": "the batch norms of a pretrained backbone stay frozen while it is fine-tuned",
        "training": "the batch norms of a fine-tuned backbone run in training mode",
    },
    "network_kept": {
        "best_epoch": (
            "a training without early stopping keeps the network of the epoch with the best "
            "validation accuracy"
        ),
        "last_epoch": (
            "a training without early stopping keeps the network of its last epoch, so nothing is "
            "selected"
        ),
    },
}


def under(name: str, protocol: str) -> str:
    """The name of a variant or comparison under a protocol."""
    return name if protocol == PLAIN else f"{name}__{protocol}"


def expand(config: Block) -> dict[str, Block]:
    """All variants by name, with more keys than the config has.

    `of` is the variant's name in the config, `points` the names of its sweep's points (itself where
    it has none), `sweep` the name of the sweep that a point belongs to, `values` a point's values.

    Raises:
        UserError: two variants would have one name.
    """
    found: dict[str, Block] = {}
    for name, block in config["variants"].items():
        fixed = block["protocol"]
        for protocol in [fixed] if fixed else config["protocols"]:
            full = name if fixed else under(name, protocol)
            about = {"of": name, "protocol": protocol, "values": {}}
            options = {section: {} for section in sweeps.SECTIONS}
            whole = block | about | {"options": options}
            points = dict(sweeps.points(full, whole)) if block["sweep"] else {full: whole}
            sweep = full if block["sweep"] else None
            for point, own in points.items():
                _add(found, point, own | {"points": [point], "sweep": sweep})
            if sweep:
                _add(found, full, whole | {"points": list(points), "sweep": None})
    return found


def _add(found: dict[str, Block], name: str, block: Block) -> None:
    if name in found:
        other = next(x["of"] for x in (found[name], block) if x["of"] != name)
        raise UserError(
            f"config: variants.{name}: this is also the name of '{other}' under a protocol or with "
            f"a value of its sweep. Choose another name, or remove this block."
        )
    found[name] = block


def named(config: Block, name: str, protocols: list[str]) -> list[str]:
    """The rows that a study with these protocols has for a name among its variants."""
    if not _is_free(config, name):
        return [name]
    return [under(name, protocol) for protocol in protocols]


def _is_free(config: Block, name: str) -> bool:
    """Whether a name leaves the protocol to the study."""
    return name in config["variants"] and not config["variants"][name]["protocol"]


def comparisons(config: Block) -> dict[str, Block]:
    """All comparisons by name (also in `of`: the name in the config), under every protocol.

    One that names a variant under a protocol already stays as it is.
    """
    found = {}
    for name, block in config["comparisons"].items():
        free = all(_is_free(config, x) for x in block["variants"])
        for protocol in config["protocols"] if free else [PLAIN]:
            title = block["title"] + f" (protocol {protocol})" * (protocol != PLAIN)
            members = [named(config, x, [protocol])[0] for x in block["variants"]]
            full = under(name, protocol)
            found[full] = {"name": full, "of": name, "title": title, "variants": members}
    return found


def described(protocol: Block) -> str:
    """What a protocol does, in one sentence."""
    length = protocol["without_generator"]
    stopped = f"patience {length['patience']}" if length["patience"] else "no early stopping"
    words = [SWITCHES[key][value] for key, value in protocol.items() if key in SWITCHES]
    words.append(f"{length['epochs']} epochs and {stopped} without an augmenting generator")
    return "; ".join(words) + "."
