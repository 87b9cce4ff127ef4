"""Digests of content: texts, files, folders and config values."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def of_text(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_folder(path: Path | str) -> str:
    """SHA-256 of the names and contents of all files in a folder, in hexadecimal."""
    found = sorted(p for p in Path(path).rglob("*") if p.is_file())
    return of_text(canonical([[str(p.relative_to(path)), of_file(p)] for p in found]))


def of_input(path: Path | str) -> str:
    """Digest of what a step reads: a file, or a folder of files."""
    return of_folder(path) if os.path.isdir(path) else of_file(path)


def canonical(value: Any) -> str:
    """The one JSON text of a value of builtin types, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, allow_nan=False)
