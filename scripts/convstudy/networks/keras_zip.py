"""`.keras` files as the zip archives that they are: equal bytes, and what an export says of itself.

An exported network has one member more than others, `convstudy.json`; Keras passes over it.
"""

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError

ABOUT = "convstudy.json"


def stable_zip(path: Path | str) -> None:
    """Rewrite a `.keras` archive so that equal models give equal bytes.

    Keras stores the date in `metadata.json` and in each zip entry, and memory addresses as the
    identity of shared objects in `config.json`: dates are fixed, identities are numbered.
    """
    path = Path(path)
    with atomic_files.whole_file(path) as temporary:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(temporary, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
                elif name == "config.json":
                    content = _numbered_identities(content.decode()).encode()
                target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def add_about(path: Path | str, about: Mapping[str, Any]) -> None:
    """Add the member `convstudy.json` to a `.keras` archive; Keras does not look at it."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(ABOUT, json.dumps(about, indent=2, allow_nan=False))


def read_about(path: Path | str) -> dict[str, Any] | None:
    """Read the member `convstudy.json` of a `.keras` archive; None where there is none.

    Every member is compared with its checksum, which Keras does not do.

    Raises:
        UserError: the file is missing, no archive, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"its member {damaged} is damaged")
            return json.loads(archive.read(ABOUT)) if ABOUT in archive.namelist() else None
    except Exception as error:  # zipfile and its decompressors raise many kinds for a bad file
        raise UserError(
            f"{path}: cannot be read as a .keras file ({error}). Expected a whole file as "
            f"./convstudy export writes it: export the run again."
        ) from error


def _numbered_identities(config: str) -> str:
    """Number the shared objects of a model's config in the order of their appearance."""
    numbers: dict[str, int] = {}

    def number(match: re.Match) -> str:
        return f"{match[1]}{numbers.setdefault(match[2], len(numbers))}"

    return re.sub(r'("shared_object_id": )(\d+)', number, config)
