"""Folds: every image of a data set tests once, by networks that were trained on the other folds.

All images are dealt into k folds, stratified by class, and by group where there are groups. Fold f
tests, a part drawn from the others validates, the rest trains. They are the same for every seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import model_selection

from convstudy.data import groups, hdf5, stored_rows
from convstudy.data.splits import draw_split
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.foundation.random_draws import class_rng
from convstudy.readers import Source

TRIES = 20
UNUSED = -1


@dataclass(frozen=True)
class Drawn:
    """Which images are written, and what each is for.

    Attributes:
        rows: indices into the source's images by subset; with folds those of `hdf5.POOL` alone.
        parts: with folds, int8 (n, folds): the place in `hdf5.SUBSETS` of each of these images in
            each fold, or -1 where the fold leaves it out.
        notes: sentences for the summary.
    """

    rows: Mapping[str, np.ndarray]
    parts: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)


def draw(source: Source, chosen: Sequence[int], block: Mapping[str, Any]) -> Drawn:
    """Draw the parts or the folds of a data set.

    Args:
        source: the data set.
        chosen: labels that are taken.
        block: its block of the config; `folds` is None without folds.

    Raises:
        UserError: a class has too few images or groups.
    """
    keys = ("max_train_per_class", "validation_fraction", "seed")
    how = {key: block[key] for key in keys}
    if not block["folds"]:
        limits = {key: block[key] for key in ("max_test_per_class", "test_fraction")}
        drawn = draw_split(source, chosen, **how, **limits)
        return Drawn(drawn, notes=groups.notes(source, drawn))
    rows = np.flatnonzero(np.isin(source.labels, chosen))
    tests_in = deal(source, chosen, block["folds"], block["seed"])
    parts = np.full((len(rows), block["folds"]), UNUSED, dtype=np.int8)
    for fold in range(block["folds"]):
        names = ["test" if number == fold else "train" for number in tests_in]
        drawn = draw_split(replace(source, parts=names), chosen, **how)
        for place, subset in enumerate(hdf5.SUBSETS):
            parts[np.searchsorted(rows, drawn[subset]), fold] = place
    return Drawn({hdf5.POOL: rows}, parts, _notes(source, rows, block["folds"]))


def deal(source: Source, chosen: Sequence[int], folds: int, seed: int) -> np.ndarray:
    """The fold (n,) in which each image of the source tests; -1 for those of other classes.

    By scikit-learn's StratifiedKFold, or StratifiedGroupKFold where images come in groups.

    Raises:
        UserError: a class has fewer images, or groups, than there are folds, or than a fold needs.
    """
    found = np.full(len(source.labels), UNUSED)
    rows = np.flatnonzero(np.isin(source.labels, chosen))
    labels = np.asarray(source.labels)[rows]
    of = groups.of_images(source)[rows] if source.groups else np.arange(len(rows))
    for label in chosen:
        _check_enough(source.class_names[label], of[labels == label], folds, bool(source.groups))
    rng = class_rng("folds", seed, "")
    for _ in range(TRIES):
        how = {"n_splits": folds, "shuffle": True, "random_state": int(rng.integers(2**32))}
        if source.groups:
            dealt = model_selection.StratifiedGroupKFold(**how).split(rows, labels, of)
        else:
            dealt = model_selection.StratifiedKFold(**how).split(rows, labels)
        for fold, (_, test) in enumerate(dealt):
            found[rows[test]] = fold
        if all(len(set(found[rows[labels == x]])) == folds for x in chosen):
            return found
    counts = {x: len(set(found[rows[labels == x]])) for x in chosen}
    label = min(chosen, key=lambda x: counts[x])
    raise UserError(
        f"folds: {folds}: class '{source.class_names[label]}' has images in {counts[label]} of "
        f"them only, whichever way its {len(set(of[labels == label]))} groups are dealt, and each "
        f"fold tests every class. Give fewer folds, or add images of other groups."
    )


def _check_enough(name: str, of: np.ndarray, folds: int, grouped: bool) -> None:
    """Refuse a class that cannot test in each fold, and train and validate beside it."""
    found, what = len(np.unique(of)), "groups" if grouped else "images"
    least = max(folds, 3)
    if found < least:
        held = f"{len(of)} images of {found} {what}" if grouped else f"{found} {what}"
        why = "one tests in each fold" if folds > 2 else "one tests, one validates, one trains"
        raise UserError(
            f"folds: {folds}: class '{name}' has {held}, expected at least {least} {what} ({why})."
            f" Give fewer folds, add images, or leave the class out with the key exclude_classes."
        )


def _notes(source: Source, rows: np.ndarray, folds: int) -> list[str]:
    found = []
    given = [x for x in hdf5.SUBSETS if x in source.parts and x != "train"]
    if given:
        parts = np.asarray(source.parts)[rows]
        counts = " and ".join(f"{(parts == x).sum()} {x} images" for x in given)
        found.append(
            f"The parts that the data set comes with are not kept: its {counts} are dealt into the "
            f"{folds} folds with all others."
        )
    if source.groups:
        count = len(np.unique(groups.of_images(source)[rows]))
        found.append(
            f"Images of one group stay in one fold, and in one part of each fold: {count} groups "
            f"in {folds} folds."
        )
    return [
        *found,
        f"{folds} folds; training and validation images are those of one fold, on average, and "
        f"every image tests once.",
    ]


def without(drawn: Drawn, kept: Mapping[str, np.ndarray]) -> Drawn:
    """The same of those images alone that were kept, as others cannot be read."""
    if drawn.parts is None:
        return replace(drawn, rows=kept)
    parts = drawn.parts[np.isin(drawn.rows[hdf5.POOL], kept[hdf5.POOL])]
    return replace(drawn, rows=kept, parts=parts)


def tests_in(parts: np.ndarray) -> np.ndarray:
    """The fold (n,) in which each image tests, of `Drawn.parts`."""
    return (parts == hdf5.SUBSETS.index("test")).argmax(axis=1)


def order(path: Path | str) -> np.ndarray:
    """Rows of a data set's images in the order in which its folds test them, fold by fold."""
    (parts,) = hdf5.read_subset(path, hdf5.POOL, ("parts",))
    return np.concatenate([_rows(parts, fold, "test") for fold in range(parts.shape[1])])


def test_images(path: Path | str, fold: int | None, rows: np.ndarray) -> np.ndarray:
    """Some of a fold's test images, from its own file or from that of all images."""
    if not hdf5.is_pooled(path):
        return hdf5.read_rows(path, "test", rows)
    (parts,) = hdf5.read_subset(path, hdf5.POOL, ("parts",))
    return hdf5.read_rows(path, hdf5.POOL, _rows(parts, fold, "test")[rows])


def take(pool: Path | str, fold: int, output: Path | str) -> None:
    """Write one fold in the layout of a data set without folds, from the images or features of all.

    Memory holds a block of rows at a time.

    Args:
        pool: the HDF5 file of the whole data set, or of its features.
        fold: number of the fold, from 0.
        output: the HDF5 file to write; it appears when it is whole.
    """
    about = hdf5.read_attributes(pool) | {"fold": fold}
    (parts,) = hdf5.read_subset(pool, hdf5.POOL, ("parts",))
    with hdf5.open_hdf5(pool) as source, hdf5.create_hdf5(output, about) as file:
        for subset in hdf5.SUBSETS:
            group, rows = hdf5.create_group(file, subset), _rows(parts, fold, subset)
            for name in source[hdf5.POOL]:
                values = stored_rows.of_subsets(pool, [hdf5.POOL], name)
                if len(values) != len(parts):
                    raise atomic_files.damaged(pool, f"{len(values)} rows in '{name}'")
                if name != "parts":
                    stored_rows.copy(values, rows, group, name)


def _rows(parts: np.ndarray, fold: int, subset: str) -> np.ndarray:
    return np.flatnonzero(parts[:, fold] == hdf5.SUBSETS.index(subset))
