"""Write a data set into its HDF5 file, and what became of its images into files beside it."""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data import duplicates, facts, folds, hdf5, originals, packs, writing
from convstudy.data.classes import choose_classes
from convstudy.data.shards import ShardedImages
from convstudy.data.stored_images import StoredImages
from convstudy.data.writing import storable
from convstudy.decoding import images
from convstudy.foundation import atomic_files, folder_digests
from convstudy.foundation.errors import UserError
from convstudy.readers import Source, is_numbered, open_source

log = logging.getLogger(__name__)

# Keys of a data set's block that its facts tell where they are set.
TOLD = (
    "reader", "image_size", "seed", "validation_fraction", "test_fraction", "folds", "classes",
    "exclude_classes", "max_classes", "max_train_per_class", "max_test_per_class",
)  # fmt: skip


@dataclass(frozen=True)
class Outputs:
    """The files that a data set becomes.

    Attributes:
        data: the HDF5 file, in the layout of `hdf5`; it appears when it is whole.
        facts: the JSON file (see `facts`).
        table: the CSV table of classes.
        pairs: the CSV table of equal and near images (see `duplicates`).
    """

    data: Path
    facts: Path
    table: Path
    pairs: Path


def prepare(block: Mapping[str, Any], outputs: Outputs) -> None:
    """Read a data set and write it in the layout of `hdf5`; memory holds a block of images.

    Args:
        block: the data set's block of the config, checked and complete.
        outputs: the files to write.

    Raises:
        UserError: a file, class or image that cannot be used; no HDF5 file is written then.
    """
    with _listed(block) as listing:
        stored = StoredImages(listing.source, listing.form, listing.where)
        _write(block, listing, stored, outputs)


def deal(block: Mapping[str, Any], listing_file: Path, pack_files: Sequence[Path]) -> None:
    """Deal the stored images of a data set into packs (see `packs`), for jobs beside each other."""
    with _listed(block) as listing:
        packs.write(listing, listing_file, pack_files)


def gather(
    block: Mapping[str, Any], listing_file: Path, shard_files: Sequence[Path], outputs: Outputs
) -> None:
    """Write a data set out of its shards: the same bytes as `prepare` writes."""
    listing = packs.read_listing(listing_file)
    _write(block, listing, ShardedImages(listing, shard_files), outputs)


@contextlib.contextmanager
def _listed(block: Mapping[str, Any]) -> Iterator[packs.Listing]:
    """What the reader finds, and which classes of it are taken."""
    files = {key: Path(path) for key, path in block["files"].items()}
    with open_source(block["reader"], files, block["options"]) as source:
        chosen = choose_classes(
            source.class_names,
            block["classes"],
            block["max_classes"],
            block["exclude_classes"],
            numbered=is_numbered(block["reader"]),
        )
        digests = {key: digest(path) for key, path in files.items()}
        where = str(next(iter(files.values())))
        listing = packs.Listing(source, chosen, images.Form.of(block), where, digests)
        rows = listing.rows.tolist()
        yield replace(listing, form=originals.with_value_range(listing.form, source.image, rows))


def _write(
    block: Mapping[str, Any], listing: packs.Listing, stored: StoredImages, outputs: Outputs
) -> None:
    """Draw the parts of a data set, and write its files.

    Labels are numbered anew from 0 in the order of the chosen classes. Images of each subset are in
    the order of the source; a data set with folds has all in one (see `folds`). The HDF5 file says
    nothing of where the images came from, so that equal images give equal bytes, and nothing is
    trained again for an archive that was packed anew: the facts have that. Root attributes:
    class_names, and what of the images' form is set.
    """
    source, form, chosen = listing.source, listing.form, listing.chosen
    if block["duplicates"] == "one_group":
        source = _with_twins_in_groups(stored, listing.rows, block["unreadable"] == "refuse")
    drawn = folds.draw(source, chosen, block)
    class_names = [storable(source.class_names[label]) for label in chosen]
    attributes = form.recorded() | {"class_names": class_names}
    with hdf5.create_hdf5(outputs.data, attributes) as file:
        kept = writing.write(file, stored, chosen, drawn.rows)
        if block["unreadable"] == "refuse":
            stored.refuse_unreadable()
        asked, drawn = drawn, folds.without(drawn, kept)
        writing.check_left(stored, asked, drawn)
        if drawn.parts is not None:
            hdf5.write_array(file[hdf5.POOL], "parts", drawn.parts)
        placed, indices = _placed(source, chosen, drawn)
        twins = duplicates.find(stored.prints, indices, stored.digest)
        notes = [*source.notes, *drawn.notes, *originals.notes(stored.originals, form)]
        found = _facts(stored, notes, placed, indices, drawn)
        found["made_of"] = _made_of(block, listing)
        found["duplicates"] = duplicates.counts(twins, placed)
        _check_twins(
            found["duplicates"], stored.where, outputs.pairs, block["duplicates"] == "refuse"
        )
        found["duplicates"]["pairs_left_out"] = duplicates.write(outputs.pairs, twins, placed)
        facts.write_table(outputs.table, found)
        atomic_files.write_json(outputs.facts, found)


def _made_of(block: Mapping[str, Any], listing: packs.Listing) -> dict[str, Any]:
    """Where the images came from, and how they were chosen: settings, SHA-256 of each source."""
    return {
        **{key: block[key] for key in TOLD if block[key] is not None},
        **listing.form.recorded(),
        **{f"option_{key}": value for key, value in block["options"].items() if value is not None},
        **{f"sha256_{key}": sha256 for key, sha256 in listing.digests.items()},
    }


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file, or that of a folder (see `folder_digests`)."""
    try:
        return folder_digests.of_any(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error


def _with_twins_in_groups(stored: StoredImages, indices: np.ndarray, refuse: bool) -> Source:
    """The source with equal and near images in one group, for which it looks at all of these."""
    source = stored.source
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


def _placed(
    source: Source, chosen: Sequence[int], drawn: folds.Drawn
) -> tuple[duplicates.Placed, np.ndarray]:
    """What the written images are, subset by subset, and their numbers in the source."""
    indices = np.concatenate(list(drawn.rows.values()))
    if drawn.parts is None:
        tests_in = None
        parts = np.repeat(list(drawn.rows), [len(own) for own in drawn.rows.values()])
    else:
        tests_in = folds.tests_in(drawn.parts)
        parts = np.array([f"fold {fold}" for fold in tests_in])
    return duplicates.Placed(
        names=[storable(source.names[index]) for index in indices],
        parts=parts,
        labels=writing.numbers(source, chosen)[np.asarray(source.labels)[indices]],
        class_names=[storable(source.class_names[label]) for label in chosen],
        tests_in=tests_in,
    ), indices


def _facts(
    stored: StoredImages,
    notes: Sequence[str],
    placed: duplicates.Placed,
    indices: np.ndarray,
    drawn: folds.Drawn,
) -> dict[str, Any]:
    source, names = stored.source, placed.class_names
    groups = [source.groups[index] for index in indices] if source.groups else []
    if drawn.parts is None:
        classes = facts.classes(names, placed.labels, placed.parts)
    else:
        classes = facts.classes_of_folds(names, placed.labels, drawn.parts)
    return {
        "image_size": list(stored.form.size),
        "left_out": [[storable(name), why] for name, why in source.left_out],
        "notes": list(notes),
        "originals": {key: dict(found.most_common()) for key, found in stored.originals.items()},
        "unreadable": [
            [storable(source.names[index]), why] for index, why in stored.unreadable.items()
        ],
        "classes": classes,
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
