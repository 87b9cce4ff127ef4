"""The cache of finished steps: what the same code made of the same inputs is not made again.

A step's key is the digest of its inputs, parameters, code and library versions, taken *before* it
runs. Its record is `steps/<key>.json` and says which files it left; their bytes are in
`objects/<sha256>`, each once, however many steps left the same ones. Nothing is taken from a record
that has another key, or from an object whose bytes do not have the digest that is its name.

Processes may work in one cache at once: a file appears whole, and what another process has just
removed is a step that is not in the cache. So may users: what one cannot read is not in the cache
for them, what one cannot remove stays, and folders and files get the permissions of the cache's
folder, so `chmod 2775` on it is all that a group needs.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files, digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import records

log = logging.getLogger(__name__)
CHUNK = 1 << 20
PARTS = f"{atomic_files.PART}*"
LEFT = 24 * 3600  # seconds after which nobody is writing a file any more


class Cache:
    """A folder of finished steps, at most `max_bytes` large."""

    def __init__(self, folder: Path | str, max_bytes: int):
        self.folder = Path(os.path.expanduser(folder))
        self.max_bytes = max_bytes

    def hindrance(self, access: int = os.X_OK) -> str | None:
        """Why nothing can be kept here or restored; None where nothing is known to hinder.

        Args:
            access: what this user must be allowed to do in its folders, as `os.access` has it.
        """
        if str(self.folder).startswith("~"):
            return "there is no such home folder"
        for folder in (self.folder, self.folder / "steps", self.folder / "objects"):
            try:
                is_folder = stat.S_ISDIR(os.stat(folder).st_mode)
            except FileNotFoundError:
                return None  # it is made when it is needed
            except OSError as error:
                return error.strerror
            if not is_folder:
                return "it is no folder"
            if not os.access(folder, access, effective_ids=True):
                return "its permissions close it to you"
        return None

    def restore(self, key: str, outputs: Sequence[str]) -> dict[str, Any] | None:
        """Put a step's files in their places; None when the cache does not hold all of them.

        A cache of size 0 holds nothing. All files are checked before the first appears. A damaged
        entry is removed where that is allowed. What cannot be read is warned of, in words that are
        the same for all steps, so that they are shown once.
        """
        entry = self._step(key)
        if not self.max_bytes:
            return None
        if why := self.hindrance():
            log.warning(
                "cache %s: nothing is kept in it or restored from it (%s): correct cache.folder in "
                "the config, or that folder",
                *(self.folder, why),
            )
            return None
        if not os.path.lexists(entry):
            return None
        try:
            step = _read_step(entry, key, outputs)
            with contextlib.ExitStack() as stack:
                for path in outputs:
                    temporary = stack.enter_context(atomic_files.whole_file(path))
                    self._copy_checked(step["outputs"][path], temporary)
        except _Closed:
            log.warning(
                "cache %s: a result is there, but its permissions close it to you, so its step is "
                "done again; the owner of the file opens it by chmod -R a+rX",
                self.folder,
            )
            return None
        except _Damaged as error:
            log.warning("the cache's entry %s is damaged (%s): it is not used", key[:12], error)
            with contextlib.suppress(OSError):
                entry.unlink()
            return None
        with contextlib.suppress(OSError):  # trimmed meanwhile, or a cache that is only read
            os.utime(entry)  # used last
        return step

    def keep(self, key: str, step: dict[str, Any]) -> None:
        """Keep a record and copies of its `outputs`, then drop what is beyond the limit.

        A step that is larger than the whole cache may be is not kept.
        """
        if self.hindrance():  # `restore` has told it
            return
        if sum(map(os.path.getsize, step["outputs"])) > self.max_bytes:
            return
        for path, sha256 in step["outputs"].items():
            target = self._object(sha256)
            if not _is_whole(target):
                self._copy(path, target)
        with self._whole_file(self._step(key)) as temporary:
            temporary.write_text(atomic_files.json_text(step))
        self.trim(self.max_bytes)

    def steps(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Every entry's file and content, the one used longest ago first."""
        entries = [(_modified(path), path) for path in self.folder.glob("steps/*.json")]
        for _, path in sorted(entries):
            with contextlib.suppress(UserError):  # removed or damaged meanwhile: no entry
                yield path, records.read(path)

    def size(self) -> int:
        """Bytes of all objects."""
        return sum(_size(path) for path in self._objects())

    def trim(self, max_bytes: int) -> None:
        """Drop the steps used longest ago until the objects take at most `max_bytes`."""
        self._remove_left_parts()
        total = self.size()
        if total <= max_bytes:
            return
        entries = list(self.steps())
        uses: dict[str, int] = {}
        for _, step in entries:
            for sha256 in step["outputs"].values():
                uses[sha256] = uses.get(sha256, 0) + 1
        if all(map(_may_read, self.folder.glob("steps/*.json"))):  # else they may be used
            for path in self._objects():
                if path.name not in uses:
                    total -= _removed(path)
        for entry, step in entries:
            if total <= max_bytes:
                return
            _removed(entry)
            for sha256 in step["outputs"].values():
                uses[sha256] -= 1
                if not uses[sha256]:
                    total -= _removed(self._object(sha256))

    def _remove_left_parts(self) -> None:
        """Remove what killed processes left of their files."""
        old = time.time() - LEFT
        for path in (*self.folder.glob(f"*/{PARTS}"), *self.folder.glob(f"objects/??/{PARTS}")):
            if _modified(path) < old:
                _removed(path)

    def damaged(self) -> list[Path]:
        """Objects whose bytes do not have the digest that is their name, or cannot be read."""
        return [path for path in self._objects() if not _is_whole(path)]

    def _copy(self, path: str, target: Path) -> None:
        """Copy a file into the cache."""
        with self._whole_file(target) as temporary:
            shutil.copyfile(path, temporary)

    @contextlib.contextmanager
    def _whole_file(self, target: Path) -> Iterator[Path]:
        """As `atomic_files.whole_file`, under a name that no other process has."""
        self._make_folder(target.parent)
        with atomic_files.whole_file(target, f"{os.getpid()}.{uuid.uuid4().hex}.") as temporary:
            yield temporary
            temporary.chmod(self.folder.stat().st_mode & 0o666)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder of the cache, with the permissions of the cache's own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        above = self.folder
        for name in folder.relative_to(self.folder).parts:
            above = above / name
            # with its permissions at once: another user may need it before they could be changed
            kept = os.umask(0)
            try:
                above.mkdir(stat.S_IMODE(self.folder.stat().st_mode), exist_ok=True)
            finally:
                os.umask(kept)

    def _step(self, key: str) -> Path:
        return self.folder / "steps" / f"{key}.json"

    def _object(self, sha256: str) -> Path:
        return self.folder / "objects" / sha256[:2] / sha256

    def _objects(self) -> list[Path]:
        paths = self.folder.glob("objects/??/*")
        return [x for x in paths if digests.is_digest(x.name) and x.name[:2] == x.parent.name]

    def _copy_checked(self, sha256: str, target: Path) -> None:
        found, place = hashlib.sha256(), self._object(sha256)
        with open(target, "wb") as copy:
            for block in _blocks(place):
                found.update(block)
                copy.write(block)
        if found.hexdigest() != sha256:
            with contextlib.suppress(OSError):
                place.unlink()
            raise _Damaged(f"object {sha256[:12]} has other bytes")


class _Closed(Exception):
    """An entry or an object of the cache is another user's, who lets nobody read it."""


class _Damaged(Exception):
    """An entry or an object of the cache is not what its name says."""


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as stream:
            while block := stream.read(CHUNK):
                yield block
    except PermissionError as error:
        raise _Closed from error
    except OSError as error:
        raise _Damaged(f"object {path.name[:12]} cannot be read: {error.strerror}") from error


def _read_step(entry: Path, key: str, outputs: Sequence[str]) -> dict[str, Any]:
    if not _may_read(entry):
        raise _Closed
    try:
        step = records.read(entry)
    except UserError as error:
        raise _Damaged(str(error)) from error
    if records.key(step) != key or set(step["outputs"]) != set(outputs):
        raise _Damaged("it is the record of another step")
    return step


def _may_read(path: Path) -> bool:
    """Whether a file is there and this user may read it."""
    return os.access(path, os.R_OK, effective_ids=True)


def _is_whole(place: Path) -> bool:
    """Whether an object is there, can be read, and has the bytes that its name says."""
    try:
        return digests.of_file(place) == place.name
    except OSError:
        return False


def _removed(path: Path) -> int:
    """Remove a file; its bytes, or 0 where another process or user keeps this one from doing so."""
    size = _size(path)
    try:
        path.unlink()
    except OSError:
        return 0
    return size


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # trimmed meanwhile, or another user's
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
