"""Caltech-UCSD Birds 200, the edition of 2010 (Welinder et al., Caltech CNS-TR-2010-001).

Two archives: the images, `images/NNN.Name/*.jpg`, and the lists `lists/train.txt` and
`lists/test.txt`, which name images as `NNN.Name/*.jpg`, one a line. Images in neither list are not
used. A class has the name of its folder, so sorting by name keeps the published order.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.archive_entries import Member
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

FILES = ("images", "lists")
NUMBERED = True
LISTS = {"train": "train.txt", "test": "test.txt"}
MAX_LIST_BYTES = 64 * 2**20

log = logging.getLogger(__name__)


@contextlib.contextmanager
def open_reader(files: dict[str, Path]) -> Iterator[Source]:
    """Open the two archives (either may be a folder that is unpacked already).

    Args:
        files: "images" and "lists".
    """
    names = _read_lists(files["lists"])
    listed = {name for lines in names.values() for name in lines}
    class_names = sorted({_class_of(name) for name in listed})
    number = {name: label for label, name in enumerate(class_names)}
    every = [(part, name) for part, lines in names.items() for name in lines]
    labels = np.array([number[_class_of(name)] for _, name in every], dtype=np.int64)
    archive = files["images"]
    with archives.extracted(archive, lambda member: _key(member) in listed) as contents:
        found = _index(archive, contents.members)
        for subset, lines in names.items():
            missing = [name for name in lines if name not in found]
            if missing:
                raise UserError(
                    f"{files['lists']}: {LISTS[subset]} names the image '{missing[0]}', which is "
                    f"not in {archive} ({len(missing)} such images). The two files do not belong "
                    f"together, or one is incomplete: fetch both again."
                )

        def image(index: int) -> BinaryIO:
            return found[every[index][1]].open()

        yield Source(class_names, labels, [name for _, name in every], image, [x for x, _ in every])


def _key(member: str) -> str:
    """Shorten a member's name to what the lists call it: class folder and file."""
    return "/".join(member.split("/")[-2:])


def _class_of(name: str) -> str:
    return name.split("/")[0]


def _index(archive: Path, members: dict[str, Member]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for path, member in members.items():
        if _key(path) in found:
            raise UserError(
                f"{archive}: the image '{_key(path)}' occurs in two folders, expected once. "
                f"Remove one of them, or fetch the archive again."
            )
        found[_key(path)] = member
    return found


def _read_lists(archive: Path) -> dict[str, list[str]]:
    """Read both lists; the names of each are sorted, which is the order of the data set."""
    wanted = {name: subset for subset, name in LISTS.items()}
    with archives.extracted(archive, lambda name: PurePosixPath(name).name in wanted) as contents:
        names: dict[str, list[str]] = {}
        for path, member in contents.members.items():
            subset = wanted[PurePosixPath(path).name]
            if subset in names:
                raise UserError(f"{archive}: holds {LISTS[subset]} twice, expected once.")
            names[subset] = _read_list(f"{archive}: {path}", member)
    for subset, file in LISTS.items():
        if subset not in names:
            raise UserError(
                f"{archive}: holds no {file}. Expected lists/train.txt and lists/test.txt: is "
                f"this the archive of the lists, and not that of the images?"
            )
    both = sorted(set(names["train"]) & set(names["test"]))
    if both:
        raise UserError(
            f"{archive}: the image '{both[0]}' is in train.txt and in test.txt ({len(both)} such "
            f"images), so the test would be no test. Remove it from one of them."
        )
    return {subset: names[subset] for subset in LISTS}


def _read_list(label: str, member: Member) -> list[str]:
    if member.size > MAX_LIST_BYTES:
        raise UserError(f"{label}: has more than {MAX_LIST_BYTES:,} bytes, which is no list.")
    try:
        with member.open() as stream:
            lines = stream.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{label}: is not a text in UTF-8 ({error}). Fetch it again.") from error
    names: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name:
            continue
        parts = name.split("/")
        if len(parts) != 2 or not all(parts) or ".." in parts:
            raise UserError(
                f"{label}: line {number} is {name[:200]!r}, expected <class folder>/<image file>."
            )
        if name in names:
            raise UserError(
                f"{label}: lines {names[name]} and {number} name the same image '{name}'. Remove "
                f"one of them."
            )
        names[name] = number
    if not names:
        raise UserError(f"{label}: names no images, expected one a line. Fetch it again.")
    return sorted(names)
