"""Unpack archives that nobody vouches for: `.tar` (plain, gzip, bzip2, xz) and `.zip`.

Nothing in an archive chooses a path: the wanted members are written one after the other into a
single temporary file that has no name, and handed out as a table from member name to a handle.
The system frees that file when the block ends, and also when the process is killed. It lies where
Python's `tempfile` says: set `TMPDIR` to a disk with room for the unpacked archive.

An archive is refused as a whole when it holds an absolute path, a `..`, a device, or a sparse or
encrypted file, when it is cut or fails its checksum, and when it unpacks to more than `FREE_BYTES`
+ `MAX_RATIO` times its own size (what it declares counts, before anything is written; a link counts
as a copy). Memory does not grow with the size of a member.

A link is followed inside the archive only, by name. One that is wanted and leads to no file of the
archive is a reason to refuse it; the others are left out.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from convstudy.decoding.archive_entries import Contents, FileMember, Member, SpooledMember
from convstudy.decoding.archive_formats import CHUNK, LINKS, MAX_NAME, Entry, entries
from convstudy.decoding.archive_links import Link, file_of, link_of, plain
from convstudy.foundation import folder_digests
from convstudy.foundation.errors import UserError, first_line
from convstudy.foundation.system_files import is_system_file

MAX_MEMBERS = 2_000_000
MAX_RATIO = 200  # pictures compress a few times, drawn ones up to about 50 times
FREE_BYTES = 64 * 2**20  # a small archive may always unpack to this many bytes
MAX_MEMBER_BYTES = 2 * 2**30


@contextlib.contextmanager
def extracted(archive: Path, wanted: Callable[[str], bool]) -> Iterator[Contents]:
    """Unpack the wanted members of an archive for the time of the block.

    A folder is taken as an archive that is unpacked already: its files are handed out where they
    are. There, links are taken as copies of what they lead to, wherever that is, because a folder
    on the user's disk is the user's own.

    Args:
        archive: an archive file or a folder.
        wanted: says by its name ("folder/file") whether a member is needed; is asked once for each
            file or link that is no system file.

    Yields:
        The wanted members, and what else is worth a word.

    Raises:
        UserError: the archive is missing, damaged, of an unknown format, or unsafe.
    """
    archive = Path(archive)
    if archive.is_dir():
        found = folder_digests.listing(archive)
        above = (name.rpartition("/")[0] for name, _ in found.files)
        yield Contents(
            {name: FileMember(path) for name, path in found.files if wanted(name)},
            folder_digests.empty(found.folders, above),
            found.left_out,
        )
        return
    with tempfile.TemporaryFile() as spool:
        with _repairs(archive):
            contents = _Extraction(archive, spool).run(wanted)
        yield contents


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
    """Passes over an archive that count what they unpack."""

    def __init__(self, archive: Path, spool: BinaryIO) -> None:
        self.archive = archive
        self.spool = spool
        self.unpacked: dict[str, SpooledMember] = {}
        self.places: dict[str, int] = {}  # of what is unpacked, counted from 1
        self.links: dict[str, Link] = {}
        self.folders: set[str] = set()
        self.above_files: set[str] = set()
        self.members = 0
        self.declared = 0
        self.limit = FREE_BYTES + MAX_RATIO * archive.stat().st_size
        self.room = shutil.disk_usage(tempfile.gettempdir()).free

    def run(self, wanted: Callable[[str], bool]) -> Contents:
        linked: list[str] = []
        left_out: list[tuple[str, str]] = []
        for entry in self._admitted():
            name = plain(entry.name)
            if entry.kind in LINKS:  # a link that nobody needs may stand between two others
                self.links.setdefault(name, link_of(name, entry, self.members))
            if is_system_file(name):
                continue
            if entry.kind == "folder":
                self.folders.add(name)
                continue
            needed = wanted(name)
            if entry.kind == "symbolic link" and not needed:
                left_out.append((name, f"is a link to {entry.target[:200]!r}"))
                continue
            self.above_files.add(name.rpartition("/")[0])
            if needed and entry.kind == "file":
                self._write(name, entry)
            elif needed:
                linked.append(name)
        members: dict[str, Member] = dict(self.unpacked)
        members |= self._followed(linked)
        self.spool.flush()
        return Contents(
            dict(sorted(members.items())),
            folder_digests.empty(self.folders - {""}, self.above_files),
            sorted(left_out),
        )

    def _admitted(self) -> Iterator[Entry]:
        """One pass over all members, which counts them and refuses unsafe ones."""
        self.members = self.declared = 0
        with contextlib.closing(entries(self.archive, self.limit, self._refuse_bomb)) as members:
            for entry in members:
                self.members += 1
                self._check(entry)
                yield entry

    def _check(self, entry: Entry) -> None:
        name, size = entry.name, entry.size
        if entry.kind not in ("file", "folder", *LINKS):
            self._refuse(name, f"is {entry.kind}", "ordinary files and folders")
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":" or "\0" in name:
            self._refuse(name, "leads out of the archive", "paths inside the archive")
        if len(name) > MAX_NAME:
            self._refuse(name, f"has a name of {len(name):,} letters", f"at most {MAX_NAME:,}")
        if self.members > MAX_MEMBERS:
            self._refuse(name, f"is one of more than {MAX_MEMBERS:,} members", "fewer of them")
        if size > MAX_MEMBER_BYTES:
            self._refuse(name, f"has {size:,} bytes", f"at most {MAX_MEMBER_BYTES:,}")
        self._count(name, size)

    def _count(self, name: str, size: int) -> None:
        self.declared += size
        if self.declared > self.limit:
            self._refuse_bomb(name)

    def _write(self, name: str, entry: Entry) -> None:
        if name in self.unpacked:
            self._refuse(entry.name, "occurs twice", "every file once")
        self.room -= entry.size
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        start = self.spool.tell()
        with entry.open() as source:
            shutil.copyfileobj(source, self.spool, CHUNK)
        if self.spool.tell() != start + entry.size:
            raise EOFError(f"'{entry.name}' is cut")
        self.unpacked[name] = SpooledMember(self.spool.fileno(), start, entry.size)
        self.places[name] = self.members

    def _followed(self, linked: list[str]) -> dict[str, Member]:
        """The contents of the wanted links; a second pass reads those that nobody asked for."""
        ends: dict[str, tuple[str, int | None]] = {}
        for name in linked:
            if name in self.unpacked or name in ends:
                self._refuse(name, "occurs twice", "every file once")
            end = file_of(name, self.links)
            if isinstance(end, str):
                self._refuse_link(name, end)
            ends[name] = end
        missing = {target for target, _ in ends.values()} - set(self.unpacked)
        for entry in self._admitted() if missing else ():
            if entry.kind == "file" and plain(entry.name) in missing:
                self._write(plain(entry.name), entry)
        found: dict[str, Member] = {}
        for name, (target, before) in ends.items():
            if target not in self.unpacked:
                self._refuse_link(name, "which is no file of the archive")
            if before is not None and self.places[target] >= before:
                self._refuse_link(name, "which does not come before it")
            found[name] = self.unpacked[target]
            self._count(name, found[name].size)
        return found

    def _refuse_link(self, name: str, why: str) -> NoReturn:
        found = f"is a link to {self.links[name].text!r}, {why}"
        self._refuse(name, found, "links to files of the archive")

    def _refuse(self, name: str, found: str, expected: str) -> NoReturn:
        raise UserError(
            f"{self.archive}: member {name[:200]!r} {found}, expected {expected}. Nothing was "
            f"unpacked: check where the archive comes from, or pack the images again yourself."
        )

    def _refuse_bomb(self, name: str | None = None) -> NoReturn:
        where = f" (at member {name[:200]!r})" if name else ""
        raise UserError(
            f"{self.archive}: unpacks to more than {self.limit:,} bytes{where}, which is "
            f"{MAX_RATIO} times its size and more; images do not compress like that. Check where "
            f"the archive comes from, or unpack it yourself and give the folder."
        )
