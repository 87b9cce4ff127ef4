"""Folders given as data: their files, and a digest of what is in them.

The module imports the standard library alone: the Snakefile reads folders too.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

from convstudy.foundation import digests
from convstudy.foundation.errors import UserError


def files(folder: Path) -> list[tuple[str, Path]]:
    """List the files beneath a folder as (name relative to it, path), sorted by name."""
    found = []
    entered: set[str] = set()

    def fail(error: OSError) -> None:
        raise UserError(f"{error.filename}: the folder cannot be listed ({error.strerror}).")

    for here, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        real = os.path.realpath(here)
        if real in entered:  # a link that leads back to a folder above would never end
            folders.clear()
            continue
        entered.add(real)
        folders.sort()
        above = Path(here).relative_to(folder).as_posix()
        for name in names:
            path = os.path.join(here, name)
            # A pipe would block whoever opens it; a link that leads nowhere is reported later.
            if os.path.isfile(path) or not os.path.exists(path):
                found.append((name if above == "." else f"{above}/{name}", Path(path)))
    return sorted(found)


def is_hidden(name: str) -> bool:
    """Tell whether a file is hidden, or lies in a hidden folder or in macOS's `__MACOSX`."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def digest(folder: Path) -> str:
    """SHA-256 of the names and digests of a folder's files; hidden files are left out.

    Every process reads every byte of the folder once: about a second for 0.5 GB or for 15,000 small
    files that the system has in memory, as long as the disk takes for others. Further calls of the
    process read again only what has another size or time stamp; time stamps are not in the digest.
    """
    total = hashlib.sha256()
    for name, path in files(folder):
        if is_hidden(name):
            continue
        try:
            status = path.stat()
            content = _of_file(path, status.st_size, status.st_mtime_ns)
        except OSError as error:  # whoever needs the file will say so
            content = str(error.strerror)
        total.update(f"{content}  {name}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def of_any(path: Path) -> str:
    """SHA-256 of a file, or that of a folder."""
    return digest(path) if path.is_dir() else digests.of_file(path)


@cache
def _of_file(path: Path, size: int, modified: int) -> str:
    return digests.of_file(path)
