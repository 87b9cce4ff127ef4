"""What an unpacked archive or a folder holds, and handles to its files."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from convstudy.foundation.errors import UserError


class Member(Protocol):
    """One file, readable as often as needed."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def open(self) -> BinaryIO:
        """Open it for reading, from its first byte."""


@dataclass(frozen=True)
class FileMember:
    """A file on the disk."""

    path: Path

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        """Open the file; raise `UserError` where that fails."""
        try:
            return open(self.path, "rb")
        except OSError as error:
            raise UserError(f"{self.path}: cannot be opened ({error.strerror}).") from error


@dataclass(frozen=True)
class SpooledMember:
    """A stretch of the one nameless file that an archive was unpacked into."""

    descriptor: int
    start: int
    size: int

    def open(self) -> BinaryIO:
        """Open the stretch as a file of its own."""
        return io.BufferedReader(_Stretch(self.descriptor, self.start, self.size))


@dataclass(frozen=True)
class Contents:
    """What is in an archive or a folder; system files are not mentioned anywhere.

    Attributes:
        members: the files that were asked for, by name ("folder/file"), sorted by name.
        empty_folders: the names of the folders that hold no file at all, wanted or not, nor any
            folder that does; sorted.
        left_out: (name, reason) of links and special files that are not among the members, sorted;
            "NAME REASON." is a sentence.
    """

    members: dict[str, Member]
    empty_folders: list[str]
    left_out: list[tuple[str, str]]


class _Stretch(io.RawIOBase):
    """Reads by position, so members that are open at the same time do not disturb each other."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor, self._start, self._size = descriptor, start, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError(f"negative position {origin + offset}")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        length = max(0, min(len(buffer), self._size - self._position))
        data = os.pread(self._descriptor, length, self._start + self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
