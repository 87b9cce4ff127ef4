"""NumPy's `.npy` files of strangers: rows are read where they lie, and nothing is unpickled."""

import math
from dataclasses import dataclass

import numpy as np

from convstudy.decoding.archive_entries import Member
from convstudy.foundation.errors import UserError, first_line


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, of which single rows can be read.

    Attributes:
        label: what messages call it.
        shape: its shape.
        dtype: its type, which holds no Python objects.
        start: number of bytes before its content, in the order of C.
    """

    label: str
    member: Member
    shape: tuple[int, ...]
    dtype: np.dtype
    start: int

    def row(self, index: int) -> np.ndarray:
        """Read `array[index]`."""
        return self._read(index, self.shape[1:])

    def whole(self) -> np.ndarray:
        """Read all of it."""
        return self._read(0, self.shape)

    def _read(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        size = math.prod(shape) * self.dtype.itemsize
        with self.member.open() as stream:
            stream.seek(self.start + index * size)
            content = stream.read(size)
        if len(content) < size:
            raise UserError(f"{self.label}: the array is cut. Fetch the file again.")
        stored = np.frombuffer(content, self.dtype).reshape(shape)
        return stored.astype(self.dtype.newbyteorder("="), copy=False)


def open_array(label: str, member: Member) -> StoredArray:
    """Read the header of a `.npy` file.

    Raises:
        UserError: it is no such file, is cut, or holds Python objects.
    """
    try:
        with member.open() as stream:
            version = np.lib.format.read_magic(stream)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"version {version[0]}.{version[1]} of the format")
            headers = np.lib.format
            read = (
                headers.read_array_header_1_0 if version[0] == 1 else headers.read_array_header_2_0
            )
            shape, by_columns, dtype = read(stream)
            start = stream.tell()
    except UserError:
        raise
    except Exception as error:  # NumPy lets many types escape on a damaged header
        raise UserError(
            f"{label}: cannot be read as an array ({first_line(error)}). Expected a file that "
            f"numpy.save or numpy.savez wrote: fetch it again."
        ) from error
    if dtype.hasobject:
        raise UserError(
            f"{label}: holds pickled Python objects, which may run code and are not read. Expected "
            f"an array of numbers: save it as one."
        )
    if start + math.prod(shape) * dtype.itemsize != member.size or min(shape, default=0) < 0:
        raise UserError(
            f"{label}: has {member.size - start:,} bytes and claims the shape {shape} of "
            f"{dtype}. The file is damaged: fetch it again."
        )
    if by_columns and len(shape) > 1:
        raise UserError(
            f"{label}: is stored by columns (Fortran's order), expected by rows: save "
            f"numpy.ascontiguousarray of it."
        )
    return StoredArray(label, member, shape, dtype, start)
