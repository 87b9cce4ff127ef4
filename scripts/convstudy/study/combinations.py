"""Combinations: variants that train nothing, but are means of the predictions of finished runs.

Of the networks of several variants or seeds (ensembles), or of one network on several views of each
image (test-time augmentation).

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import itertools
from collections.abc import Iterable, Mapping

from convstudy.foundation.errors import UserError
from convstudy.study import places, plugin_options
from convstudy.study.schema import Block

# What only a training has, and what it is where it is not given.
TRAINED = {
    "task": None, "dataset": None, "generator": "none", "backbone": None, "training": {},
    "sweep": {}, "best": 1,
}  # fmt: skip
JOINED = ("model", "generator_name", "backbone_name", "protocol")
BLOCKS = ("options", "training", "switches")


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

    Whether there is one network for all seeds, and not one a seed, is told in `one_network`.
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
    single = [name for name, x in members.items() if x["one_network"]]
    if single and (combines["over"] == "seeds" or len(single) < len(members)):
        raise UserError(
            f"config: {where}.variants: '{single[0]}' is one mean of all seeds, so there is no "
            f"network of it for each of them. Name the variants that it is made of."
        )
    block["one_network"] = combines["over"] == "seeds" or bool(single)


def _input(config: Block, variant: Block) -> str:
    return plugin_options.constant("models", config["models"][variant["model"]], "INPUT")


def with_members(known: Mapping[str, Block], names: Iterable[str]) -> list[str]:
    """Names of variants, each after all that it is made of; of a sweep the names of its values."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for point in _points(known, name):
            add(point)
        found[name] = None

    for name in names:
        add(name)
    return list(found)


def _points(known: Mapping[str, Block], name: str) -> list[str]:
    return [point for member in known[name]["members"] for point in known[member]["points"]]


def run(
    config: Block, study_name: str, known: Mapping[str, Block], name: str, runs: Mapping[str, Block]
) -> Block:
    """The run of a combination in a study; as that of a variant, see `studies.resolve`.

    What its members have in common is its own, so one with views is evaluated as its network is.
    `members` are the names of the runs that it is the mean of, or may be. `plan` says what is to be
    done: with `views` (see `views`) their `words` and the `network`; else what the mean is `over`,
    its `groups` (`points` of which the `best` are taken) and, where they decide it, the `seeds`.

    Args:
        config: the checked config.
        study_name: the study.
        known: all variants by name.
        name: the combination.
        runs: the runs of its members by name.

    Raises:
        UserError: the study has not the seeds or the images for it.
    """
    block = known[name]
    combines, points = block["combines"], _points(known, name)
    own = {key: block[key] for key in ("of", "label", "sweep", "sweep_label", "values", "best")}
    own |= {key: block[key] for key in ("description", "reference", "one_network")}
    made = _shared([runs[point] for point in points]) | own
    made |= {"variant": name, "combines": combines | {"variants": block["members"]}}
    made["members"] = points
    if combines["views"]:
        height, width = config["datasets"][made["dataset"]]["image_size"]
        made["plan"] = _of_views(block, points[0], min(height, width))
        return made
    groups = [
        {"points": found, "best": combines["best"] if found != [member] else 1}
        for member in block["members"]
        for found in [known[member]["points"]]
    ]
    chooses = any(group["best"] < len(group["points"]) for group in groups)
    seeds = None
    if chooses or combines["over"] == "seeds":
        seeds = _seeds(config["studies"][study_name], study_name, block, name)
    made["plan"] = {"over": combines["over"], "groups": groups, "seeds": seeds}
    return made


def _shared(members: list[Block]) -> Block:
    """What the runs of all members have in common: None where they differ, names joined."""
    found = _common(members)
    found |= {key: _common([x[key] for x in members]) for key in BLOCKS}
    for key in JOINED:
        names = dict.fromkeys(name for x in members if x[key] for name in x[key].split(" + "))
        found[key] = " + ".join(names) or None
    return found


def _common(blocks: list[Block]) -> Block:
    first, *others = blocks
    keys = dict.fromkeys(key for block in blocks for key in block)
    return {
        key: first.get(key) if all(x.get(key) == first.get(key) for x in others) else None
        for key in keys
    }


def _seeds(study: Block, study_name: str, block: Block, name: str) -> list[int]:
    """The seeds of a study, where they decide what a combination is."""
    over = block["combines"]["over"] == "seeds"
    if study["replicates"]:
        what = "a mean over seeds" if over else "a choice among the values of a sweep"
        raise UserError(
            f"config: studies.{study_name}.replicates: seeds are added while the study runs, but "
            f"variant '{name}' is {what}, which each of them would make another. Remove this key "
            f"and list `seeds`, or leave out the variant."
        )
    if over and len(study["seeds"]) < 2:
        raise UserError(
            f"config: studies.{study_name}.seeds: {study['seeds']}, and variant '{name}' is a mean "
            f"over seeds. Give two seeds or more, or leave out the variant."
        )
    return study["seeds"]


def _of_views(block: Block, network: str, side: int) -> Block:
    padding = block["combines"]["views"]["crop_padding"]
    if padding is not None and padding >= side:
        raise UserError(
            f"config: variants.{block['of']}.combines.views.crop_padding: {padding}, but the "
            f"images have sides of {side} pixels, so a corner would show nothing. Give fewer."
        )
    return {
        "network": network,
        "views": views(block["combines"]["views"]),
        "words": view_words(block["combines"]["views"]),
    }


def views(asked: Block) -> list[Block]:
    """Each view as `flip` and `offset`, by how many pixels [down, right] the image is moved."""
    padding = asked["crop_padding"]
    corners = [] if padding is None else itertools.product((-padding, padding), repeat=2)
    offsets = [[0, 0], *map(list, corners)]
    flips = (False, True) if asked["flip"] else (False,)
    return [{"flip": flip, "offset": offset} for flip in flips for offset in offsets]


def view_words(asked: Block) -> str:
    """The views in words."""
    if asked["crop_padding"] is None:
        return "plain and flipped"
    flipped = ", plain and flipped" if asked["flip"] else ""
    return f"centre and corners with a padding of {asked['crop_padding']} pixels{flipped}"
