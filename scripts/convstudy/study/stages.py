"""Trainings of several stages: which part of a network each trains, and on what.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import plugin_options
from convstudy.study.repairs import flow
from convstudy.study.schema import Block

OF_BACKBONES = ("trains", "batch_norms", "backbone_rate")


def of(run: Block) -> list[Block]:
    """The settings of each stage of a run, in their order; of most runs there is one."""
    return [*run["before"], run["training"]]


def takes(run: Block, training: Block) -> str:
    """What a stage is trained on: a head whose backbone stays as it is on its cached features."""
    return "features" if training.get("trains") == "head" else run["input"]


def one(run: Block, number: int) -> Block:
    """A run as its stage of a number, from 1, is trained: with that one's settings and input."""
    training = of(run)[number - 1]
    found = run | {"training": training, "input": takes(run, training)}
    return found if found["input"] == run["input"] else found | {"generator": None}


def epochs(run: Block) -> int | None:
    """Most epochs of all stages together.

    None where the weights are computed without any, and of a mean of networks that differ in them.
    """
    if run["solver"] or run["before"] is None or run["training"].get("epochs") is None:
        return None
    return sum(training["epochs"] for training in of(run))


def words(run: Block) -> dict[str, str]:
    """Each stage in words, by its number from 1; empty where there is one."""
    if not run["before"]:
        return {}
    return {str(number): _words(run, training) for number, training in enumerate(of(run), start=1)}


def _words(run: Block, training: Block) -> str:
    part = training.get("trains", "all")
    trains = {
        "all": "the whole network",
        "head": "the head, on cached features of images that are not augmented",
    }.get(part, f"the backbone from {part} on, and the head")
    rest = [
        f"at most {training['epochs']} epochs",
        f"rate {flow(training['learning_rate'])}",
        f"schedule {training['schedule']['kind']}",
    ]
    if "backbone_rate" in training:
        rest.append(f"of the backbone {flow(training['backbone_rate'])} of it")
    return ", ".join([trains, *rest])


def check(run: Block, given: list[Block]) -> None:
    """Refuse a stage that its network cannot have, and values of a sweep that no stage takes.

    Args:
        run: with its stages.
        given: the stages as the variant gives them.

    Raises:
        UserError: with the stage's key, what was found, and what to do.
    """
    where = f"variants.{run['of']}"
    for parameter in run["values"]:
        section, _, key = parameter.partition(".")
        key = key.split(".")[0]
        if section == "training" and given and all(key in stage for stage in given):
            raise UserError(
                f"config: {where}.sweep.{parameter}: every stage has its own {key}, so the values "
                f"would change nothing. Leave {key} out of the stages that are to take them."
            )
    for number, training in enumerate(of(run)):
        stage = f"{where}.training" + (f".stages.{number}" if run["before"] else "")
        asked = [key for key in OF_BACKBONES if key in training]
        if asked and run["input"] != "backbone":
            raise UserError(
                f"config: {stage}.{asked[0]}: {flow(training[asked[0]])}, but model "
                f"'{run['model']}' has no backbone of which a part could be trained. Remove this "
                f"key, or choose a model that fine-tunes a backbone."
            )
        if training.get("trains") == "head":
            _check_head(stage, run, training)


def _check_head(stage: str, run: Block, training: Block) -> None:
    """Refuse a head that cannot be trained on cached features."""
    if run["backbone"]["weights"] == "random":
        raise UserError(
            f"config: {stage}.trains: head, but backbone '{run['backbone_name']}' has random "
            f"weights, other ones for each seed, so that there are no features of it. Train the "
            f"whole network first (trains: all)."
        )
    maps = plugin_options.describe("models", run["kind"]).constants.get("MAPS")
    if maps and run["options"].get(maps):
        raise UserError(
            f"config: {stage}.trains: head, but the head of model '{run['model']}' begins with "
            f"feature maps ({maps}), and the cached features are vectors. Name the backbone's "
            f"last layer (trains: <layer>), or choose a model without {maps}."
        )
    others = [key for key in OF_BACKBONES[1:] if key in training]
    if others:
        raise UserError(
            f"config: {stage}.{others[0]}: given beside trains: head, which leaves the backbone "
            f"as it is. Remove one of them."
        )
