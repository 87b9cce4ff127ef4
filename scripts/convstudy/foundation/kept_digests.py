"""Digests of files and folders that the user gives, kept between runs.

A plan asks for them each time, and reading a million images for it would take minutes. As in Git's
index (Documentation/technical/racy-git), a file whose inode, size, time of its content and time of
its last change of any kind are those of when it was read has the content of then: the last of these
no program can set back. A file that changed a moment before it was read is not kept, since another
change within the same tick of the clock would not show. Steps read all that they use themselves.
"""

import contextlib
import json
import os
import time
from pathlib import Path

from convstudy.foundation import atomic_files, digests, folder_digests
from convstudy.foundation.errors import UserError

FOLDER = atomic_files.OWN / "digests"
SETTLED = 2  # seconds since a file's last change, from which on a further one shows

_State = list[int | str]  # inode, size, times, and the digest


def of_any(path: Path) -> str:
    """SHA-256 of a file, or that of a folder (see `folder_digests`).

    Raises:
        OSError: it cannot be read.
    """
    store = FOLDER / f"{digests.of_text(os.path.abspath(path))}.json"
    before = _read(store)
    now: dict[str, _State] = {}

    def of_file(file: Path, status: os.stat_result) -> str:
        name = os.fspath(file)
        state = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        kept = before.get(name)
        known = kept[-1] if kept and kept[:-1] == state else digests.of_file(file)
        if status.st_ctime < time.time() - SETTLED:
            now[name] = [*state, known]
        return known

    is_folder = path.is_dir()
    found = folder_digests.digest(path, of_file) if is_folder else of_file(path, path.stat())
    if now != before:
        # Who cannot write here reads all again next time. Several processes may plan at a time.
        with contextlib.suppress(OSError, UserError):
            with atomic_files.whole_file(store, writer=f"{os.getpid()}.") as temporary:
                temporary.write_text(json.dumps(now))
    return found


def _read(store: Path) -> dict[str, _State]:
    """What is kept; nothing of a file that is missing or damaged."""
    try:
        kept = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) and all(map(_is_state, kept.values())) else {}


def _is_state(value: object) -> bool:
    return isinstance(value, list) and len(value) == 5 and digests.is_digest(value[-1])
