"""The on-disk formats: the only module that knows the layout of HDF5, JSON and `.keras` files.

Every writer builds the file under a temporary name in the target's folder and renames it when it
is whole, so a file under its final name is always complete. Every reader turns a truncated or
foreign file into a `UserError` that names it.

Layout of a data set (`results/data/{dataset}.h5`): the groups `train`, `validation` and `test`,
each with `images` (n, height, width, 3) uint8 in 0-255, `labels` (n,) int32 and `names` (n,)
strings; the root attribute `class_names` and further attributes that say where it came from.
A features file has `vectors` (n, d) float32 in place of `images`. A predictions file has the
groups `validation` and `test` with `probabilities` (n, classes) float32 and `labels`.
An exported network is a `.keras` file with one member more, `convstudy.json`, that says what it is.
"""

import contextlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy import files
from convstudy.errors import UserError

SUBSETS = ("train", "validation", "test")
IMAGES_PER_CHUNK = 32
ABOUT = "convstudy.json"


@contextlib.contextmanager
def create_hdf5(path: Path | str, attributes: Mapping[str, Any]) -> Iterator[h5py.File]:
    """Open a new HDF5 file that appears under `path` when the block succeeds.

    Object times are not tracked and attributes are written in sorted order, so that equal content
    gives equal bytes.
    """
    with files.whole_file(path) as temporary, _PatientFile(temporary, "w+") as stream:
        with h5py.File(stream, "w", libver=("earliest", "v110")) as file:
            for key in sorted(attributes):
                value = attributes[key]
                if isinstance(value, list | tuple) and all(isinstance(x, str) for x in value):
                    value = np.array(value, dtype=h5py.string_dtype())
                file.attrs[key] = value
            yield file
            stream.check()
        stream.check()


class _PatientFile(io.FileIO):
    """A file that takes what has no room on the disk, and says so only when it is asked.

    The HDF5 library ends the process (a segmentation fault) when a write fails while it closes a
    file, so it must not hear of it.
    """

    _error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self._error is None:
            try:
                return self._write_all(memoryview(data))
            except OSError as error:
                self._error = error
        self.seek(len(data), os.SEEK_CUR)
        return len(data)

    def check(self) -> None:
        """Raise the error of the first write that failed."""
        if self._error:
            raise self._error

    def _write_all(self, data: memoryview) -> int:
        done = 0
        while done < len(data):
            done += super().write(data[done:])
        return done


@contextlib.contextmanager
def open_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; raise `UserError` when it is missing, cut or corrupted."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError) as error:
        raise files.damaged(path, error) from error


def create_array(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any) -> h5py.Dataset:
    """Create a checksummed array in chunks of whole rows, so that a batch reads only itself."""
    rows = max(1, min(IMAGES_PER_CHUNK, shape[0]))
    return group.create_dataset(
        name, shape, dtype, chunks=(rows, *shape[1:]), fletcher32=True, track_times=False
    )


def write_array(group: h5py.Group, name: str, values: np.ndarray) -> None:
    """Write a numeric array of one dimension or more, checksummed."""
    create_array(group, name, values.shape, values.dtype)[...] = values


def write_names(group: h5py.Group, name: str, values: list[str]) -> None:
    """Write a list of strings."""
    data = np.array(values, dtype=h5py.string_dtype())
    group.create_dataset(name, data=data, track_times=False)


def read_subset(
    path: Path | str, subset: str, arrays: tuple[str, ...] = ("images", "labels")
) -> tuple[np.ndarray, ...]:
    """Read arrays of one subset (`train`, `validation` or `test`) and nothing of the others."""
    if subset not in SUBSETS:
        raise ValueError(f"subset is '{subset}', expected one of {SUBSETS}")
    with open_hdf5(path) as file:
        return tuple(file[subset][name][...] for name in arrays)


def read_rows(path: Path | str, subset: str, rows: np.ndarray, array: str = "images") -> np.ndarray:
    """Read some rows of one array of a subset, in the order given, and only their chunks."""
    order, places = np.unique(rows, return_inverse=True)
    with open_hdf5(path) as file:
        return file[subset][array][order][places]


def read_attributes(path: Path | str) -> dict[str, Any]:
    """Read the root attributes as builtin types (`class_names` is a list of strings)."""
    with open_hdf5(path) as file:
        attributes = {}
        for key, value in file.attrs.items():
            attributes[key] = (
                value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            )
        return attributes


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
        return {name: array[...] for name, array in file.items()}


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
    """Read (probabilities, labels) of one subset."""
    return read_subset(path, subset, ("probabilities", "labels"))


def stable_zip(path: Path | str) -> None:
    """Rewrite a `.keras` archive so that equal models give equal bytes.

    Keras stores the date in `metadata.json` and in each zip entry, and memory addresses as the
    identity of shared objects in `config.json`: dates are fixed, identities are numbered.
    """
    path = Path(path)
    with files.whole_file(path) as temporary:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
                elif name == "config.json":
                    content = _numbered_identities(content.decode()).encode()
                target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def add_about(path: Path | str, about: Mapping[str, Any]) -> None:
    """Add the member `convstudy.json` to a `.keras` archive; Keras does not look at it."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(ABOUT, json.dumps(about, indent=2, allow_nan=False))


def read_about(path: Path | str) -> dict[str, Any] | None:
    """Read the member `convstudy.json` of a `.keras` archive; None where there is none.

    Every member is compared with its checksum, which Keras does not do.

    Raises:
        UserError: the file is missing, no archive, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"its member {damaged} is damaged")
            return json.loads(archive.read(ABOUT)) if ABOUT in archive.namelist() else None
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"{path}: cannot be read as a .keras file ({error}). Expected a whole file as "
            f"./convstudy export writes it: export the run again."
        ) from error


def _numbered_identities(config: str) -> str:
    """Number the shared objects of a model's config in the order of their appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match) -> str:
        return f"{match[1]}{numbers.setdefault(match[2], len(numbers))}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)
