"""What the protocols of a study did to its runs, in words for the summary and the report.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Callable

from convstudy.study import augmentation_steps, stages
from convstudy.study.schema import Block

STATISTICS = {
    "train": "mean, deviation and whitening come from the training images",
    "train_and_validation": (
        "mean, deviation and whitening come from training and validation images together"
    ),
}
VALIDATION_IMAGES = {
    "plain": "the validation images are never augmented",
    "augmented": (
        "the validation images are augmented like the training images, anew in every epoch, so "
        "early stopping sees noise"
    ),
}
BATCH_NORM = {
    "inference": "the batch norms of a fine-tuned backbone stay frozen",
    "training": "the batch norms of a fine-tuned backbone run in training mode",
}
BEST = "the network of the epoch with the best {} is kept"
FIGURES = {
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
    "accuracy": "training accuracy",
    "loss": "training loss",
}
SOLVED = "the solution with the best validation accuracy is kept"
LAST = "the network of the last epoch is kept, so nothing is selected"


def described(rows: list[Block]) -> dict[str, str]:
    """One sentence for each protocol of some runs: what it did to them, and with which budget.

    Only what concerns one of the runs is said; where they differ, each is named.

    Args:
        rows: runs of a study, see `studies.resolve`.
    """
    found: dict[str, list[Block]] = {}
    for row in rows:
        found.setdefault(row["protocol"], []).append(row)
    say = [_statistics, _validation_images, _batch_norm, _kept, _budget]
    if any("class_weights" in row["training"] for row in rows):
        say.append(_class_weights)
    return {
        protocol: "; ".join(words for one in say for words in _told(own, one)) + "."
        for protocol, own in found.items()
    }


def _told(rows: list[Block], say: Callable[[Block], str]) -> list[str]:
    """What is said of the rows, with their labels where it is not the same of all."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        if words := say(row):
            found.setdefault(words, {})[row["sweep_label"] or row["label"]] = None
    if len(found) < 2:
        return list(found)
    return [f"{words} ({', '.join(labels)})" for words, labels in found.items()]


def _statistics(row: Block) -> str:
    return STATISTICS[row["statistics_from"]] if row["statistics_from"] else ""


def _validation_images(row: Block) -> str:
    used = row["switches"].get("validation_images", "plain")
    unmixed = used == "augmented" and augmentation_steps.mixing(row["generator"])
    words = VALIDATION_IMAGES[used] + ", but never mixed" * bool(unmixed)
    return words if row["augments"] else ""


def _batch_norm(row: Block) -> str:
    used = row["switches"].get("backbone_batch_norm", row["options"].get("batch_norm"))
    return BATCH_NORM.get(used, "") if row["input"] == "backbone" else ""


def _kept(row: Block) -> str:
    if row["solver"]:
        return SOLVED
    if row["training"]["patience"] is None:
        return LAST
    return BEST.format(FIGURES[row["training"]["monitor"]])


def _budget(row: Block) -> str:
    if row["solver"]:
        return "computed, without epochs"
    limits = [(x["epochs"], x["patience"]) for x in stages.of(row)]
    waits = dict.fromkeys(str(y) for epochs, y in limits if y is not None and y < epochs)
    if not waits:
        return f"{stages.epochs(row)} epochs, no early stopping"
    return f"at most {stages.epochs(row)} epochs, patience {' and '.join(waits)}"


def _class_weights(row: Block) -> str:
    asked = row["training"].get("class_weights")
    if asked is None:
        return "all training images weigh the same in the loss"
    if asked == "balanced":
        return "rare classes weigh more in the loss of training, so that all classes count alike"
    weights = ", ".join(f"{name} {weight:g}" for name, weight in asked.items())
    return f"the loss weighs training images by class ({weights})"
