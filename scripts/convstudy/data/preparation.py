"""Write a data set into its HDF5 file, and what became of its images into a JSON file beside it."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy.data import folds, hdf5, originals
from convstudy.data.classes import choose_classes
from convstudy.decoding import images
from convstudy.foundation import atomic_files, folder_digests
from convstudy.foundation.errors import UserError
from convstudy.readers import Source, is_numbered, open_source

log = logging.getLogger(__name__)

# Keys of a data set's block that its HDF5 file records where they are set.
RECORDED = ("max_classes", "max_train_per_class", "max_test_per_class", "folds")


def prepare(block: Mapping[str, Any], output: Path, facts: Path) -> None:
    """Read a data set and write it in the layout of `hdf5`.

    Labels are numbered anew from 0 in the order of the chosen classes. Images of each subset are in
    the order of the source; a data set with folds has all in one (see `folds`). Memory holds a
    block of images at a time. Root attributes: class_names, description, reader, image_size, seed,
    validation_fraction, what of the images' form, the limits, folds and options is set, and the
    SHA-256 of each source file (`sha256_<key>`, see `digest`).

    Args:
        block: the data set's block of the config, checked and complete.
        output: the HDF5 file to write; it appears when it is whole.
        facts: the JSON file to write: what was left out, what the reader assumed, and sizes, modes
            and formats of the originals.

    Raises:
        UserError: a file, class or image that cannot be used; no HDF5 file is written then.
    """
    files = {key: Path(path) for key, path in block["files"].items()}
    form = images.Form.of(block)
    with open_source(block["reader"], files, block["options"]) as source:
        chosen = choose_classes(
            source.class_names,
            block["classes"],
            block["max_classes"],
            block["exclude_classes"],
            numbered=is_numbered(block["reader"]),
        )
        drawn = folds.draw(source, chosen, block)
        indices = np.concatenate(list(drawn.rows.values())).tolist()
        form = originals.with_value_range(form, source.image, indices)
        attributes = _attributes(block, files, form) | {
            "class_names": [_storable(source.class_names[label]) for label in chosen]
        }
        with hdf5.create_hdf5(output, attributes) as file:
            where = next(iter(files.values()))
            found = _write(file, source, chosen, drawn.rows, form, str(where))
            folds.write_parts(file, drawn)
            notes = [*drawn.notes, *originals.notes(found, form)]
            atomic_files.write_json(facts, _facts(source, found, notes))


def _attributes(
    block: Mapping[str, Any], files: Mapping[str, Path], form: images.Form
) -> dict[str, Any]:
    return {
        **form.recorded(),
        **{key: block[key] for key in RECORDED if block[key] is not None},
        **{f"option_{key}": value for key, value in block["options"].items() if value is not None},
        **{f"sha256_{key}": digest(path) for key, path in files.items()},
        "description": block["description"],
        "reader": block["reader"],
        "image_size": list(block["image_size"]),
        "seed": block["seed"],
        "validation_fraction": block["validation_fraction"],
    }


def _facts(source: Source, found: originals.Originals, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "left_out": [[_storable(name), why] for name, why in source.left_out],
        "notes": [*source.notes, *notes],
        "originals": {key: dict(counted.most_common()) for key, counted in found.items()},
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


def _write(
    file: h5py.File,
    source: Source,
    chosen: Sequence[int],
    drawn: Mapping[str, np.ndarray],
    form: images.Form,
    where: str,
) -> originals.Originals:
    """Write all subsets; count sizes, modes and formats of the originals."""
    numbers = np.full(len(source.class_names), -1, dtype=np.int32)
    numbers[chosen] = np.arange(len(chosen))
    total = sum(len(indices) for indices in drawn.values())
    done = 0
    found: originals.Originals = defaultdict(Counter)
    for subset, indices in drawn.items():
        group = hdf5.create_group(file, subset)
        array = hdf5.create_array(
            group, "images", (len(indices), *form.size, form.channels), np.uint8
        )
        hdf5.write_array(group, "labels", numbers[np.asarray(source.labels)[indices]])
        hdf5.write_names(group, "names", [_storable(source.names[index]) for index in indices])
        # Whole chunks: one image at a time would write and checksum each chunk again for each.
        step = array.chunks[0]
        for start in range(0, len(indices), step):
            rows = indices[start : start + step].tolist()
            block = [_image(source, row, form, where, found) for row in rows]
            array[start : start + step] = np.stack(block)
            before, done = done, done + len(block)
            if 10 * before // total < 10 * done // total:
                log.info("%d of %d images (%d %%)", done, total, 100 * done // total)
    return found


def _image(
    source: Source, index: int, form: images.Form, where: str, found: originals.Originals
) -> np.ndarray:
    """One image (height, width, channels), uint8, in the form asked for."""
    with originals.opened(source.image(index)) as stored:
        decoded = images.decode(stored, form, f"{where}: {source.names[index]}")
    originals.count(found, decoded)
    return images.fitted(decoded.image, form)
