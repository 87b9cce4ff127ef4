"""CIFAR-10 and CIFAR-100, the python versions (Krizhevsky, 2009): pickled arrays in a `.tar.gz`.

CIFAR-100 holds the members `train`, `test` and `meta`, CIFAR-10 `data_batch_1` to `data_batch_5`,
`test_batch` and `batches.meta`; which of the two it is, is told by its members.

A pickle is a program, so these are not given to Python's unpickler as they are. First every
instruction is read without running it: only those that build dicts, lists, tuples, numbers,
texts, bytes and arrays are admitted. Then the unpickler runs with stand-ins in place of
numpy's functions, which check the shape, the type and the size of an array before it is made.
Nothing from outside is imported or called, and memory is bounded by the size of the file.
"""

import codecs
import contextlib
import math
import mmap
import pickle
import pickletools
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NoReturn

import numpy as np

from convstudy import archives
from convstudy.errors import UserError
from convstudy.images import resize_array
from convstudy.readers import Source

FILES = ("archive",)
SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_INSTRUCTIONS = 3_000_000  # CIFAR-100's largest file has about 300,000

_CIFAR_100 = {"train": ("train",), "test": ("test",), "meta": ("meta",)}
_CIFAR_10 = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
    "meta": ("batches.meta",),
}
_MEMBERS = {name for form in (_CIFAR_10, _CIFAR_100) for group in form.values() for name in group}


@contextlib.contextmanager
def open_reader(
    files: dict[str, Path], *, labels: Literal["fine", "coarse"] = "fine"
) -> Iterator[Source]:
    """Open a CIFAR archive.

    Args:
        files: "archive" is the `.tar.gz` (or a folder with its contents).
        labels: the 100 fine classes of CIFAR-100 or its 20 coarse ones. CIFAR-10 has fine ones.
    """
    archive = files["archive"]
    if labels not in ("fine", "coarse"):
        raise UserError(f"labels: '{labels}', expected 'fine' or 'coarse'.")
    with archives.extracted(archive, lambda name: PurePosixPath(name).name in _MEMBERS) as members:
        paths = _by_file_name(archive, members)
        form = _CIFAR_10 if "batches.meta" in paths else _CIFAR_100
        wanted = {name for group in form.values() for name in group}
        if wanted - set(paths):
            raise UserError(
                f"{archive}: holds no member '{sorted(wanted - set(paths))[0]}'. Expected the "
                f"python version of CIFAR-10 or CIFAR-100, complete: fetch it again."
            )
        prefix = f"{labels}_" if form is _CIFAR_100 else ""
        if form is _CIFAR_10 and labels == "coarse":
            raise UserError(
                f"{archive}: CIFAR-10 has no coarse labels. Set the option labels to 'fine'."
            )
        meta = _load(*paths[form["meta"][0]])
        class_names = _texts(meta, f"{prefix}label_names")
        batches = {
            subset: [
                _read_batch(*paths[name], f"{prefix}labels", len(class_names))
                for name in form[subset]
            ]
            for subset in ("train", "test")
        }
    yield _source(class_names, batches)


def _source(class_names: list[str], batches: dict[str, list["_Batch"]]) -> Source:
    labels = {s: np.concatenate([batch.labels for batch in batches[s]]) for s in batches}
    names = {s: [name for batch in batches[s] for name in batch.names] for s in batches}
    # Rows are looked up where they are: joining the batches would hold all pixels twice.
    rows = {s: [row for batch in batches[s] for row in batch.pixels] for s in batches}

    def image(subset: str, index: int, size: tuple[int, int]) -> np.ndarray:
        planes = rows[subset][index].reshape(3, SIDE, SIDE)
        return resize_array(np.ascontiguousarray(planes.transpose(1, 2, 0)), size)

    return Source(class_names, labels, names, image)


@dataclass(frozen=True)
class _Batch:
    pixels: np.ndarray  # uint8 (n, 3072): the red, green and blue planes of each image
    labels: np.ndarray  # int64 (n,)
    names: list[str]


def _by_file_name(archive: Path, members: dict[str, Path]) -> dict[str, tuple[str, Path]]:
    """Look members up without their folder: file name -> (what messages call it, path)."""
    paths: dict[str, tuple[str, Path]] = {}
    for member, path in members.items():
        name = PurePosixPath(member).name
        if name in paths:
            raise UserError(f"{archive}: holds two members '{name}', expected one of each.")
        paths[name] = (f"{archive}: {member}", path)
    return paths


def _read_batch(label: str, path: Path, key: str, classes: int) -> _Batch:
    content = _load(label, path)
    pixels = _entry(content, "data")
    if not isinstance(pixels, _Array) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXELS,):
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, _Array) else _kind(pixels)
        _fail(label, f"'data' is {found}", f"uint8 (n, {PIXELS})")
    labels = _entry(content, key)
    labels = _array(labels).tolist() if isinstance(labels, _Array) else labels
    if not isinstance(labels, list) or not all(type(value) is int for value in labels):
        _fail(label, f"'{key}' is {_kind(labels)}", "a list of whole numbers")
    if len(labels) != pixels.shape[0]:
        _fail(label, f"{len(labels)} labels for {pixels.shape[0]} images", "one for each")
    bad = [value for value in labels if not 0 <= value < classes]
    if bad:
        _fail(label, f"'{key}' holds {bad[0]}", f"labels 0 to {classes - 1}, as in the class names")
    if "filenames" in content.entries:
        names = _texts(content, "filenames")
    else:
        names = [f"{path.name}/{index:05d}" for index in range(len(labels))]
    if len(names) != len(labels):
        _fail(label, f"{len(names)} file names for {len(labels)} images", "one for each")
    return _Batch(_array(pixels), np.array(labels, dtype=np.int64), names)
