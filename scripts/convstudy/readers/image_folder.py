"""Images of one's own: a folder of class folders, or an archive of it.

Two layouts are understood, at the top or beneath one common folder:

* `train/<class>/*` and `test/<class>/*`: the split is kept as it is, and folders beside the two
  are left out (the validation images are drawn from `train`);
* `<class>/*`: `test_fraction` of each class is drawn for testing.

Files in subfolders of a class folder belong to the class. A class has the name of its folder, and
classes are sorted by name. Files with the endings of `images.ENDINGS` count, in upper or lower
case; hidden files and all others (.txt, Thumbs.db, .DS_Store) are left out, and logged.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.images import ENDINGS, is_image_name, load_image
from convstudy.foundation.errors import UserError
from convstudy.foundation.random_draws import class_rng
from convstudy.readers import Source

FILES = ("images",)
SUBSETS = ("train", "test")

log = logging.getLogger(__name__)


@contextlib.contextmanager
def open_reader(
    files: dict[str, Path],
    *,
    test_fraction: Annotated[float, {"exclusiveMinimum": 0, "exclusiveMaximum": 1}] = 0.2,
    split_seed: Annotated[int, {"minimum": 0}] = 0,
) -> Iterator[Source]:
    """Open a folder or an archive of images.

    Args:
        files: "images" is the folder or the archive.
        test_fraction: share of every class that is drawn for testing, above 0 and below 1. Not
            used where the images come in `train` and `test` folders.
        split_seed: seed of that draw; each class has a draw of its own.
    """
    path = files["images"]
    if not 0 < test_fraction < 1:
        raise UserError(f"test_fraction: {test_fraction}, expected a number above 0 and below 1.")
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
        placed = _place(path, list(contents.members), test_fraction, split_seed)
        class_names = sorted({name for images in placed.values() for _, name in images})
        number = {name: label for label, name in enumerate(class_names)}
        names = {subset: [member for member, _ in placed[subset]] for subset in SUBSETS}
        labels = {
            subset: np.array([number[name] for _, name in placed[subset]], dtype=np.int64)
            for subset in SUBSETS
        }

        def image(subset: str, index: int, size: tuple[int, int]) -> np.ndarray:
            member = names[subset][index]
            with contents.members[member].open() as stream:
                return load_image(stream, size, f"{path}: {member}")

        yield Source(class_names, labels, names, image)


def _place(
    path: Path, members: list[str], test_fraction: float, seed: int
) -> dict[str, list[tuple[str, str]]]:
    """Sort members into {"train": [(member, class name)], "test": ...}."""
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
        return {
            subset: [(m, p[depth + 1]) for m, p in parts.items() if p[depth] == subset]
            for subset in SUBSETS
        }
    by_class: dict[str, list[str]] = {}
    for member, p in parts.items():
        by_class.setdefault(p[depth], []).append(member)
    return _draw_test(by_class, test_fraction, seed)


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


def _draw_test(
    by_class: dict[str, list[str]], test_fraction: float, seed: int
) -> dict[str, list[tuple[str, str]]]:
    """Draw round(test_fraction * n) images of every class, at least one, for testing."""
    placed: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for name, images in by_class.items():
        count = max(1, round(test_fraction * len(images)))
        drawn = set(class_rng("test part", seed, name).permutation(len(images))[:count].tolist())
        for index, member in enumerate(images):
            placed["test" if index in drawn else "train"].append((member, name))
    return {subset: sorted(images) for subset, images in placed.items()}
