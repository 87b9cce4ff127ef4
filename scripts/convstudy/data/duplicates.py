"""Equal and near-equal images of a data set: found, counted, named, and put into groups.

Equal are images of the same size and pixels, whatever their files. Near are images whose perceptual
hashes differ in `DISTANCE` bits at most: stored anew, resized, brightened, but not mirrored or
cropped (docs/data_duplicates.md has what was measured). A chain of such pairs is one group.
"""

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from convstudy.data.fingerprints import Fingerprints
from convstudy.foundation import atomic_files

DISTANCE = 4  # bits of 64; those of two images always differ in an even number
MAX_PAIRS = 1_000_000  # of near images that are looked at
MAX_ROWS = 10_000  # pairs that are written
EXAMPLES = 3  # pairs that messages and the summary name
COLUMNS = (
    "kind", "distance", "image_a", "part_a", "class_a", "image_b", "part_b", "class_b", "group",
)  # fmt: skip
_COMPARED_AT_A_TIME = 2**20


@dataclass(frozen=True)
class Twins:
    """Pairs of images that are equal or near, by their row among the images looked at.

    Of k equal images there are k - 1 pairs, all with the first; it stands for them among the near.

    Attributes:
        pairs: int (m, 2), the smaller row first; equal ones before near ones.
        distances: int (m,), bits between the perceptual hashes of a pair.
        equal: how many of the pairs are equal.
        images: how many were looked at.
        plain: how many of them have too little texture to be near to another.
        complete: False where there are more near pairs than `MAX_PAIRS`, and no more were sought.
    """

    pairs: np.ndarray
    distances: np.ndarray
    equal: int
    images: int
    plain: int
    complete: bool

    def groups(self, kind: str = "") -> np.ndarray:
        """The number (n,) of each image's group; those of equal pairs alone for kind "equal"."""
        return _components(self.pairs[: self.equal] if kind == "equal" else self.pairs, self.images)


def find(prints: Fingerprints, indices: np.ndarray, digest: Callable[[int], bytes]) -> Twins:
    """Find equal and near images.

    Memory beside the fingerprints is bounded by `MAX_PAIRS`.

    Args:
        prints: fingerprints of at least these images.
        indices: (n,) numbers of the images in the source.
        digest: gives the digest of an image's pixels by its number; it is asked for few.
    """
    prints.finish()
    equal = _equal_pairs(prints.keys[indices], lambda row: digest(int(indices[row])))
    plain = ~prints.textured[indices]
    sought = ~plain
    sought[equal[:, 1]] = False
    rows = np.flatnonzero(sought)
    near, distances, complete = near_pairs(prints.hashes[indices][rows])
    return Twins(
        np.concatenate([equal, rows[near]]),
        np.concatenate([np.zeros(len(equal), int), distances]),
        len(equal), len(indices), int(plain.sum()), complete,
    )  # fmt: skip


def _equal_pairs(keys: np.ndarray, digest: Callable[[int], bytes]) -> np.ndarray:
    """Pairs (m, 2) of rows whose images have one digest, each with the first of its kind."""
    _, kinds, counts = np.unique(keys, return_inverse=True, return_counts=True)
    first: dict[bytes, int] = {}
    pairs = []
    for row in np.flatnonzero(counts[kinds] > 1).tolist():
        known = first.setdefault(digest(row), row)
        if known != row:
            pairs.append((known, row))
    return np.array(pairs, dtype=int).reshape(-1, 2)


def near_pairs(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Pairs of rows whose hashes differ in `DISTANCE` bits at most.

    Two such hashes agree wholly in one of `DISTANCE` + 1 bands of bits, so that only those are
    compared which do. Of rows with one hash, each is paired with the first, and that with others.

    Returns:
        Pairs (m, 2), the smaller row first, sorted; their distances (m,); and whether these are
        all.
    """
    hashes, first, kinds = np.unique(hashes, return_index=True, return_inverse=True)
    others = np.flatnonzero(first[kinds] != np.arange(len(kinds)))
    found = [np.stack([first[kinds[others]], others, np.zeros_like(others)], axis=1)]
    count = len(others)
    for one, other, distances in _agreeing(hashes):
        ends = np.sort(np.stack([first[one], first[other]], axis=1), axis=1)
        found.append(np.column_stack([ends, distances]))
        count += len(one)
        if count > MAX_PAIRS:
            break
    every = np.concatenate(found)
    every = every[np.lexsort((every[:, 1], every[:, 0]))][:MAX_PAIRS]
    return every[:, :2], every[:, 2], count <= MAX_PAIRS


def _agreeing(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Near pairs of different hashes, each once, in blocks: both places and the distance."""
    edges = np.linspace(0, 64, DISTANCE + 2).astype(int)
    bands = [np.uint64((1 << high) - (1 << low)) for low, high in itertools.pairwise(edges)]
    for number, band in enumerate(bands):
        order = np.argsort(hashes & band, kind="stable")
        changes = np.flatnonzero(np.diff(hashes[order] & band)) + 1
        starts, ends = np.append(0, changes), np.append(changes, len(order))
        several = ends - starts > 1
        for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
            for one, other, differ in _compared(hashes, order[start:end]):
                # those that agree in an earlier band are found already
                new = np.all([differ & earlier != 0 for earlier in bands[:number]], axis=0)
                new = np.broadcast_to(new, len(differ))
                yield one[new], other[new], np.bitwise_count(differ[new]).astype(int)


def _compared(
    hashes: np.ndarray, members: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Near pairs among some hashes, in blocks: both places and the bits in which they differ."""
    step = max(1, _COMPARED_AT_A_TIME // len(members))
    for start in range(0, len(members) - 1, step):
        some, rest = members[start : start + step], members[start:]
        differ = hashes[some][:, None] ^ hashes[rest][None, :]
        one, other = np.nonzero(np.triu(np.bitwise_count(differ) <= DISTANCE, 1))
        if len(one):
            yield some[one], rest[other], differ[one, other]


def _components(pairs: np.ndarray, count: int) -> np.ndarray:
    edges = sparse.coo_array((np.ones(len(pairs), bool), pairs.T), (count, count))
    return csgraph.connected_components(edges, directed=False)[1]


@dataclass(frozen=True)
class Placed:
    """What the images that were looked at are, in the same order.

    Attributes:
        names: the name of each.
        parts: text (n,), the subset of each.
        labels: int (n,), the class of each.
        class_names: the name of every class.
        tests_in: with folds, the number (n,) of that which each image tests in; its part is that.
    """

    names: Sequence[str]
    parts: np.ndarray
    labels: np.ndarray
    class_names: Sequence[str]
    tests_in: np.ndarray | None = None

    def tests(self) -> np.ndarray:
        """Which images test, bool (n,)."""
        return self.parts == "test" if self.tests_in is None else np.full(len(self.parts), True)

    def order(self) -> np.ndarray:
        """Rows of the images that test, in the order in which they do: fold by fold."""
        if self.tests_in is None:
            return np.flatnonzero(self.tests())
        return np.argsort(self.tests_in, kind="stable")

    def sides(self) -> np.ndarray:
        """A number (n,), another where one image tests what the other may train or validate."""
        return self.tests() if self.tests_in is None else self.tests_in


def counts(twins: Twins, placed: Placed) -> dict[str, Any]:
    """How many equal and near images there are, by where they are.

    Returns:
        `equal` and `near`, each with `images` and `groups`, and of these groups how many are
        `within_one_part`, in `train_and_validation`, in `training_and_test` (training with
        validation) and of `several_classes`; `test_images` of `training_and_test`, which in `near`
        are only those that `equal` has not; `examples`, the first pairs by name of the last two
        kinds. `leaked`, the rows of the test part of the equal ones. `distance`, `plain`,
        `complete`: of the search.
    """
    equal, every = twins.groups("equal"), twins.groups()
    near = np.bincount(every[twins.pairs[twins.equal :, 0]], minlength=twins.images)[every] > 0
    copied = np.bincount(equal)[equal] > 1
    leaked = _leaked(equal, copied, placed)
    return {
        "equal": _counted(equal, copied, placed) | {"test_images": int(leaked.sum())},
        "near": _counted(every, near, placed)
        | {"test_images": int((_leaked(every, near, placed) & ~leaked).sum())},
        "leaked": np.flatnonzero(leaked[placed.order()]).tolist(),
        "examples": _examples(twins, placed),
        "distance": DISTANCE,
        "plain": twins.plain,
        "complete": twins.complete,
    }


def _counted(groups: np.ndarray, taken: np.ndarray, placed: Placed) -> dict[str, int]:
    """Counts of the groups of the taken images."""
    ids, groups = np.unique(groups[taken], return_inverse=True)
    within = {x: _any(groups, placed.parts[taken] == x) for x in np.unique(placed.parts)}
    none = np.zeros(len(ids), bool)
    train, validation = (within.get(x, none) for x in ("train", "validation"))
    return {
        "images": int(taken.sum()),
        "groups": len(ids),
        "within_one_part": int((np.sum(list(within.values()), axis=0) == 1).sum()),
        "train_and_validation": int((train & validation).sum()),
        "training_and_test": _of_several(groups, placed.sides()[taken]),
        "several_classes": _of_several(groups, placed.labels[taken]),
    }


def _of_several(groups: np.ndarray, values: np.ndarray) -> int:
    """How many groups have members of more than one value."""
    return int((_different(groups, values) > 1).sum())


def _different(groups: np.ndarray, values: np.ndarray, count: int = 0) -> np.ndarray:
    """How many different values the members of each group have, of `count` groups at least."""
    if not len(groups):
        return np.zeros(count, int)
    return np.bincount(np.unique(np.stack([groups, values]), axis=1)[0], minlength=count)


def _any(groups: np.ndarray, which: np.ndarray) -> np.ndarray:
    return np.bincount(groups, which) > 0


def _leaked(groups: np.ndarray, taken: np.ndarray, placed: Placed) -> np.ndarray:
    """Which test images share a group with one that is trained or validated on."""
    sides = _different(groups[taken], placed.sides()[taken], groups.max(initial=0) + 1)
    return placed.tests() & taken & (sides[groups] > 1)


def _is_across(twins: Twins, placed: Placed) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs are of training and test, and which of two classes."""
    sides, labels = ((x[twins.pairs]) for x in (placed.sides(), placed.labels))
    return sides[:, 0] != sides[:, 1], labels[:, 0] != labels[:, 1]


def _examples(twins: Twins, placed: Placed) -> dict[str, list[list[str]]]:
    """The first equal pairs of training and test, and of two classes, by name."""
    equal = twins.pairs[: twins.equal]
    of_parts, of_classes = (which[: twins.equal] for which in _is_across(twins, placed))
    kinds = {"training_and_test": equal[of_parts], "several_classes": equal[of_classes]}
    return {
        kind: [[placed.names[row] for row in pair] for pair in pairs[:EXAMPLES].tolist()]
        for kind, pairs in kinds.items()
    }


def write(path: Path | str, twins: Twins, placed: Placed) -> int:
    """Write the pairs as a CSV table with `COLUMNS`, and return how many are left out.

    Equal pairs come first, and of each kind those of training and test or of two classes.
    """
    across, classes = _is_across(twins, placed)
    near = np.arange(len(twins.pairs)) >= twins.equal
    order = np.lexsort((~(across | classes), near))[:MAX_ROWS]
    groups = np.unique(twins.groups()[twins.pairs[order, 0]], return_inverse=True)[1]
    with (
        atomic_files.whole_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as stream,
    ):
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        for place, group in zip(order, groups.tolist(), strict=True):
            ends = [
                (placed.names[row], placed.parts[row], placed.class_names[placed.labels[row]])
                for row in twins.pairs[place].tolist()
            ]
            kind = "near" if near[place] else "equal"
            table.writerow([kind, int(twins.distances[place]), *ends[0], *ends[1], group])
    return len(twins.pairs) - len(order)


def as_groups(twins: Twins, known: Sequence[str] = ()) -> list[str]:
    """A group name an image: equal and near images share one, and images of one known group, too.

    Args:
        twins: of `find`.
        known: the group of each image, "" where it has none; empty where there are no groups.
    """
    pairs = twins.pairs
    if known:
        _, first, kinds = np.unique(known, return_index=True, return_inverse=True)
        rows = np.flatnonzero(np.array(known) != "")
        pairs = np.concatenate([pairs, np.stack([first[kinds[rows]], rows], axis=1)])
    return [f"group {number}" for number in _components(pairs, twins.images).tolist()]
