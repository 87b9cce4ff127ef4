"""What was told of code, kept between processes: each step asks, and to tell it takes a second.

It is told from nothing but Python itself and all files of code, ours and the user's: what was kept
counts where all of these are what they were. Files are read for that, whatever their dates, and
what is kept was told from the very bytes that were read, so no edit of a moment ago is missed.
"""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files, digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import modules

FOLDER = atomic_files.OWN / "code"


def forget() -> None:
    """Look at all files again."""
    _state.cache_clear()


def read(of: tuple[str, ...]) -> dict[str, Any] | None:
    """What is known of the code of a step; None where nothing is, of the files as they are now.

    Args:
        of: a script and plugins.
    """
    try:
        kept = json.loads(_store(of).read_bytes())
        code, seal = kept["code"], kept["seal"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # nothing is kept, or it is damaged
    if seal != _seal(of, code):
        return None
    paths = [modules.roots()[root] / name for root, name in code["sources"]]
    return code | {"sources": {str(path): modules.sources()[path] for path in paths}}


def keep(
    of: tuple[str, ...],
    units: Mapping[str, str],
    digest: str,
    libraries: list[str],
    sources: Mapping[str, bytes],
) -> None:
    """Keep what was told of the code of a step (see `code_digests.Code`)."""
    if not {Path(path) for path in sources} <= modules.sources().keys():
        return  # it is also told from a file that is not looked at, as one behind a link
    places = [_place(Path(path)) for path in sources]
    code = {"units": units, "digest": digest, "libraries": libraries, "sources": places}
    # Who cannot write here tells it again next time. Several processes may tell it at a time.
    with contextlib.suppress(OSError, UserError):
        with atomic_files.whole_file(_store(of), writer=f"{os.getpid()}.") as temporary:
            temporary.write_text(json.dumps({"seal": _seal(of, code), "code": code}))


def _store(of: tuple[str, ...]) -> Path:
    return FOLDER / f"{digests.of_text(digests.canonical(of))}.json"


def _seal(of: tuple[str, ...], code: Any) -> str:
    """What shows that the code was told from these files, and that it is not damaged."""
    return digests.of_text(digests.canonical([_state(), of, code]))


@cache
def _state() -> str:
    """A digest of all that decides what is told of any code."""
    files = [
        [*_place(path), hashlib.sha256(source).hexdigest()]
        for path, source in modules.sources().items()
    ]
    names = sorted({name.split("/")[0] for _, name, _ in files})
    ours = [modules.is_ours(name) for name in names]  # or one of that name is installed
    known = [sys.version, len(modules.roots()), ours, files]
    return digests.of_text(digests.canonical(known))


def _place(path: Path) -> tuple[int, str]:
    """Which of the folders of code a file lies in, and its name there."""
    for number, root in enumerate(modules.roots()):
        if path.is_relative_to(root):
            return number, path.relative_to(root).as_posix()
    raise ValueError(f"{path} lies in no folder of code")
