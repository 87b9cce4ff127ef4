"""The on-disk formats: the only module that knows the layout of HDF5, JSON and `.keras` files.

Every writer builds the file under a temporary name in the target's folder and renames it when it
is whole, so a file under its final name is always complete. Every reader turns a truncated or
foreign file into a `UserError` that names it.

Layout of a data set (`results/data/{dataset}.h5`): the groups `train`, `validation` and `test`,
each with `images` (n, height, width, 3) uint8 in 0-255, `labels` (n,) int32 and `names` (n,)
strings; the root attribute `class_names` and further attributes that say where it came from, with
their SHA-256. Arrays are checksummed by chunk, so data that changed on the disk is noticed.
A features file has `vectors` (n, d) float32 in place of `images`. A predictions file has the
groups `validation` and `test` with `probabilities` (n, classes) float32 and `labels`.
"""

import contextlib
import errno
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy import digests
from convstudy.errors import UserError, first_line

SUBSETS = ("train", "validation", "test")
IMAGES_PER_CHUNK = 32
DIGEST = "sha256_attributes"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary name beside `path` and rename it to `path` when the block succeeds.

    The temporary name keeps the ending of `path`, because some writers choose a format by it. It is
    the same in every run, so what a killed process left behind is overwritten by the next one. When
    the block raises, the temporary file is removed and whatever `path` held stays as it was.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise UserError(
                f"{path}: cannot be written ({os.strerror(error.errno)}). Free some space or "
                f"correct the folder's permissions, and run the same command again."
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path | str, content: Mapping[str, Any]) -> None:
    """Write builtin JSON types, indented; raise `ValueError` for NaN and `TypeError` for others."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> dict[str, Any]:
    """Read a JSON file of this workflow; raise `UserError` when it is damaged."""
    try:
        content = json.loads(Path(path).read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(content, dict):
        raise _damaged(path, f"a {type(content).__name__}, expected an object with keys")
    return content


@contextlib.contextmanager
def create_hdf5(path: Path | str, attributes: Mapping[str, Any]) -> Iterator[h5py.File]:
    """Open a new HDF5 file that appears under `path` when the block succeeds.

    Object times are not tracked and attributes are written in sorted order, so that equal content
    gives equal bytes.
    """
    with whole_file(path) as temporary, h5py.File(temporary, "w", libver="v110") as file:
        for key in sorted(attributes):
            value = attributes[key]
            if isinstance(value, str):
                value = _utf8([value]).reshape(())
            elif isinstance(value, list | tuple) and all(isinstance(x, str) for x in value):
                value = _utf8(value)
            file.attrs[key] = value
        file.attrs[DIGEST] = _utf8([_digest(_builtin(file.attrs))]).reshape(())
        yield file


@contextlib.contextmanager
def open_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; raise `UserError` when it is missing, cut or corrupted."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def array(file: h5py.File, *place: str) -> h5py.Dataset:
    """Look an array up by its groups and its name, without reading it.

    Raises:
        UserError: there is no array of numbers or texts, or it is not all in this file.
    """
    path, where, found = file.filename, "/".join(place), file
    for name in place:
        if not isinstance(found, h5py.Group) or not _holds(found, name.encode()):
            raise _damaged(path, f"it holds no array '{where}'")
        found = found[name]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "iufS" or not found.shape:
        raise _damaged(path, f"'{where}' is {found}, expected an array of numbers")
    # What was never written would be read as zeros, however large the file says that it is.
    if found.id.get_storage_size() < found.nbytes or found.is_virtual or found.external:
        raise _damaged(path, f"'{where}' is not all in the file")
    return found


def _holds(group: h5py.Group, name: bytes) -> bool:
    """Tell whether a name is in a group itself: what a link leads to may be in another file."""
    links = group.id.links
    return links.exists(name) and links.get_info(name).type == h5py.h5l.TYPE_HARD


def create_array(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any) -> h5py.Dataset:
    """Create a checksummed array in chunks of whole rows, so that a batch reads only itself.

    The checksum is that of the gzip filter, which stores at level 0. HDF5's own, Fletcher-32, does
    not tell 0x0000 from 0xFFFF, so it misses a lost block in a white picture.
    """
    rows = max(1, min(IMAGES_PER_CHUNK, shape[0]))
    chunks = (rows, *shape[1:])
    return group.create_dataset(
        name, shape, dtype, chunks=chunks, compression="gzip", compression_opts=0, track_times=False
    )


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

    Raises:
        UserError: the file is damaged, or the arrays have different numbers of rows.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset is '{subset}', expected one of {SUBSETS}")
    with open_hdf5(path) as file:
        stored = [array(file, subset, name) for name in arrays]
        if len({len(found) for found in stored}) > 1:
            raise _damaged(path, f"{[len(found) for found in stored]} rows in {list(arrays)}")
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
            raise _damaged(path, error) from error
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
    path: Path | str, predictions: Mapping[str, tuple[np.ndarray, np.ndarray]], **about: Any
) -> None:
    """Write (probabilities (n, classes) float32, labels (n,) int32) of each subset."""
    with create_hdf5(path, about) as file:
        for subset, (probabilities, labels) in predictions.items():
            group = file.create_group(subset)
            write_array(group, "probabilities", probabilities.astype(np.float32))
            write_array(group, "labels", labels.astype(np.int32))


def read_predictions(path: Path | str, subset: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Read (probabilities (n, classes), labels (n,)) of one subset."""
    probabilities, labels = read_subset(path, subset, ("probabilities", "labels"))
    if probabilities.ndim != 2 or labels.ndim != 1 or labels.dtype.kind != "i":
        raise _damaged(path, f"probabilities {probabilities.shape}, labels {labels.shape}")
    return probabilities, labels


def stable_zip(path: Path | str) -> None:
    """Rewrite a `.keras` archive so that equal models give equal bytes.

    Keras stores the date in `metadata.json` and in each zip entry, and memory addresses as the
    identity of shared objects in `config.json`: dates are fixed, identities are numbered.
    """
    path = Path(path)
    with whole_file(path) as temporary:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
                elif name == "config.json":
                    content = _numbered_identities(content.decode()).encode()
                target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def _numbered_identities(config: str) -> str:
    """Number the shared objects of a model's config in the order of their appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match) -> str:
        return f"{match[1]}{numbers.setdefault(match[2], len(numbers))}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)


def _damaged(path: Path | str, error: Exception | str) -> UserError:
    return UserError(
        f"{path}: cannot be read ({first_line(error)}). The file is missing, cut or corrupted: "
        f"delete it and run the same command again to have it rebuilt."
    )
