"""The members of a `.tar` (plain, gzip, bzip2, xz) or `.zip`, one after the other.

What the two formats say in different ways is said in one way here; what to make of a member is
decided elsewhere.
"""

import bz2
import functools
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from convstudy.foundation.errors import UserError

MAX_NAME = 1024  # letters: each name of an image is kept
CHUNK = 2**16
# A larger read can only be a header that claims to be huge: members are copied by chunks.
MAX_READ = 2**18

LINKS = ("symbolic link", "hard link")
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# FAT, NTFS (as the specification and as Info-ZIP count) and VFAT: names hold no backslash there.
_WINDOWS = (0, 10, 11, 14)


@dataclass(frozen=True)
class Entry:
    """What an archive says of one member.

    Attributes:
        name: its path in the archive, with `/` between folders, as the archive has it otherwise.
        size: number of bytes; 0 for a link.
        kind: "file", "folder", one of `LINKS`, or in words what else it is.
        target: of a link, the path that it gives.
        open: opens a file's content; to be used before the next member is asked for.
    """

    name: str
    size: int
    kind: str
    target: str = ""
    open: Callable[[], BinaryIO] = io.BytesIO


def entries(archive: Path, limit: int, refuse: Callable[[], NoReturn]) -> Iterator[Entry]:
    """Read an archive from its beginning to its end.

    Args:
        archive: the file.
        limit: bytes that it may unpack to.
        refuse: is called where a tar goes past them; raises.

    Raises:
        UserError: the file is no archive of a known format.
        Exception: what the standard library raises for a damaged one.
    """
    with open(archive, "rb") as stream:
        head = stream.read(512)
    opener = next((o for magic, o in _COMPRESSED.items() if head.startswith(magic)), open)
    if head.startswith(b"PK"):
        yield from _zip_entries(archive)
    elif opener is open and not _is_tar(head):
        raise UserError(f"{archive}: {_foreign(head)}")
    else:
        with opener(archive, "rb") as raw, _Bounded(raw, limit, refuse) as stream:
            yield from _tar_entries(archive, stream, opener is not open)


def _tar_entries(archive: Path, stream: BinaryIO, compressed: bool) -> Iterator[Entry]:
    try:
        tar = tarfile.open(fileobj=stream, mode="r:")
    except tarfile.ReadError as error:
        if not compressed or stream.tell() == 0:
            raise
        raise UserError(
            f"{archive}: what is compressed is not a tar archive ({error}). Expected a .tar, "
            f".tar.gz, .tgz, .tar.bz2, .tar.xz or .zip file."
        ) from error
    with tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # or a million members would stay in memory
            kind, opened = _tar_kind(member), functools.partial(tar.extractfile, member)
            size = 0 if kind in LINKS else member.size
            yield Entry(member.name, size, kind, member.linkname, opened)
        # tarfile takes a damaged header, and the end of the file, for the end of the tar.
        stream.seek(tar.offset)
        if stream.read(512) != bytes(512):
            raise EOFError(f"the tar archive ends in the middle, at byte {tar.offset}")
    while stream.read(CHUNK):  # to the end, where the checksum of a .gz is verified
        pass


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.issparse():
        return "a sparse file"
    if member.isdir():
        return "folder"
    if member.issym() or member.islnk():
        return "symbolic link" if member.issym() else "hard link"
    return "file" if member.isfile() else "a device or another special file"


def _zip_entries(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        without_slash = not any("/" in member.filename for member in members)
        for member in members:
            name = _zip_name(member)
            if without_slash or member.create_system in _WINDOWS:
                name = name.replace("\\", "/")
            kind, size, target = _zip_kind(member, name), member.file_size, ""
            if kind == "symbolic link":
                if size > MAX_NAME:
                    kind = f"a link to a path of {size:,} bytes"
                else:
                    with archive.open(member) as stream:
                        target = stream.read(MAX_NAME).decode("utf-8", "surrogateescape")
                    size = 0
            yield Entry(name, size, kind, target, functools.partial(archive.open, member))


def _zip_name(member: zipfile.ZipInfo) -> str:
    """The name; macOS writes UTF-8 without the flag that says so, which zipfile takes for cp437."""
    if member.flag_bits & 0x800 or member.filename != member.orig_filename:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _zip_kind(member: zipfile.ZipInfo, name: str) -> str:
    if member.flag_bits & 1:
        return "an encrypted file"
    if name.endswith("/"):
        return "folder"
    kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where the archive comes from Windows
    if kind == stat.S_IFLNK:
        return "symbolic link"
    return "file" if kind in (0, stat.S_IFREG) else "a device or another special file"


class _Bounded(io.BufferedReader):
    """A decompressed stream that refuses to go past a limit or to read much at once.

    Reads smaller than the buffer leave their last byte in it, so tarfile's step back by one byte,
    which looks whether the stream is cut, does not decompress everything again.
    """

    def __init__(self, raw: BinaryIO, limit: int, refuse: Callable[[], NoReturn]) -> None:
        super().__init__(raw, 2 * MAX_READ)
        self._limit = limit
        self._refuse = refuse

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_READ:
            raise ValueError(f"a header claims {size:,} bytes")
        self._check(self.tell() + size)
        return super().read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        self._check(position)
        return super().seek(position, whence)

    def _check(self, position: int) -> None:
        if position > self._limit + MAX_READ:
            self._refuse()


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _foreign(head: bytes) -> str:
    repair = "Expected a .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .zip file: fetch it again."
    if not head:
        return f"the file is empty. {repair}"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return f"this is a web page, which the address gave in place of the archive. {repair}"
    return f"this is not an archive that can be unpacked. {repair}"
