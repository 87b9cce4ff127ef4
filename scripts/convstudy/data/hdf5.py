"""The HDF5 formats: with `hdf5_chunks` the only module that knows their layout.

Every writer builds the file under a temporary name in the target's folder and renames it when it
is whole, so a file under its final name is always complete. Every reader turns a truncated or
foreign file into a `UserError` that names it.

Layout of a data set (`results/data/{dataset}.h5`): the groups `train`, `validation` and `test`,
each with `images` (n, height, width, channels) uint8 in 0-255, `labels` (n,) int32 and `names` (n,)
strings; the root attribute `class_names` and further attributes that say where it came from, with
their SHA-256. Arrays are checksummed by chunk, so data that changed on the disk is noticed.
A data set with folds has one group `all` in place of the three, and in it `parts` (n, folds) int8:
the place in `SUBSETS` of each image in each fold, or -1 where the fold leaves it out.
A features file has `vectors` (n, d) float32 in place of `images`. A predictions file has the
groups `validation` and `test` with `probabilities` (n, classes) float32 and `labels`, and `train`
with the `predicted` class and `labels`.
"""

import contextlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy.data.patient_file import PatientFile
from convstudy.foundation import atomic_files, digests

SUBSETS = ("train", "validation", "test")
POOL = "all"
CHUNK_BYTES = 16 * 2**10  # a batch of rows drawn at random reads that much a row
BLOCK_BYTES = 2**20  # well read or written at a time
DIGEST = "sha256_attributes"


@contextlib.contextmanager
def create_hdf5(path: Path | str, attributes: Mapping[str, Any]) -> Iterator[h5py.File]:
    """Open a new HDF5 file that appears under `path` when the block succeeds.

    Object times are not tracked and attributes are written in sorted order, so that equal content
    gives equal bytes.
    """
    with atomic_files.whole_file(path) as temporary, PatientFile(temporary, "w+") as stream:
        with _new_hdf5(stream) as file:
            for key in sorted(attributes):
                value = attributes[key]
                if isinstance(value, str):
                    value = _utf8([value]).reshape(())
                elif isinstance(value, list | tuple) and all(isinstance(x, str) for x in value):
                    value = _utf8(value)
                file.attrs[key] = value
            file.attrs[DIGEST] = _utf8([_digest(_builtin(file.attrs))]).reshape(())
            yield file
            stream.check()
        stream.check()


def _new_hdf5(stream: io.FileIO) -> h5py.File:
    """A new file without the time of its making, which h5py's own call cannot leave out."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, stream)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    name = repr(stream).encode("ascii", "replace")
    return h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, creation, access))


def create_group(file: h5py.File, name: str) -> h5py.Group:
    """A new group without the time of its making."""
    creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    creation.set_obj_track_times(False)
    return h5py.Group(h5py.h5g.create(file.id, name.encode(), gcpl=creation))


@contextlib.contextmanager
def open_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; raise `UserError` when it is missing, cut or corrupted."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, UnicodeDecodeError) as error:
        raise atomic_files.damaged(path, error) from error


def array(file: h5py.File, *place: str) -> h5py.Dataset:
    """Look an array up by its groups and its name, without reading it.

    Raises:
        UserError: there is no array of numbers or texts, or it is not all in this file.
    """
    path, where, found = file.filename, "/".join(place), file
    for name in place:
        if not isinstance(found, h5py.Group) or not _holds(found, name.encode()):
            raise atomic_files.damaged(path, f"it holds no array '{where}'")
        found = found[name]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iufS" or not found.shape:
        raise atomic_files.damaged(path, f"'{where}' is {found}, expected an array of numbers")
    # What was never written would be read as zeros, however large the file says that it is.
    if found.id.get_storage_size() < found.nbytes or found.is_virtual or found.external:
        raise atomic_files.damaged(path, f"'{where}' is not all in the file")
    return found


def groups_of(file: h5py.File) -> tuple[str, ...]:
    """The groups of a data set or of its features: `SUBSETS`, or `POOL` alone of one with folds."""
    return (POOL,) if _holds(file, POOL.encode()) else SUBSETS


def is_pooled(path: Path | str) -> bool:
    """Tell whether a file is of all images of a data set with folds, or of their features."""
    with open_hdf5(path) as file:
        return groups_of(file) == (POOL,)


def _holds(group: h5py.Group, name: bytes) -> bool:
    """Tell whether a name is in a group itself: what a link leads to may be in another file."""
    links = group.id.links
    return links.exists(name) and links.get_info(name).type == h5py.h5l.TYPE_HARD


def create_array(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any) -> h5py.Dataset:
    """Create a checksummed array in chunks of whole rows, so that a batch reads little but itself.

    The checksum is that of the gzip filter, which stores at level 0. HDF5's own, Fletcher-32, does
    not tell 0x0000 from 0xFFFF, so it misses a lost block in a white picture.
    """
    row = max(1, np.dtype(dtype).itemsize * math.prod(shape[1:]))
    chunks = (max(1, min(CHUNK_BYTES // row, shape[0])), *shape[1:])
    longest = None if shape[0] else (1, *shape[1:])  # h5py has no chunks of an array without rows
    return group.create_dataset(
        name,
        shape,
        dtype,
        chunks=chunks,
        maxshape=longest,
        compression="gzip",
        compression_opts=0,
        track_times=False,
    )


def rows_at_a_time(array: h5py.Dataset) -> int:
    """How many rows of a new array are well written at a time, in whole chunks."""
    chunk = array.dtype.itemsize * math.prod(array.chunks)
    return array.chunks[0] * max(1, BLOCK_BYTES // chunk)


def write_array(group: h5py.Group, name: str, values: np.ndarray) -> None:
    """Write an array of numbers or texts, of one dimension or more, checksummed."""
    create_array(group, name, values.shape, values.dtype)[...] = values


def write_names(group: h5py.Group, name: str, values: list[str]) -> None:
    """Write a list of strings."""
    write_array(group, name, _utf8(values))


def _utf8(values: Sequence[str]) -> np.ndarray:
    """Texts as HDF5 stores them with their array: in UTF-8, all of one length.

    Texts of variable length lie in a heap without a checksum, and there are single bytes of it
    that, once changed, make HDF5 read for ever.
    """
    encoded = [value.encode() for value in values]
    length = max([1, *map(len, encoded)])
    return np.array(encoded, dtype=h5py.string_dtype(length=length))


def read_subset(
    path: Path | str, subset: str, arrays: tuple[str, ...] = ("images", "labels")
) -> tuple[np.ndarray, ...]:
    """Read arrays of one subset (`train`, `validation` or `test`) and nothing of the others.

    The images of a data set with folds are those of `all`, for what looks at them whole.

    Raises:
        UserError: the file is damaged, or the arrays have different numbers of rows.
    """
    if subset not in (*SUBSETS, POOL):
        raise ValueError(f"subset is '{subset}', expected one of {(*SUBSETS, POOL)}")
    with open_hdf5(path) as file:
        stored = [array(file, subset, name) for name in arrays]
        if len({len(found) for found in stored}) > 1:
            raise atomic_files.damaged(
                path, f"{[len(found) for found in stored]} rows in {list(arrays)}"
            )
        return tuple(found[...] for found in stored)


def read_rows(path: Path | str, subset: str, rows: np.ndarray, name: str = "images") -> np.ndarray:
    """Read some rows of one array of a subset, in the order given, and only their chunks."""
    order, places = np.unique(rows, return_inverse=True)
    with open_hdf5(path) as file:
        return array(file, subset, name)[order][places]


def read_attributes(path: Path | str) -> dict[str, Any]:
    """Read the root attributes as builtin types (`class_names` is a list of strings)."""
    with open_hdf5(path) as file:
        try:
            attributes = _builtin(file.attrs)
            if attributes.pop(DIGEST) != _digest(attributes):
                raise ValueError("the attributes do not have their SHA-256")
        except (TypeError, ValueError) as error:
            raise atomic_files.damaged(path, error) from error
        return attributes


def _builtin(attributes: h5py.AttributeManager) -> dict[str, Any]:
    found = {}
    for key in attributes:
        kind = attributes.get_id(key).dtype.kind
        if kind not in "biufS":
            raise TypeError(f"the attribute '{key}' holds no numbers and no texts of fixed length")
        value = np.asarray(attributes[key])
        found[key] = (np.char.decode(value, "utf-8") if kind == "S" else value).tolist()
    return found


def _digest(attributes: Mapping[str, Any]) -> str:
    return digests.of_text(digests.canonical(attributes))


def write_statistics(path: Path | str, statistics: Mapping[str, np.ndarray], **about: Any) -> None:
    """Write what a generator learned from the training images, one array a name."""
    with create_hdf5(path, about) as file:
        for name in sorted(statistics):
            write_array(file, name, np.atleast_1d(statistics[name]))


def read_statistics(path: Path | str | None) -> dict[str, np.ndarray]:
    """Read the statistics of a generator; no file means a generator without statistics."""
    if not path:
        return {}
    with open_hdf5(path) as file:
        return {name: array(file, name)[...] for name in file}


def write_predictions(
    path: Path | str,
    predictions: Mapping[str, tuple[np.ndarray, np.ndarray]],
    on_training: tuple[np.ndarray, np.ndarray] | None = None,
    **about: Any,
) -> None:
    """Write (probabilities (n, classes) float32, labels (n,) int32) of each subset.

    Of training images, which are many, the most probable class (n,) stands in place of those.
    """
    with create_hdf5(path, about) as file:
        for subset, (probabilities, labels) in predictions.items():
            group = create_group(file, subset)
            write_array(group, "probabilities", probabilities.astype(np.float32))
            write_array(group, "labels", labels.astype(np.int32))
        if on_training:
            group = create_group(file, "train")
            write_array(group, "predicted", on_training[0].astype(np.int32))
            write_array(group, "labels", on_training[1].astype(np.int32))


def read_predictions(path: Path | str, subset: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Read (probabilities (n, classes), labels (n,)) of one subset."""
    probabilities, labels = read_subset(path, subset, ("probabilities", "labels"))
    if probabilities.ndim != 2 or labels.ndim != 1 or labels.dtype.kind != "i":
        raise atomic_files.damaged(
            path, f"probabilities {probabilities.shape}, labels {labels.shape}"
        )
    return probabilities, labels


def array_of(takes: str) -> str:
    """The array of a data file that a model with this `INPUT` reads."""
    return "vectors" if takes == "features" else "images"
