"""Whole groups of images (of one patient, one animal, one burst) held out, so that none is split.

A network knows a patient again. Where images of one are both trained and tested on, part of the
test accuracy is memory, and says nothing of the next patient.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse

from convstudy.foundation.errors import UserError
from convstudy.foundation.random_draws import class_rng
from convstudy.readers import Source

ATTEMPTS = 10
ORDERS = 20  # that are tried; fewer where the groups are many, and so small
STEPS = 40_000


def of_images(source: Source) -> np.ndarray:
    """The number (n,) of each image's group; an image whose group is "" is one of its own."""
    names = [name or f"\0{row}" for row, name in enumerate(source.groups)]
    return np.unique(names, return_inverse=True)[1]


def check_enough(name: str, of: np.ndarray, least: int, jobs: Sequence[str]) -> None:
    """Refuse a class of fewer groups than it has to be in parts.

    Raises:
        UserError: with the class, its images and its groups.
    """
    found = len(np.unique(of))
    if found < least:
        count = f"{found} group" + "s" * (found != 1)
        raise UserError(
            f"class '{name}': its {len(of)} images are of {count}, expected at least {least} "
            f"(one each for {', '.join(jobs)}), as images of one group stay in one part. Add "
            f"images of other groups, or leave the class out with the key exclude_classes."
        )


def parted(
    labels: np.ndarray, of: np.ndarray, fractions: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """Part images by their groups: for each part of `fractions` about so much, the rest trains.

    Args:
        labels: class (n,) of each image.
        of: group (n,) of each image.
        fractions: by part, each of what the parts before it leave.
        seed: decides the draw.

    Returns:
        Sorted indices by part, with those of "train".

    Raises:
        UserError: no draw was found in which every class is in each part.
    """
    for attempt in range(ATTEMPTS):
        found, rest = {}, np.arange(len(labels))
        for place, (part, fraction) in enumerate(fractions.items(), 1):
            rng = class_rng(f"{part} groups {attempt}", seed, "")
            held = _held_out(labels[rest], of[rest], fraction, 1 + len(fractions) - place, rng)
            if held is None:
                break
            found[part], rest = rest[held], rest[~held]
        else:
            return found | {"train": rest}
    raise UserError(
        f"groups: {len(np.unique(of))} groups of images cannot be parted so that each of the "
        f"{len(np.unique(labels))} classes is in every part, as images of one group stay in one "
        f"part: add images of other groups, or leave out classes of few groups."
    )


def _held_out(
    labels: np.ndarray, of: np.ndarray, fraction: float, least: int, rng: np.random.Generator
) -> np.ndarray | None:
    """Choose groups to hold out, so that of each class about a fraction is held out.

    In the greedy way of scikit-learn's StratifiedGroupKFold, for two parts of unequal size: groups
    come in random order, and each is held out if that brings the classes' shares nearer to the
    fraction. A class that has none then is given one. Of several orders the nearest is taken. (A
    fold of a StratifiedGroupKFold would often lack a class of few groups.)

    Returns:
        bool (n,), True for images that are held out, with `least` groups of each class left; None
        where there is no such choice.
    """
    classes, labels = np.unique(labels, return_inverse=True)
    numbers, of = np.unique(of, return_inverse=True)
    shape = (len(numbers), len(classes))
    counts = sparse.coo_array((np.ones(len(of)), (of, labels)), shape).tocsr()
    tries = max(1, min(ORDERS, STEPS // len(numbers)))
    found = [_choice(counts, fraction, least, rng.permutation(len(numbers))) for _ in range(tries)]
    choices = [one for one in found if one is not None]
    if not choices:
        return None
    return choices[int(np.argmin([distance for distance, _ in choices]))][1][of]


def _choice(
    counts: sparse.csr_array, fraction: float, least: int, order: np.ndarray
) -> tuple[float, np.ndarray] | None:
    """How far the shares are from the fraction, and bool (groups,); None where a class has none."""
    total = counts.sum(axis=0)
    spare = (counts > 0).sum(axis=0) - least  # groups that each class can give
    missing = -fraction * total  # less than 0: images that are still to be held out
    held = np.zeros(counts.shape[0], dtype=bool)

    def row(group: int) -> tuple[np.ndarray, np.ndarray]:
        own = slice(counts.indptr[group], counts.indptr[group + 1])
        return counts.indices[own], counts.data[own]

    def hold(group: int) -> None:
        classes, images = row(group)
        held[group] = True
        missing[classes] += images
        spare[classes] -= 1

    for group in order:
        classes, images = row(group)
        gain = (images * (images + 2 * missing[classes]) / total[classes] ** 2).sum()
        if gain < 0 and spare[classes].min() > 0:
            hold(group)
    for group in order:
        classes, _ = row(group)
        without = missing[classes] <= -fraction * total[classes]
        if without.any() and not held[group] and spare[classes].min() > 0:
            hold(group)
    if (counts[held].sum(axis=0) == 0).any():
        return None
    return float(((missing / total) ** 2).sum()), held


def notes(source: Source, drawn: Mapping[str, np.ndarray]) -> list[str]:
    """What a reader must know of the groups of a split: how many are where, or which are in two.

    Args:
        source: the data set; parts that it comes with may share groups, drawn ones never do.
        drawn: indices of the images of each part.
    """
    if not source.groups:
        return []
    of, rows = of_images(source), np.concatenate(list(drawn.values()))
    given = np.array(source.parts or ["train"] * len(of))[rows]
    found = []
    for part, other in (("test", "train"), ("validation", "train"), ("test", "validation")):
        own = of[rows[given == part]]
        shared = np.intersect1d(own, of[rows[given == other]])
        if len(shared):
            found.append(_shared(len(shared), int(np.isin(own, shared).sum()), own, part, other))
    if found:
        return found
    counts = {part: len(np.unique(of[indices])) for part, indices in drawn.items()}
    return [
        f"Images of one group stay in one part: {sum(counts.values())} groups, of which "
        f"{counts['train']} train, {counts['validation']} validate, {counts['test']} test."
    ]


def _shared(count: int, images: int, own: np.ndarray, part: str, other: str) -> str:
    are = "group is" if count == 1 else "groups are"
    return (
        f"{count} {are} both in the {other} and in the {part} part that the data set comes with: "
        f"{images} of the {len(own)} {part} images are of a group that a network may know again, "
        f"so the {part} accuracy is too high for images of new groups. Put each group in one part, "
        f"or give no parts, or the key folds, and the program keeps groups together."
    )
