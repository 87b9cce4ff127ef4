"""What a data set or weight file must be: its size, its checksum, and where it can be had.

Reading a source needs no network; `transfer` makes the file of one.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convstudy.foundation.errors import UserError


@dataclass(frozen=True)
class Source:
    """A block of the config's `sources`.

    Attributes:
        addresses: http(s) addresses of the same bytes, the best first.
        size: number of bytes; None where only Keras knows the file.
        sha256: checksum in lower-case hexadecimal, or None.
        md5: the same, for files whose publisher gives no other.
    """

    addresses: tuple[str, ...] = ()
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None

    @property
    def checksums(self) -> dict[str, str]:
        """The known checksums by the names of their algorithms."""
        known = {"sha256": self.sha256, "md5": self.md5}
        return {name: value for name, value in known.items() if value}

    def __str__(self) -> str:
        """Size and checksums, as messages give them."""
        size = [f"{self.size:,} bytes"] if self.size else []
        sums = [f"{name} {value}" for name, value in self.checksums.items()]
        return ", ".join(size + sums) or "of unknown size and checksum"

    def difference(self, path: Path) -> str | None:
        """What a file has in place of the expected size and checksums; None where it fits.

        Raises:
            OSError: the file cannot be read.
        """
        found, size = [], path.stat().st_size
        if self.size is not None and size != self.size:
            page = page_title(_head(path))
            found.append(f"{size:,} bytes" + (f", a web page{page}" if page is not None else ""))
        for name, expected in self.checksums.items():
            with open(path, "rb") as stream:
                sum_found = hashlib.file_digest(stream, name).hexdigest()
            if sum_found != expected:
                found.append(f"{name} {sum_found}")
        return ", ".join(found) or None


def missing(paths: Iterable[str]) -> list[str]:
    """The paths where there is nothing; a dangling link is something that the user made."""
    return [path for path in paths if not os.path.lexists(path)]


def pattern(names: Iterable[str]) -> str:
    """A regular expression that matches these names and nothing else."""
    return "|".join(map(re.escape, names)) or "(?!)"


def expected(sources: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """What the files of a job must be: the config's `sources` of its paths, without addresses."""
    return {
        path: {key: value for key, value in sources[path].items() if key != "addresses"}
        for path in paths
        if path in sources
    }


def block_of(spec: str, expectations: str, paths: Iterable[str]) -> dict[str, Any]:
    """A data set's block, whose files are checked and named where they lie for this job.

    Args:
        spec: the block as JSON.
        expectations: what `expected` said of its files, as JSON.
        paths: the files in the block's order, as Snakemake gives them: of those in a bucket copies.

    Raises:
        UserError: a file is another than is expected.
    """
    check(json.loads(expectations))
    block = json.loads(spec)
    return block | {"files": dict(zip(block["files"], paths, strict=True))}


def check(expectations: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare files with what `expected` said of them, before they are used.

    Raises:
        UserError: a file differs; both checksums are in the message, and the file stays.
    """
    for path, block in expectations.items():
        source = Source(**block)
        try:
            found = source.difference(Path(path))
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
        if found:
            raise UserError(
                f"{path}: found {found}, expected {source}. The file is left as it is: move it "
                f"away to have the right one downloaded, or give your own file another path and "
                f"name that in the config."
            )


def page_title(head: bytes) -> str | None:
    """The title of a web page, as ` 'title'` or nothing; None where the bytes are no page.

    Args:
        head: the first bytes of a file.
    """
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    lower = text.lower()
    if not lower.startswith(("<!doctype html", "<html", "<head")):
        return None
    start, end = lower.find("<title>"), lower.find("</title>")
    return f" '{' '.join(text[start + 7 : end].split())}'" if 0 <= start < end else ""


def _head(path: Path, length: int = 65536) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(length)
