"""Images of one's own: a folder of class folders, or an archive of it.

Two layouts are understood, at the top or beneath one common folder:

* `train/<class>/*` and `test/<class>/*`: the split is kept as it is, and folders beside the two
  are left out (the validation images are drawn from `train`);
* `<class>/*`: the test part is drawn, too.

Files in subfolders of a class folder belong to the class. A class has the name of its folder, and
classes are sorted by name. Files with the endings of `images.ENDINGS` count, in upper or lower
case; hidden files and all others (.txt, Thumbs.db, .DS_Store) are left out, and logged.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.images import ENDINGS, is_image_name
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

FILES = ("images",)
SUBSETS = ("train", "test")

log = logging.getLogger(__name__)


@contextlib.contextmanager
def open_reader(files: dict[str, Path]) -> Iterator[Source]:
    """Open a folder or an archive of images.

    Args:
        files: "images" is the folder or the archive.
    """
    path = files["images"]
    ignored: Counter[str] = Counter()

    def wanted(name: str) -> bool:
        if is_image_name(name):
            return True
        ignored[PurePosixPath(name).suffix[:20]] += 1
        return False

    with archives.extracted(path, wanted) as contents:
        if ignored:
            kind = ignored.most_common(1)[0][0]
            log.info("%s: left out %d other files, most '%s'", path, ignored.total(), kind)
        placed = _place(path, list(contents.members))
        class_names = sorted({name for _, name in placed.values()})
        number = {name: label for label, name in enumerate(class_names)}
        names = list(placed)
        labels = np.array([number[name] for _, name in placed.values()], dtype=np.int64)
        parts = [part for part, _ in placed.values()]

        def image(index: int) -> BinaryIO:
            return contents.members[names[index]].open()

        yield Source(class_names, labels, names, image, parts if any(parts) else ())


def _place(path: Path, members: list[str]) -> dict[str, tuple[str, str]]:
    """The part ("" where the folders say nothing) and the class of each member."""
    if not members:
        raise UserError(
            f"{path}: holds no images. Expected files that end in {', '.join(ENDINGS)}, in one "
            f"folder a class."
        )
    parts = {member: PurePosixPath(member).parts for member in members}
    depth = _common_depth(path, parts)
    tops = {parts[member][depth] for member in members}
    if set(SUBSETS) <= tops and all(
        len(p) >= depth + 3 for p in parts.values() if p[depth] in SUBSETS
    ):
        if tops - set(SUBSETS):
            extra = ", ".join(sorted(tops - set(SUBSETS)))
            log.warning("%s: uses 'train' and 'test', and leaves out %s", path, extra)
        return {m: (p[depth], p[depth + 1]) for m, p in parts.items() if p[depth] in SUBSETS}
    return {m: ("", p[depth]) for m, p in parts.items()}


def _common_depth(path: Path, parts: dict[str, tuple[str, ...]]) -> int:
    """Count the folders above the class folders that all images share."""
    for member, p in parts.items():
        if len(p) < 2:
            raise UserError(
                f"{path}: the image '{member}' lies in no class folder. Expected <class>/{member}, "
                f"or train/<class>/{member} and test/<class>/*: move it."
            )
    shared = 0
    shortest = min(len(p) for p in parts.values())
    first = next(iter(parts.values()))
    while shared < shortest - 2 and all(p[shared] == first[shared] for p in parts.values()):
        shared += 1
    return shared
