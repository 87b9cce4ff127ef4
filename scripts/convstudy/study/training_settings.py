"""How a run is trained: blocks of optimizer, schedule and loss, and the settings that win.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Iterator
from typing import Any

from convstudy.foundation.errors import UserError, nearest
from convstudy.study import schema
from convstudy.study.repairs import flow
from convstudy.study.schema import Block
from convstudy.study.training_blocks import BLOCKS, options, tables

CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")


def fill(training: Block, where: str) -> None:
    """Check the blocks of optimizer, schedule and loss that are there, and fill their defaults.

    Those of stages, too.

    Raises:
        UserError: a kind is not known, or its options are not as they may be.
    """
    for block in BLOCKS:
        if block in training:
            training[block] = filled(block, training[block], f"{where}.{block}")
    for i, stage in enumerate(training.get("stages") or []):
        fill(stage, f"{where}.stages.{i}")


def filled(block: str, given: str | Block, where: str) -> Block:
    """One of `BLOCKS`, which may be its kind alone, with `kind` and all its options.

    Raises:
        UserError: see `fill`.
    """
    given = {"kind": given} if isinstance(given, str) else dict(given)
    kinds = tables()[block]["kinds"]
    if "kind" not in given:
        raise UserError(
            f"config: {where}: 'kind' is missing, expected beside {', '.join(given) or 'nothing'}. "
            f"Allowed: {', '.join(kinds)}."
        )
    kind = given.pop("kind")
    if kind not in kinds:
        raise UserError(f"config: {where}: {kind!r} is not known. {nearest(kind, kinds)}")
    schema.check(given, options(block, kind), where)
    clips = [name for name in CLIPS if given.get(name) is not None]
    if len(clips) > 1:
        raise UserError(
            f"config: {where}: {' and '.join(clips)} given, expected one of them: a gradient is "
            f"clipped in one way. Remove the others."
        )
    return {"kind": kind} | given


def words(training: Block) -> dict[str, str | None]:
    """Each of `BLOCKS` in words: its kind, and the options that are not as they are by default.

    Empty of a model whose weights are computed, which has none of them; None of a combination
    whose members differ in it.
    """
    found: dict[str, str | None] = dict.fromkeys(BLOCKS, "")
    for block in (block for block in BLOCKS if block in training):
        given = training[block]
        if given is None:
            found[block] = None
            continue
        own = [
            f"{name} {flow(given[name])}"
            for name, about in options(block, given["kind"])["properties"].items()
            if given[name] != about.get("default")
        ]
        found[block] = ", ".join([given["kind"], *own])
    return found


def parameters(training: Block, swept: Block, where: str) -> list[str]:
    """What a sweep may name of the blocks: `optimizer.momentum` and so on.

    Args:
        training: the settings that hold where the sweep says nothing, see `merged`.
        swept: the sweep's values by parameter.
        where: the variant's path in the config, for messages.
    """
    return [
        f"{block}.{option}"
        for block in BLOCKS
        for kind in dict.fromkeys(x["kind"] for x in _bases(block, training, swept, where))
        for option in options(block, kind)["properties"]
    ]


def check_swept(parameter: str, value: Any, training: Block, swept: Block, where: str) -> None:
    """Refuse the value of a sweep over one of `BLOCKS` or an option of it.

    Raises:
        UserError: see `fill`.
    """
    block, _, option = parameter.partition(".")
    if not option:
        return  # `parameters` has looked at it
    for base in _bases(block, training, swept, where):
        filled(block, base | {option: value}, f"{where}.sweep.training.{block}")


def _bases(block: str, training: Block, swept: Block, where: str) -> Iterator[Block]:
    """The blocks that options of a sweep go into: each of its own, or that of the settings."""
    for given in swept.get(f"training.{block}", [training[block]]):
        yield filled(block, given, f"{where}.sweep.training.{block}")


def merged(*layers: Block) -> Block:
    """Settings of which a later layer overrides an earlier one; a block takes the place of a block.

    A key like `optimizer.momentum`, of a sweep, is an option of the block that holds otherwise. All
    blocks are whole already, see `filled`.
    """
    found: Block = {}
    for layer in layers:
        found |= layer
    for key in [key for key in found if "." in key]:
        block, option = key.split(".")
        found[block] = filled(block, found[block] | {option: found.pop(key)}, f"training.{block}")
    return found


def of_run(
    where: str,
    layers: list[Block],
    task: Block,
    limit: int | None,
    keeps_best: bool,
) -> list[Block]:
    """The settings of each stage of a run: those of its layers, within the limits of its study.

    Args:
        where: the variant's `training`, for messages.
        layers: defaults, the protocol's budget, the variant's own.
        task: of the study, with `max_epochs` and `patience` where it limits them.
        limit: most epochs of a stage of this variant in the study.
        keeps_best: keep the best epoch's network where nothing stops the training early.

    Returns:
        one entry a stage; one of all, where the variant has none.

    Raises:
        UserError: a warm-up is as long as its training.
    """
    whole = merged(*layers)
    stages = whole.pop("stages", None)
    if not stages:
        return [_limited(where, whole, task, limit, keeps_best)]
    return [
        _limited(f"{where}.stages.{i}", merged(whole, stage), task, limit, keeps_best)
        for i, stage in enumerate(stages)
    ]


def _limited(
    where: str, settings: Block, task: Block, limit: int | None, keeps_best: bool
) -> Block:
    """The settings of one training within the limits of its study."""
    for most in (task.get("max_epochs"), limit):
        settings["epochs"] = min(settings["epochs"], most or settings["epochs"])
    if task.get("patience") and settings["patience"]:
        settings["patience"] = min(settings["patience"], task["patience"])
    if settings["patience"] is None and keeps_best:
        settings["patience"] = settings["epochs"]  # never stops, and goes back to the best epoch
    if settings["class_weights"] is None:
        del settings["class_weights"]  # a run without them is the one that it was before the key
    warmup = settings["schedule"]["warmup"]
    if warmup >= settings["epochs"]:
        raise UserError(
            f"config: {where}: schedule.warmup is {warmup:g} epochs, and the training has "
            f"{settings['epochs']} at most, so that it would never be at its rate. Give a shorter "
            f"warm-up, or more epochs (training.epochs and the limits of the study)."
        )
    for key, usual in (("trains", "all"), ("precision", "float32")):
        if settings.get(key) == usual:
            del settings[key]
    return settings
