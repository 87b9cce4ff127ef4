"""Combinations: variants that train nothing, but are means of the predictions of finished runs.

Of the networks of several variants or seeds (ensembles), or of one network on several views of each
image (test-time augmentation).

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Mapping

from convstudy.foundation.errors import UserError
from convstudy.study import places, plugin_options
from convstudy.study.schema import Block

# What only a training has, and what it is where it is not given.
TRAINED = {
    "task": None, "dataset": None, "recipe": None, "generator": "none", "backbone": None,
    "training": {}, "sweep": {}, "best": 1,
}  # fmt: skip


def check(where: str, variant: Block) -> None:
    """Refuse a variant that is neither trained nor combined or both, and means of nothing.

    Args:
        where: its place in the config.
        variant: its block.

    Raises:
        UserError: with the key, what was found and what to do.
    """
    combines = variant["combines"]
    if (variant["model"] is None) == (combines is None):
        found = "neither" if combines is None else "both"
        raise UserError(
            f"config: {where}: {found} of 'model' and 'combines' given, expected one: a model, "
            f"which is trained, or what finished runs the variant is the mean of."
        )
    if combines is None:
        return
    for key, unset in TRAINED.items():
        if variant[key] != unset:
            raise UserError(
                f"config: {where}.{key}: {variant[key]!r} given, but a combination is not trained: "
                f"it has this from the variants that it combines. Remove this key."
            )
    _check_views(f"{where}.combines", combines)


def _check_views(where: str, combines: Block) -> None:
    views = combines["views"]
    if views is None:
        return
    if not views["flip"] and views["crop_padding"] is None:
        raise UserError(
            f"config: {where}.views: no view beside the image as it is. Write flip: true, "
            f"crop_padding and a number of pixels, or both."
        )
    if len(combines["variants"]) > 1 or combines["over"] == "seeds" or combines["best"] > 1:
        raise UserError(
            f"config: {where}.views: views are of the networks of one variant, seed by seed. Give "
            f"each variant a block with its views, and name these blocks in another one that "
            f"combines them."
        )


def check_circles(members: Mapping[str, list[str]]) -> None:
    """Refuse combinations that are made of themselves.

    Args:
        members: names that each combination is made of; others, that are trained, are not there.
    """

    def follow(chain: list[str]) -> None:
        for name in members.get(chain[-1], ()):
            if name in chain:
                way = " <- ".join([*chain, name])
                raise UserError(
                    f"config: variants.{chain[0]}.combines.variants: it would be made of itself "
                    f"({way}). Name variants that are trained."
                )
            follow([*chain, name])

    for name in members:
        follow([name])


def settle(config: Block, known: dict[str, Block]) -> None:
    """Give each combination the task or data set of its members.

    Args:
        config: the config.
        known: all variants by name, as `variants.expand` has them; its blocks are changed.

    Raises:
        UserError: a member is no variant, is on other images, or cannot be combined so.
    """
    combined = {name: block for name, block in known.items() if block["combines"]}
    check_circles({name: block["members"] for name, block in combined.items()})
    for block in combined.values():
        _settle(config, known, block)


def _settle(config: Block, known: dict[str, Block], block: Block) -> None:
    where = f"variants.{block['of']}.combines"
    found: dict[tuple[str | None, str | None], str] = {}
    for name in block["members"]:
        if name not in known:
            raise UserError(
                f"config: {where}.variants: '{name}' is not one of variants. "
                + places.of_name(config | {"variants": known}, "variants", name)
            )
        if known[name]["combines"] and not (known[name]["task"] or known[name]["dataset"]):
            _settle(config, known, known[name])
        found.setdefault((known[name]["task"], known[name]["dataset"]), name)
    if len(found) > 1:
        (one, first), (other, second) = list(found.items())[:2]
        raise UserError(
            f"config: {where}.variants: '{first}' is on {_images(one)} and '{second}' on "
            f"{_images(other)}: no mean of predictions of different images. Name variants of one "
            f"task, or of one data set."
        )
    ((block["task"], block["dataset"]),) = found
    _check_members(config, known, block, where)


def _images(place: tuple[str | None, str | None]) -> str:
    task, dataset = place
    return f"the task '{task}'" if task else f"the data set '{dataset}'"


def _check_members(config: Block, known: dict[str, Block], block: Block, where: str) -> None:
    """Refuse views of what is no one network on images, a best of no sweep, a mean of one.

    Whether nothing in it is random is told in `solved`, and whether there is one network for all
    seeds, and not one a seed, in `one_network`.
    """
    combines, members = block["combines"], {name: known[name] for name in block["members"]}
    best, first = combines["best"], block["members"][0]
    sweeps = {name: len(x["points"]) for name, x in members.items() if x["points"] != [name]}
    if combines["views"] and (sweeps or members[first]["combines"]):
        kind = "a sweep of several networks" if sweeps else "a combination"
        raise UserError(
            f"config: {where}.views: '{first}' is {kind}, and views are of one network. Name one "
            f"of the variants that it is made of."
        )
    if combines["views"] and _input(config, members[first]) == "features":
        raise UserError(
            f"config: {where}.views: '{first}' is a head on features, which are of the images as "
            f"they are. Name a variant that takes images: one that fine-tunes the backbone."
        )
    if best > 1 and not sweeps:
        raise UserError(
            f"config: {where}.best: {best} given, but none of {', '.join(members)} is a sweep. "
            f"Remove this key, or name a sweep."
        )
    for name, points in sweeps.items():
        if best > points:
            raise UserError(f"config: {where}.best: {best}, but '{name}' has {points} values.")
    networks = sum(best if name in sweeps else 1 for name in members)
    if not combines["views"] and combines["over"] == "variants" and networks < 2:
        raise UserError(
            f"config: {where}: a mean of one network, '{first}', is that network. Name more "
            f"variants, write over: seeds, best: 2 or more of a sweep, or views."
        )
    solved = [name for name, x in members.items() if _solved(config, x)]
    single = [name for name, x in members.items() if x["one_network"] and name not in solved]
    over_seeds, block["solved"] = combines["over"] == "seeds", len(solved) == len(members)
    if over_seeds and block["solved"]:
        raise UserError(
            f"config: {where}.over: seeds, but nothing in '{first}' is random: it is computed once "
            f"for all seeds. Name a variant that is trained, too, or remove this key."
        )
    if single and (over_seeds or len(single) + len(solved) < len(members)):
        raise UserError(
            f"config: {where}.variants: '{single[0]}' is one mean of all seeds, so there is no "
            f"network of it for each of them. Name the variants that it is made of."
        )
    block["one_network"] = over_seeds or bool(single) or block["solved"]


def _solved(config: Block, variant: Block) -> bool:
    """Whether a variant, or all that it is the mean of, is computed and not trained."""
    if variant["combines"]:
        return variant["solved"]
    return plugin_options.describe("models", config["models"][variant["model"]]["kind"]).solves


def _input(config: Block, variant: Block) -> str:
    return plugin_options.constant("models", config["models"][variant["model"]], "INPUT")
