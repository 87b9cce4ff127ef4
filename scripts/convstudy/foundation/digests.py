"""Digests of content: texts, files and config values."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any


def of_text(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_digest(value: Any) -> bool:
    """Whether a value looks like one of these digests."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def canonical(value: Any) -> str:
    """The one JSON text of a value of builtin types, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, allow_nan=False)
