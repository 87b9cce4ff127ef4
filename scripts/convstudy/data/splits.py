"""Draw what trains, what validates and what tests: stratified, seeded, stable.

Each class draws from a random stream of its own, seeded with the seed and the *name* of the class:
adding, dropping or re-ordering classes leaves the draws of the others as they were, and a larger
limit keeps the images that a smaller one drew. Where images come in groups, whole groups are drawn
(see `groups`), which may hold images of several classes: there the draw is one of all classes.
"""

from collections.abc import Sequence

import numpy as np

from convstudy.data import groups
from convstudy.data.hdf5 import SUBSETS
from convstudy.foundation.errors import UserError
from convstudy.foundation.random_draws import class_rng
from convstudy.readers import Source


def draw_split(
    source: Source,
    chosen: Sequence[int] | None = None,
    *,
    max_train_per_class: int | None = None,
    max_test_per_class: int | None = None,
    test_fraction: float = 0.2,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Draw the images of each subset, class by class.

    Where the data set has no test part, round(test_fraction * n) of the n images of a class, at
    least 1, test. Where it has no validation part, round(validation_fraction * n) of the n training
    images that a class keeps under its limit, at least 1 and at most n - 1, validate.

    With groups, test and validation images are whole groups, as near to these numbers as the groups
    allow and one of each class at least. Limits pick images within the parts after that, so they
    thin groups out, and leave none of them in two parts.

    Args:
        source: its labels, class names, parts and groups.
        chosen: labels to draw; None is all.
        max_train_per_class: limit of training images, with those of validation that are drawn.
        max_test_per_class: limit of test images.
        test_fraction: above 0 and below 1.
        validation_fraction: above 0 and below 1.
        seed: 0 or more.

    Returns:
        For "train", "validation" and "test", sorted indices into the source's images; no two have
        an image in common.

    Raises:
        UserError: a class has too few images, or too few groups.
    """
    if source.groups:
        limits = {"train": max_train_per_class, "test": max_test_per_class}
        fractions = {"test": test_fraction, "validation": validation_fraction}
        return _draw_groups(source, chosen, limits, fractions, seed)
    drawn: dict[str, list[np.ndarray]] = {subset: [] for subset in SUBSETS}
    parts = np.array(source.parts or ["train"] * len(source.labels))
    for label in range(len(source.class_names)) if chosen is None else chosen:
        name = source.class_names[label]
        own = {x: np.flatnonzero((source.labels == label) & (parts == x)) for x in SUBSETS}
        given = [x for x in SUBSETS if x in source.parts]
        _check_enough(name, own, given)
        if "test" not in given:
            count = max(1, round(test_fraction * len(own["train"])))
            order = class_rng("test part", seed, name).permutation(len(own["train"]))
            own["test"] = own["train"][np.sort(order[:count])]
            own["train"] = own["train"][np.sort(order[count:])]
        least = 1 if "validation" in given else 2
        kept = _limited(own["train"], "train", least, max_train_per_class, name, seed)
        if "validation" not in given:
            count = min(max(1, round(validation_fraction * len(kept))), len(kept) - 1)
            own["validation"], kept = kept[:count], kept[count:]
        drawn["train"].append(kept)
        drawn["validation"].append(own["validation"])
        drawn["test"].append(_limited(own["test"], "test", 1, max_test_per_class, name, seed))
    return {subset: np.sort(np.concatenate(indices)) for subset, indices in drawn.items()}


def _draw_groups(
    source: Source,
    chosen: Sequence[int] | None,
    limits: dict[str, int | None],
    fractions: dict[str, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """The same where images of one group stay together; given parts stay as they are."""
    chosen = range(len(source.class_names)) if chosen is None else chosen
    given = [x for x in SUBSETS if x in source.parts]
    parts = np.array(source.parts or ["train"] * len(source.labels))
    wanted = np.isin(source.labels, chosen)
    own = {x: np.flatnonzero(wanted & (parts == x)) for x in SUBSETS}
    of = groups.of_images(source)
    missing = [x for x in ("test", "validation") if x not in given]
    for label in chosen:
        members = {x: rows[source.labels[rows] == label] for x, rows in own.items()}
        _check_enough(source.class_names[label], members, given)
        groups.check_enough(
            source.class_names[label], of[members["train"]], 1 + len(missing), [*missing, "train"]
        )
    rows, asked = own["train"], {part: fractions[part] for part in missing}
    for part, held in groups.parted(source.labels[rows], of[rows], asked, seed).items():
        own[part] = rows[held]
    drawn: dict[str, list[np.ndarray]] = {subset: [] for subset in SUBSETS}
    for label in chosen:
        name = source.class_names[label]
        members = {x: rows[source.labels[rows] == label] for x, rows in own.items()}
        train, limit = members["train"], limits["train"]
        if "validation" in missing and limit is not None:
            kept = min(limit, len(train) + len(members["validation"]))
            count = min(max(1, round(fractions["validation"] * kept)), kept - 1)
            members["validation"] = _limited(
                members["validation"], "validation", 1, count or 1, name, seed
            )
            limit -= len(members["validation"])
            if limit < 1:
                raise UserError(f"max_train_per_class: {limits['train']}, expected at least 2.")
        drawn["train"].append(_limited(train, "train", 1, limit, name, seed))
        drawn["validation"].append(members["validation"])
        drawn["test"].append(_limited(members["test"], "test", 1, limits["test"], name, seed))
    return {subset: np.sort(np.concatenate(indices)) for subset, indices in drawn.items()}


def _check_enough(name: str, own: dict[str, np.ndarray], given: Sequence[str]) -> None:
    """Refuse a class that cannot have an image in each subset."""
    jobs = {"train": "trains", "validation": "validates", "test": "tests"}
    for part in given or ["train"]:
        drawn = [x for x in SUBSETS if x not in given and x != "train"] if part == "train" else []
        least = 1 + len(drawn)
        if len(own[part]) < least:
            where = f" in the {part} part" if given else ""
            why = " (" + ", ".join(f"one {jobs[x]}" for x in [part, *drawn]) + ")" if drawn else ""
            raise UserError(
                f"class '{name}': {len(own[part])} images{where}, expected at least {least}{why}. "
                f"Add images, or leave the class out with the key exclude_classes."
            )


def _limited(
    members: np.ndarray, part: str, least: int, limit: int | None, name: str, seed: int
) -> np.ndarray:
    """At most `limit` images of a class, in random order."""
    if limit is not None and limit < least:
        raise UserError(f"max_{part}_per_class: {limit}, expected at least {least}.")
    return class_rng(part, seed, name).permutation(members)[:limit]
