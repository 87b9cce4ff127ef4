"""Chunks of an array in an HDF5 file, read one at a time.

HDF5 says once where they lie, and they are read past it: its own way to single rows takes many
times as long and keeps other threads waiting (tests/benchmarks/larger_than_memory.py). The checksum
of each is checked as HDF5 does it.
"""

import os
import weakref
import zlib
from pathlib import Path

import h5py
import numpy as np

from convstudy.data import hdf5
from convstudy.foundation import atomic_files


class Chunks:
    """The chunks of one array, of whole rows each; the file stays open.

    Attributes:
        path: the file.
        shape: of the array.
        dtype: of the array.
        rows: in each chunk; the last one may have some beyond the array's end.

    Raises:
        UserError: the array is not there, or not stored as `hdf5.create_array` does.
    """

    def __init__(self, path: Path | str, *place: str) -> None:
        self.path = path
        with hdf5.open_hdf5(path) as file:
            stored = hdf5.array(file, *place)
            self.shape, self.dtype = stored.shape, stored.dtype
            if not _is_in_rows(stored):
                raise atomic_files.damaged(path, f"'{'/'.join(place)}' is not in chunks of rows")
            self.rows = stored.chunks[0]
            self._places = np.zeros((-(-self.shape[0] // self.rows), 2), np.int64)
            stored.id.chunk_iter(self._take_place)
            self._file = os.open(path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._file)

    def _take_place(self, chunk: h5py.h5d.StoreInfo) -> None:
        number = chunk.chunk_offset[0] // self.rows
        if number < len(self._places):
            self._places[number] = (chunk.byte_offset, chunk.size)

    def read(self, number: int) -> np.ndarray:
        """One chunk, (rows, ...).

        Raises:
            UserError: it is damaged.
        """
        start, size = self._places[number].tolist()
        try:
            content = zlib.decompress(os.pread(self._file, size, start))
            return np.frombuffer(content, self.dtype).reshape(self.rows, *self.shape[1:])
        except (OSError, OverflowError, ValueError, zlib.error) as error:
            raise atomic_files.damaged(self.path, error) from error


def _is_in_rows(stored: h5py.Dataset) -> bool:
    """Whether an array is in chunks of whole rows that pass the gzip filter and no other."""
    if stored.chunks is None or stored.chunks[1:] != stored.shape[1:]:
        return False
    creation = stored.id.get_create_plist()
    return creation.get_nfilters() == 1 and creation.get_filter(0)[0] == h5py.h5z.FILTER_DEFLATE
