"""Rows of an array, held in memory or left on the disk: images, features, what is made of them.

A job holds as much as the config's `memory.data_mb` allows. What is larger stays on the disk, and
gives the same rows with the same bits.
"""

import itertools
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy.data import hdf5
from convstudy.data.hdf5_chunks import Chunks
from convstudy.foundation import atomic_files, row_blocks
from convstudy.foundation.errors import UserError

# What is made of rows is made of so many bytes of them at a time, of twice as many at most. Fewer
# cost bits: the product of a matrix and a block of rows has those of its own number of rows.
BLOCK_BYTES = 24 * 2**20


class NotHeld(UserError, AttributeError):
    """What an array in memory has, and rows on the disk have not."""


class StoredRows:
    """Rows that stay on the disk and are read when they are asked for.

    They are asked for as those of a NumPy array: `rows[3]`, `rows[10:20]`, `rows[[5, 2, 9]]`,
    `len(rows)`, `for row in rows`, `rows.shape`. `numpy.asarray(rows)` reads all into memory.

    Args:
        arrays: where they are; several arrays are one after the other.
    """

    def __init__(self, *arrays: Chunks) -> None:
        self._arrays = arrays
        ends = list(itertools.accumulate(array.shape[0] for array in arrays))
        self.shape, self.dtype = (ends[-1], *arrays[0].shape[1:]), arrays[0].dtype
        self._ends, self._starts = np.array(ends), np.array([0, *ends[:-1]])
        self._chunk_rows = np.array([array.rows for array in arrays])

    @property
    def nbytes(self) -> int:
        """What they would take in memory."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        """How many there are."""
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        """One row after the other, read in blocks."""
        for block in row_blocks.even(len(self), rows_in(hdf5.BLOCK_BYTES, self)):
            yield from self[block]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        """One row by its number, or several (m, ...) by a slice or their numbers (m,)."""
        n = len(self)
        wanted = np.arange(n)[rows] if isinstance(rows, slice) else np.asarray(rows)
        if wanted.dtype.kind not in "iu" or wanted.ndim > 1:
            raise TypeError(f"rows are {rows!r}, expected a number, a slice or several numbers")
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < n:
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of {n}")
        found = self._read(np.atleast_1d(wanted))
        return found if wanted.ndim else found[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of them, in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)

    def __getattr__(self, name: str) -> Any:
        """Say what is not there, and why."""
        raise NotHeld(
            f"'{name}' is asked of images that are more than memory.data_mb in the config lets a "
            f"job hold, so they stay on the disk and have len, shape, dtype, [start:stop] and "
            f"[numbers] only. Take them block by block, or set a larger memory.data_mb."
        )

    def _read(self, wanted: np.ndarray) -> np.ndarray:
        """Some rows (n,), each chunk once."""
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        arrays = np.searchsorted(self._ends, wanted, side="right")
        chunks, places = np.divmod(wanted - self._starts[arrays], self._chunk_rows[arrays])
        order = np.lexsort((chunks, arrays))
        columns = (order, arrays[order], chunks[order], places[order])
        last = content = None
        for row, array, chunk, place in zip(*(x.tolist() for x in columns), strict=True):
            if (array, chunk) != last:
                content, last = self._arrays[array].read(chunk), (array, chunk)
            found[row] = content[place]
        return found


Rows = np.ndarray | StoredRows


class Memory:
    """How much of its data a job may still hold, of so many MB (10^6 bytes) in all."""

    def __init__(self, megabytes: float = math.inf) -> None:
        self._left = megabytes * 1e6

    def takes(self, size: int) -> bool:
        """Whether so many bytes still fit; they count from then on."""
        fits = size <= self._left
        self._left -= size * fits
        return fits


def of_subset(path: Path | str, subset: str, name: str) -> tuple[StoredRows, np.ndarray]:
    """The rows of one subset's array, on the disk, and its labels (n,).

    Raises:
        UserError: the file is damaged, or has not one label a row.
    """
    rows, (labels,) = of_subsets(path, [subset], name), hdf5.read_subset(path, subset, ("labels",))
    if len(rows) != len(labels):
        raise atomic_files.damaged(path, f"{len(labels)} labels of {len(rows)} {name}")
    return rows, labels


def of_subsets(path: Path | str, subsets: list[str], name: str) -> StoredRows:
    """The rows of an array in several subsets, one after the other, on the disk."""
    return StoredRows(*(Chunks(path, subset, name) for subset in subsets))


def copy(rows: StoredRows, numbers: np.ndarray, group: h5py.Group, name: str) -> None:
    """Write the rows of these numbers (m,) as an array of a group, in whole chunks."""
    target = hdf5.create_array(group, name, (len(numbers), *rows.shape[1:]), rows.dtype)
    step = hdf5.rows_at_a_time(target)
    for start in range(0, len(numbers), step):
        target[start : start + step] = rows[numbers[start : start + step]]


def held(
    rows: StoredRows, memory: Memory, make: Callable[[np.ndarray], np.ndarray] | None = None
) -> Rows:
    """The rows, or what is made of them: in memory where it takes them, else on the disk.

    Args:
        rows: (n, ...).
        memory: what may be held.
        make: makes one entry a row of a block of rows; it may give back the very block that it got.

    Returns:
        n entries. Those on the disk are in a temporary file without a name, which the system
        removes when this process ends, however it does.
    """
    probe = rows[:1]
    made = probe if make is None else make(probe)
    if made is probe:
        return rows[:] if memory.takes(rows.nbytes) else rows
    shape, dtype = (len(rows), *made.shape[1:]), made.dtype
    if memory.takes(math.prod(shape) * dtype.itemsize):
        target = np.empty(shape, dtype)
        _fill(target, rows, make)
        return target
    with tempfile.TemporaryDirectory(prefix="convstudy-") as folder:
        path = Path(folder, "rows.h5")
        with hdf5.create_hdf5(path, {}) as file:
            _fill(hdf5.create_array(file, "rows", shape, dtype), rows, make)
        return StoredRows(Chunks(path, "rows"))


def _fill(target: Any, rows: StoredRows, make: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write what is made of rows, block by block."""
    for block in row_blocks.even(len(rows), rows_in(BLOCK_BYTES, rows)):
        target[block] = make(rows[block])


def rows_in(size: int, rows: StoredRows) -> int:
    """How many rows take so many bytes; one at least."""
    return max(1, size * len(rows) // max(1, rows.nbytes))
