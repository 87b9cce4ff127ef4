"""Files that appear whole or not at all, and JSON. Nothing here needs more than Python itself."""

import contextlib
import errno
import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from convstudy.foundation.errors import UserError, first_line

log = logging.getLogger(__name__)
OWN = Path("results/.convstudy")  # what the workflow keeps beside the results
PART = ".part."  # what an unfinished file's name begins with
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def whole_file(path: Path | str, writer: str = "") -> Iterator[Path]:
    """Yield a temporary name beside `path` and rename it to `path` when the block succeeds.

    The temporary name keeps the ending of `path`, because some writers choose a format by it. It is
    the same in every run, so what a killed process left behind is overwritten by the next one;
    where several processes write one file, a `writer` in the name keeps them apart. When the block
    raises, the temporary file is removed and whatever `path` held stays as it was.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(PART + writer + path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise UserError(
                f"{path}: cannot be written ({os.strerror(error.errno)}). Free some space or "
                f"correct the folder's permissions, and run the same command again."
            ) from error
        raise
    finally:
        with contextlib.suppress(OSError):  # gone already, or in a folder that admits no change
            temporary.unlink()


def check_new(path: Path | str, replace: bool) -> None:
    """Refuse a file that a user asks for where it cannot or should not be written.

    Raises:
        UserError: its folder does not exist, it is a folder itself, or it is there already.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}: create it, or correct the name")
    if path.is_dir():
        raise UserError(f"{path}: is a folder, expected the name of a file to write")
    if path.exists() and not replace:
        raise UserError(f"{path}: is there already: pass --force to replace it, or another name")


def lock(stream: IO, what: str) -> None:
    """Lock an open file for this process, which may have to wait; the lock ends with the file.

    A file system without locks gets a warning: there nothing but the user's care keeps a second
    process from making the same thing.
    """
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.warning("another process is making %s: waiting until it ends", what)
        fcntl.flock(stream, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        log.warning("no locks on this file system: start no second run in this folder")


def write_json(path: Path | str, content: Mapping[str, Any]) -> None:
    """Write builtin JSON types, indented; raise `ValueError` for NaN and `TypeError` for others."""
    with whole_file(path) as temporary:
        temporary.write_text(json_text(content))


def json_text(content: Mapping[str, Any]) -> str:
    """The text of such a file."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def read_json(path: Path | str) -> dict[str, Any]:
    """Read a JSON file of this workflow; raise `UserError` when it is damaged."""
    try:
        content = json.loads(Path(path).read_text(), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(content, dict):
        raise damaged(path, f"a {type(content).__name__}, expected an object with keys")
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


def damaged(path: Path | str, error: Exception | str) -> UserError:
    """The message for a file of this workflow that cannot be read."""
    return UserError(
        f"{path}: cannot be read ({first_line(error)}). The file is missing, cut or corrupted: "
        f"delete it and run the same command again to have it rebuilt."
    )
