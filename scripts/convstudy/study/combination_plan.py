"""How a combination becomes a run of a study, and which files it is made of.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import itertools
from collections.abc import Iterable, Mapping

from convstudy.foundation.errors import UserError
from convstudy.study.schema import Block

JOINED = ("model", "generator_name", "backbone_name", "protocol")
BLOCKS = ("options", "training", "switches")


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


def of(
    config: Block, study_name: str, known: Mapping[str, Block], name: str, runs: Mapping[str, Block]
) -> Block:
    """The run of a combination in a study; as that of a variant, see `studies.resolve`.

    What its members have in common is its own, so one with views is evaluated as its network is.
    `members` are the names of the runs that it is the mean of, or may be. `plan` says what is to be
    done: with `views` (see `views`) their `words` and the `network`; of an ensemble what the mean
    is `over`, its `groups` (`points` of which the `best` are taken) and, where they decide it, the
    `seeds`. `fixed`, of an ensemble, gives the only seed of members in which nothing is random.

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
    first_seed = config["studies"][study_name]["seeds"][0]
    made["fixed"] = {x: first_seed for x in points if runs[x]["solver"] or known[x]["solved"]}
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


def sources(run: Block, dataset: str, seed: int | str, name: str) -> list[str]:
    """A file of each run that an ensemble is, or may be, made of, point by point, seed by seed.

    Args:
        run: the ensemble's run.
        dataset: its data set, or the fold of one.
        seed: its seed.
        name: the file in the folder of a run.
    """
    plan = run["plan"]
    seeds = plan["seeds"] if plan["over"] == "seeds" else [seed]
    return _files(run, dataset, run["members"], seeds, name)


def chosen_by(run: Block, dataset: str, seed: int | str) -> list[str]:
    """The metrics of other seeds by which, too, the values of sweeps are chosen for an ensemble.

    None of them is one of its `sources`: Snakemake would take the steps with a file twice for
    changed ones.
    """
    known = sources(run, dataset, seed, "metrics.json")
    return [
        path
        for group in groups(run)
        if group["best"] < len(group["points"])
        for path in _files(run, dataset, group["points"], run["plan"]["seeds"], "metrics.json")
        if path not in known
    ]


def groups(run: Block) -> list[Block]:
    """What an ensemble is made of; nothing of a run that is none."""
    return (run["plan"] or {}).get("groups", [])


def _files(
    run: Block, dataset: str, names: list[str], seeds: Iterable[int | str], name: str
) -> list[str]:
    return [
        f"results/runs/{dataset}/{x}/seed{seed}/{name}"
        for x in names
        for seed in ([run["fixed"][x]] if x in run["fixed"] else seeds)
    ]
