"""Digests of content: texts, files and config values."""

import hashlib
import json
from pathlib import Path
from typing import Any


def of_text(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """The one JSON text of a value of builtin types, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, allow_nan=False)
