"""Unpack archives that nobody vouches for: `.tar` (plain, gzip, bzip2, xz) and `.zip`.

Nothing in an archive chooses a path: the wanted members are written one after the other into a
single temporary file that has no name, and handed out as a table from member name to a handle.
The system frees that file when the block ends, and also when the process is killed. It lies where
Python's `tempfile` says: set `TMPDIR` to a disk with room for the unpacked archive.

An archive is refused as a whole when it holds an absolute path, a `..`, a link, a device, or a
sparse or encrypted file, when it is cut or fails its checksum, and when it unpacks to more than
`FREE_BYTES` + `MAX_RATIO` times its own size (what it declares counts, before anything is
written). Memory does not grow with the size of a member.
"""

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from convstudy.decoding.archive_entries import FileMember, Member, SpooledMember
from convstudy.foundation import folder_digests
from convstudy.foundation.errors import UserError, first_line

MAX_MEMBERS = 2_000_000
MAX_RATIO = 200  # pictures compress a few times, drawn ones up to about 50 times
FREE_BYTES = 64 * 2**20  # a small archive may always unpack to this many bytes
MAX_MEMBER_BYTES = 2 * 2**30
MAX_NAME = 1024  # letters: each name of an image is kept
CHUNK = 2**16
# A larger read can only be a header that claims to be huge: members are copied by chunks.
MAX_READ = 2**18

_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


@contextlib.contextmanager
def extracted(archive: Path, wanted: Callable[[str], bool]) -> Iterator[dict[str, Member]]:
    """Unpack the wanted members of an archive for the time of the block.

    A folder is taken as an archive that is unpacked already: its files are handed out where they
    are, links to other places included, because a folder on the user's disk is the user's own.

    Args:
        archive: an archive file or a folder.
        wanted: says by its name ("folder/file") whether a member is needed.

    Yields:
        The wanted members by name, sorted by name.

    Raises:
        UserError: the archive is missing, damaged, of an unknown format, or unsafe.
    """
    archive = Path(archive)
    if archive.is_dir():
        yield {
            name: FileMember(path) for name, path in folder_digests.files(archive) if wanted(name)
        }
        return
    with tempfile.TemporaryFile() as spool:
        with _repairs(archive):
            members = _Extraction(archive, spool, wanted).run()
        yield dict(sorted(members.items()))


@contextlib.contextmanager
def _repairs(archive: Path) -> Iterator[None]:
    """Turn what a damaged archive makes the standard library raise into a `UserError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(
            f"{archive}: there is no such file. Expected an archive or a folder: put it there, or "
            f"correct the path in config.yaml."
        ) from error
    except UserError:
        raise
    except Exception as error:  # tarfile and zipfile let many types escape on a damaged file
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"{archive}: the disk of the temporary folder {tempfile.gettempdir()} is full. "
                f"Free some space, or set TMPDIR to a folder on a larger disk."
            ) from error
        raise UserError(
            f"{archive}: cannot be unpacked ({first_line(error)}). The archive "
            f"is cut or damaged: delete it and fetch it again."
        ) from error


class _Extraction:
    """One pass over an archive that counts what it unpacks."""

    def __init__(self, archive: Path, spool: BinaryIO, wanted: Callable[[str], bool]) -> None:
        self.archive = archive
        self.spool = spool
        self.wanted = wanted
        self.unpacked: dict[str, Member] = {}
        self.members = 0
        self.declared = 0
        self.limit = FREE_BYTES + MAX_RATIO * archive.stat().st_size
        self.room = shutil.disk_usage(tempfile.gettempdir()).free

    def run(self) -> dict[str, Member]:
        with open(self.archive, "rb") as stream:
            head = stream.read(512)
        opener = next((o for magic, o in _COMPRESSED.items() if head.startswith(magic)), open)
        if head.startswith(b"PK"):
            self._read_zip()
        elif opener is open and not _is_tar(head):
            raise UserError(f"{self.archive}: {_foreign(head)}")
        else:
            self._read_tar(opener)
        self.spool.flush()
        return self.unpacked

    def _read_tar(self, opener: Callable) -> None:
        with opener(self.archive, "rb") as raw, _Bounded(raw, self.limit, self.archive) as stream:
            try:
                tar = tarfile.open(fileobj=stream, mode="r:")
            except tarfile.ReadError as error:
                if opener is open or stream.tell() == 0:
                    raise
                raise UserError(
                    f"{self.archive}: what is compressed is not a tar archive ({error}). Expected "
                    f"a .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz or .zip file."
                ) from error
            with tar:
                while (member := tar.next()) is not None:
                    tar.members.clear()  # or a million members would stay in memory
                    kind = _tar_kind(member)
                    if self._admits(member.name, member.size, kind):
                        self._write(member.name, member.size, tar.extractfile(member))
                # tarfile takes a damaged header, and the end of the file, for the end of the tar.
                stream.seek(tar.offset)
                if stream.read(512) != bytes(512):
                    raise EOFError(f"the tar archive ends in the middle, at byte {tar.offset}")
            while stream.read(CHUNK):  # to the end, where the checksum of a .gz is verified
                pass

    def _read_zip(self) -> None:
        with zipfile.ZipFile(self.archive) as archive:
            for member in archive.infolist():
                encrypted = member.flag_bits & 1
                kind = "an encrypted file" if encrypted else _zip_kind(member)
                if self._admits(member.filename, member.file_size, kind):
                    with archive.open(member) as source:
                        self._write(member.filename, member.file_size, source)

    def _admits(self, name: str, size: int, kind: str) -> bool:
        """Count one member, refuse an unsafe one, and tell whether it is wanted.

        `kind` is "file", "folder", or in words what else the member is.
        """
        self.members += 1
        self.declared += size
        if kind not in ("file", "folder"):
            self._refuse(name, f"is {kind}", "ordinary files and folders")
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":" or "\0" in name:
            self._refuse(name, "leads out of the archive", "paths inside the archive")
        if len(name) > MAX_NAME:
            self._refuse(name, f"has a name of {len(name):,} letters", f"at most {MAX_NAME:,}")
        if self.members > MAX_MEMBERS:
            self._refuse(name, f"is one of more than {MAX_MEMBERS:,} members", "fewer of them")
        if size > MAX_MEMBER_BYTES:
            self._refuse(name, f"has {size:,} bytes", f"at most {MAX_MEMBER_BYTES:,}")
        if self.declared > self.limit:
            _refuse_bomb(self.archive, name, self.limit)
        return kind == "file" and self.wanted(_plain(name))

    def _write(self, name: str, size: int, source: BinaryIO) -> None:
        plain = _plain(name)
        if plain in self.unpacked:
            self._refuse(name, "occurs twice", "every file once")
        self.room -= size
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        start = self.spool.tell()
        shutil.copyfileobj(source, self.spool, CHUNK)
        if self.spool.tell() != start + size:
            raise EOFError(f"'{name}' is cut")
        self.unpacked[plain] = SpooledMember(self.spool.fileno(), start, size)

    def _refuse(self, name: str, found: str, expected: str) -> None:
        raise UserError(
            f"{self.archive}: member {name[:200]!r} {found}, expected {expected}. Nothing was "
            f"unpacked: check where the archive comes from, or pack the images again yourself."
        )


class _Bounded(io.BufferedReader):
    """A decompressed stream that refuses to go past a limit or to read much at once.

    Reads smaller than the buffer leave their last byte in it, so tarfile's step back by one byte,
    which looks whether the stream is cut, does not decompress everything again.
    """

    def __init__(self, raw: BinaryIO, limit: int, archive: Path) -> None:
        super().__init__(raw, 2 * MAX_READ)
        self._limit = limit
        self._archive = archive

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
            _refuse_bomb(self._archive, None, self._limit)


def _refuse_bomb(archive: Path, name: str | None, limit: int) -> None:
    where = f" (at member {name[:200]!r})" if name else ""
    raise UserError(
        f"{archive}: unpacks to more than {limit:,} bytes{where}, which is {MAX_RATIO} times its "
        f"size and more; images do not compress like that. Check where the archive comes from, or "
        f"unpack it yourself and give the folder."
    )


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.issparse():
        return "a sparse file"
    if member.isdir():
        return "folder"
    if member.islnk() or member.issym():
        return f"a link to {member.linkname[:200]!r}"
    return "file" if member.isfile() else "a device or another special file"


def _zip_kind(member: zipfile.ZipInfo) -> str:
    if member.is_dir():
        return "folder"
    kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where the archive comes from Windows
    return "file" if kind in (0, stat.S_IFREG) else "a link, a device or another special file"


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
