"""Write a data set into its HDF5 file, and what became of its images into files beside it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy.data import duplicates, facts, hdf5
from convstudy.data.classes import choose_classes
from convstudy.data.splits import draw_split
from convstudy.data.stored_images import Progress, StoredImages
from convstudy.decoding import images
from convstudy.foundation import atomic_files, folder_digests
from convstudy.foundation.errors import UserError
from convstudy.readers import Source, open_source

log = logging.getLogger(__name__)

# Keys of a data set's block that its HDF5 file records where they are set.
RECORDED = ("max_classes", "max_train_per_class", "max_test_per_class")


def prepare(
    block: Mapping[str, Any], data: Path, facts_file: Path, table: Path, pairs: Path
) -> None:
    """Read a data set and write it in the layout of `hdf5`.

    Labels are numbered anew from 0 in the order of the chosen classes. Images of each subset are in
    the order of the source. Memory holds a block of images at a time. Root attributes: class_names,
    description, reader, image_size, seed, validation_fraction, the limits and options that are set,
    and the SHA-256 of each source file (`sha256_<key>`, see `digest`).

    Args:
        block: the data set's block of the config, checked and complete.
        data: the HDF5 file to write; it appears when it is whole.
        facts_file: the JSON file to write (see `facts`).
        table: the CSV table of classes to write.
        pairs: the CSV table of equal and near images to write (see `duplicates`).

    Raises:
        UserError: a file, class or image that cannot be used; no HDF5 file is written then.
    """
    files = {key: Path(path) for key, path in block["files"].items()}
    with open_source(block["reader"], files, block["options"]) as source:
        chosen = choose_classes(source.class_names, block["classes"], block["max_classes"])
        form = images.Form(tuple(block["image_size"]))
        stored = StoredImages(source, form, str(next(iter(files.values()))))
        if block["duplicates"] == "one_group":
            source = _with_twins_in_groups(stored, chosen, block["unreadable"] == "refuse")
        drawn = draw_split(
            source,
            chosen,
            max_train_per_class=block["max_train_per_class"],
            max_test_per_class=block["max_test_per_class"],
            test_fraction=block["test_fraction"],
            validation_fraction=block["validation_fraction"],
            seed=block["seed"],
        )
        class_names = [_storable(source.class_names[label]) for label in chosen]
        with hdf5.create_hdf5(
            data, _attributes(block, files) | {"class_names": class_names}
        ) as file:
            kept = _write(file, stored, chosen, drawn)
            if block["unreadable"] == "refuse":
                stored.refuse_unreadable()
            _check_left(stored, drawn, kept)
            placed, indices = _placed(source, chosen, kept)
            twins = duplicates.find(stored.prints, indices, stored.digest)
            found = _facts(stored, source.notes, placed, indices)
            found["duplicates"] = duplicates.counts(twins, placed)
            _check_twins(found["duplicates"], stored.where, pairs, block["duplicates"] == "refuse")
            found["duplicates"]["pairs_left_out"] = duplicates.write(pairs, twins, placed)
            facts.write_table(table, found)
            atomic_files.write_json(facts_file, found)


def _attributes(block: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    return {
        **{key: block[key] for key in RECORDED if block[key] is not None},
        **{f"option_{key}": value for key, value in block["options"].items() if value is not None},
        **{f"sha256_{key}": digest(path) for key, path in files.items()},
        "description": block["description"],
        "reader": block["reader"],
        "image_size": list(block["image_size"]),
        "seed": block["seed"],
        "validation_fraction": block["validation_fraction"],
    }


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file, or that of a folder (see `folder_digests`)."""
    try:
        return folder_digests.of_any(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error


def _storable(name: str) -> str:
    """HDF5 holds UTF-8 without NUL; file names may hold other bytes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\0")


def _with_twins_in_groups(stored: StoredImages, chosen: list[int], refuse: bool) -> Source:
    """The source with equal and near images in one group, for which it looks at all images."""
    source = stored.source
    indices = np.flatnonzero(np.isin(source.labels, chosen))
    stored.look_at(indices)
    if refuse:
        stored.refuse_unreadable()
    seen = indices[stored.prints.known[indices]]
    twins = duplicates.find(stored.prints, seen, stored.digest)
    if not twins.complete:
        raise UserError(
            f"{stored.where}: more than {duplicates.MAX_PAIRS:,} pairs of images look alike, too "
            f"many to be put into groups. Expected photographs of different things: set "
            f"duplicates: warn, and tell the reader which images belong together."
        )
    if not len(twins.pairs):
        return source
    groups = list(source.groups) or [""] * len(source.names)
    joined = duplicates.as_groups(twins, [groups[index] for index in seen])
    for index, name in zip(seen.tolist(), joined, strict=True):
        groups[index] = name
    count = len(np.unique(twins.groups()[twins.pairs[:, 0]]))
    note = (
        f"duplicates: one_group: {len(np.unique(twins.pairs)):,} images that are equal or near to "
        f"another are in {count:,} groups, each of which stays in one part."
    )
    return replace(source, groups=groups, notes=[*source.notes, note])


def _write(
    file: h5py.File, stored: StoredImages, chosen: Sequence[int], drawn: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Write all subsets, and return which of their images could be read."""
    source, shape = stored.source, (*stored.form.size, 3)
    numbers = _numbers(source, chosen)
    progress = Progress(sum(len(indices) for indices in drawn.values()))
    kept = {}
    for subset, indices in drawn.items():
        group = hdf5.create_group(file, subset)
        array = hdf5.create_array(group, "images", (len(indices), *shape), np.uint8)
        kept[subset] = _write_images(array, stored, indices, progress)
        hdf5.write_array(group, "labels", numbers[np.asarray(source.labels)[kept[subset]]])
        hdf5.write_names(group, "names", [_storable(source.names[i]) for i in kept[subset]])
    return kept


def _write_images(
    array: h5py.Dataset, stored: StoredImages, indices: np.ndarray, progress: Progress
) -> np.ndarray:
    """Write the images that can be read, and return their numbers."""
    # Whole chunks: one image at a time would write and checksum each chunk again for each.
    block = np.empty(array.chunks, np.uint8)
    kept, waiting = [], 0
    for place, index in enumerate(indices.tolist(), 1):
        image = stored.read(index)
        if image is not None:
            kept.append(index)
            block[waiting] = image
            waiting += 1
        if waiting == len(block) or (waiting and place == len(indices)):
            array[len(kept) - waiting : len(kept)] = block[:waiting]
            waiting = 0
        progress.step()
    if len(kept) < len(indices):
        array.resize(len(kept), axis=0)
    return np.array(kept, dtype=int)


def _numbers(source: Source, chosen: Sequence[int]) -> np.ndarray:
    """The number that each label of the source gets, -1 for classes that are not taken."""
    numbers = np.full(len(source.class_names), -1, dtype=np.int32)
    numbers[chosen] = np.arange(len(chosen))
    return numbers


def _check_left(
    stored: StoredImages, drawn: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]
) -> None:
    """Refuse a class of which a subset has no image that can be read."""
    labels = np.asarray(stored.source.labels)
    for subset, indices in drawn.items():
        lost = np.setdiff1d(labels[indices], labels[kept[subset]])
        if len(lost):
            own = [index for index in indices if labels[index] == lost[0]]
            name = stored.source.class_names[lost[0]]
            raise UserError(
                f"{stored.where}: class '{name}' has no {subset} image left, as these cannot be "
                f"used: {stored.complaints(own)}. Replace them by good copies, or remove "
                f"them, so that others are drawn."
            )


def _placed(
    source: Source, chosen: Sequence[int], kept: Mapping[str, np.ndarray]
) -> tuple[duplicates.Placed, np.ndarray]:
    """What the written images are, subset by subset, and their numbers in the source."""
    indices = np.concatenate(list(kept.values()))
    return duplicates.Placed(
        names=[_storable(source.names[index]) for index in indices],
        parts=np.repeat(list(kept), [len(own) for own in kept.values()]),
        labels=_numbers(source, chosen)[np.asarray(source.labels)[indices]],
        class_names=[_storable(source.class_names[label]) for label in chosen],
    ), indices


def _facts(
    stored: StoredImages, notes: Sequence[str], placed: duplicates.Placed, indices: np.ndarray
) -> dict[str, Any]:
    source = stored.source
    groups = [source.groups[index] for index in indices] if source.groups else []
    names = placed.class_names
    return {
        "image_size": list(stored.form.size),
        "left_out": [[_storable(name), why] for name, why in source.left_out],
        "notes": list(notes),
        "originals": {key: dict(found.most_common()) for key, found in stored.originals.items()},
        "unreadable": [
            [_storable(source.names[index]), why] for index, why in stored.unreadable.items()
        ],
        "classes": facts.classes(names, placed.labels, placed.parts),
        "groups": facts.groups(groups, placed.labels, len(names)),
    }


def _check_twins(found: Mapping[str, Any], where: str, pairs: Path, refuse: bool) -> None:
    """Refuse or log equal images that make a test accuracy too good, or a label wrong."""
    kinds = {
        "training_and_test": f"{found['equal']['test_images']:,} test images are equal to images "
        f"that are trained or validated on",
        "several_classes": f"{found['equal']['several_classes']:,} images are there with more than "
        f"one class",
    }
    for kind, words in kinds.items():
        if found["equal"][kind]:
            first = "; ".join(" = ".join(pair) for pair in found["examples"][kind])
            if refuse:
                raise UserError(
                    f"{where}: {words} ({first}). Remove the copies, or set duplicates: warn to "
                    f"go on, or one_group to draw a test part that has none of them."
                )
            log.warning("%s: %s (%s); %s has all", where, words, first, pairs)
