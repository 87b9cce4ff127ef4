"""CIFAR-10 and CIFAR-100, the python versions (Krizhevsky, 2009): pickled arrays in a `.tar.gz`.

CIFAR-100 holds the members `train`, `test` and `meta`, CIFAR-10 `data_batch_1` to `data_batch_5`,
`test_batch` and `batches.meta`; which of the two it is, is told by its members.

The pickles are read by the restricted unpickler of `decoding.safe_pickle`.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.archive_entries import Member
from convstudy.decoding.safe_pickle import as_text, described, load_pickle, refuse
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

FILES = ("archive",)
NUMBERED = True
SIDE = 32
PIXELS = 3 * SIDE * SIDE
MAX_TEXT = 1024  # bytes: a pickle can name one long text a million times

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
    with archives.extracted(archive, lambda name: PurePosixPath(name).name in _MEMBERS) as contents:
        paths = _by_file_name(archive, contents.members)
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
        class_names = _read_names(*paths[form["meta"][0]], f"{prefix}label_names")
        batches = {
            subset: [
                _read_batch(*paths[name], f"{prefix}labels", len(class_names))
                for name in form[subset]
            ]
            for subset in ("train", "test")
        }
    yield _source(class_names, batches)


def _source(class_names: list[str], batches: dict[str, list["_Batch"]]) -> Source:
    every = [(part, batch) for part, own in batches.items() for batch in own]
    labels = np.concatenate([batch.labels for _, batch in every])
    names = [name for _, batch in every for name in batch.names]
    parts = [part for part, batch in every for _ in batch.names]
    # Rows are looked up where they are: joining the batches would hold all pixels twice.
    rows = [row for _, batch in every for row in batch.pixels]

    def image(index: int) -> np.ndarray:
        return np.ascontiguousarray(rows[index].reshape(3, SIDE, SIDE).transpose(1, 2, 0))

    return Source(class_names, labels, names, image, parts)


@dataclass(frozen=True)
class _Batch:
    pixels: np.ndarray  # uint8 (n, 3072): the red, green and blue planes of each image
    labels: np.ndarray  # int64 (n,)
    names: list[str]


def _by_file_name(archive: Path, members: dict[str, Member]) -> dict[str, tuple[str, Member]]:
    """Look members up without their folder: file name -> (what messages call it, member)."""
    found: dict[str, tuple[str, Member]] = {}
    for path, member in members.items():
        name = PurePosixPath(path).name
        if name in found:
            raise UserError(f"{archive}: holds two members '{name}', expected one of each.")
        found[name] = (f"{archive}: {path}", member)
    return found


def _read_names(label: str, member: Member, key: str) -> list[str]:
    return _texts(label, load_pickle(label, member), key)


def _read_batch(label: str, member: Member, key: str, classes: int) -> _Batch:
    content = load_pickle(label, member)
    pixels, labels = _entry(label, content, "data"), _entry(label, content, key)
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.shape[1:] != (PIXELS,)
    ):
        refuse(label, f"'data' is {described(pixels)}", f"a uint8 array (n, {PIXELS})")
    if isinstance(labels, np.ndarray) and labels.shape == pixels.shape[:1]:
        labels = labels.tolist()
    if not isinstance(labels, list) or not all(type(value) is int for value in labels):
        refuse(label, f"'{key}' is {described(labels)}", "a list of whole numbers")
    bad = [value for value in labels if not 0 <= value < classes]
    if bad:
        refuse(label, f"'{key}' holds {bad[0]}", f"labels 0 to {classes - 1}, one a class name")
    if "filenames" in content:
        names = _texts(label, content, "filenames")
    else:
        names = [f"{label.split('/')[-1]}/{index:05d}" for index in range(len(labels))]
    for what, values in (("labels", labels), ("file names", names)):
        if len(values) != len(pixels):
            refuse(label, f"{len(values)} {what} for {len(pixels)} images", "one for each")
    return _Batch(pixels, np.array(labels, dtype=np.int64), names)


def _entry(label: str, content: dict[str, Any], key: str) -> Any:
    if key not in content:
        found = ", ".join(f"'{name[:40]}'" for name in list(content)[:10])
        refuse(label, f"no entry '{key}' among {found or 'none'}", f"'{key}'")
    return content[key]


def _texts(label: str, content: dict[str, Any], key: str) -> list[str]:
    values = _entry(label, content, key)
    if not isinstance(values, list) or not all(isinstance(v, bytes | str) for v in values):
        refuse(label, f"'{key}' is {described(values)}", "a list of texts")
    if any(len(value) > MAX_TEXT for value in values):
        refuse(label, f"'{key}' holds a text of more than {MAX_TEXT} bytes", "short texts")
    return [as_text(value) for value in values]
