"""Data set readers: one file each, found by its name.

To read another kind of data set, add one file `readers/<kind>.py` and name it in config.yaml as
`reader: <kind>`. The file holds

* `FILES`, the names of the files that it needs (keys of `files` in config.yaml), and
* `open_reader(files, *, <options>)`, a context manager that yields a `Source`. Its keyword
  arguments, with their annotations and defaults, are the reader's options in config.yaml;
* if its labels are published numbers, which `classes` in config.yaml may name, `NUMBERED = True`.

A reader finds images and says what they are; the program decodes them, one at a time while the data
set is written, so neither needs memory for all. `table.py` is a reader to start from.
"""

import contextlib
import difflib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.listing.names import PARTS


@dataclass(frozen=True)
class Source:
    """All images of a data set, before any limit, in the order of the reader.

    Attributes:
        class_names: the name of every label, without repetition.
        labels: int (n,) with values 0 to len(class_names) - 1.
        names: one name an image, which messages and tables use.
        image: `image(index)` gives a stored image: an open file, which the caller closes, or its
            pixels, uint8 or uint16 (height, width) or (height, width, 1 or 3).
        parts: the part of each image where the data set comes in parts: "train" and, if it has
            them, "validation" and "test"; empty where it does not. What is missing is drawn from
            "train".
        groups: what each image is of (a patient, an animal, a burst): images of one group stay in
            one part. Empty where nothing is told.
        left_out: (name, why) of each file that might be taken for an image of the data set, and is
            not used.
        notes: sentences on what the reader assumed, for the summary.
    """

    class_names: list[str]
    labels: np.ndarray
    names: list[str]
    image: Callable[[int], BinaryIO | np.ndarray]
    parts: Sequence[str] = ()
    groups: Sequence[str] = ()
    left_out: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


@contextlib.contextmanager
def open_source(
    kind: str, files: Mapping[str, Path], options: Mapping[str, Any] | None = None
) -> Iterator[Source]:
    """Open a data set with the reader `kind`.

    Args:
        kind: name of a file in this folder.
        files: path of every file that the reader's `FILES` names.
        options: keyword arguments of its `open_reader`.

    Yields:
        The data set, checked against the promises of `Source`.

    Raises:
        UserError: no such reader, file or option, or a damaged file.
    """
    reader = _module(kind)
    files = {key: Path(path) for key, path in files.items()}
    for key in reader.FILES:
        if key not in files:
            raise UserError(f"reader '{kind}': files.{key} is missing. Name it in config.yaml.")
        if not files[key].exists():
            raise UserError(
                f"{files[key]}: there is no such file (files.{key} of reader '{kind}'). Put it "
                f"there, or correct the path in config.yaml."
            )
    options = dict(options or {})
    known = list(inspect.signature(reader.open_reader).parameters)[1:]
    for key in set(options) - set(known):
        raise UserError(
            f"reader '{kind}': unknown option '{key}'. Expected {_listed(known)}"
            f"{nearest(key, known)}."
        )
    with reader.open_reader(files, **options) as source:
        _check(source, kind, files[reader.FILES[0]])
        yield source


def is_numbered(kind: str) -> bool:
    """Tell whether the labels of a reader are published numbers, which may stand for names."""
    return getattr(_module(kind), "NUMBERED", False)


def nearest(word: str, known: list[str]) -> str:
    """Phrase the most similar known word as the end of a message, or nothing."""
    match = difflib.get_close_matches(word, known, 1)
    return f"; did you mean '{match[0]}'?" if match else ""


def _module(kind: str) -> Any:
    known = plugin_files.names("readers")
    if kind not in known:
        raise UserError(
            f"reader '{kind}': there is no such reader. Expected {_listed(known)}"
            f"{nearest(kind, known)}."
        )
    return plugin_files.load("readers", kind)


def _listed(words: list[str]) -> str:
    return "one of: " + ", ".join(words) if words else "none"


def _check(source: Source, kind: str, file: Path) -> None:
    """Refuse a source that breaks the promises that the rest of the program relies on."""
    names = source.class_names
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise UserError(
            f"{file}: two classes have the name {repeated[0]!r} (reader '{kind}'). Every class "
            f"needs a name of its own: rename one."
        )
    labels = np.asarray(source.labels)
    given = {"names": source.names, "parts": source.parts, "groups": source.groups}
    for what, values in given.items():
        if len(values) != len(labels) and (len(values) or what == "names"):
            raise UserError(
                f"{file}: {len(values)} {what} for {len(labels)} images (reader '{kind}'). Each "
                f"image needs one."
            )
    bad = labels[(labels < 0) | (labels >= len(names))]
    if len(bad):
        raise UserError(
            f"{file}: label {bad[0]} (reader '{kind}'), expected 0 to {len(names) - 1}, one for "
            f"each of the {len(names)} class names."
        )
    unknown = sorted(set(source.parts) - set(PARTS))
    if unknown or (source.parts and "train" not in source.parts):
        raise UserError(
            f"{file}: the parts are {', '.join(sorted(set(source.parts)))} (reader '{kind}'), "
            f"expected 'train' and none but {', '.join(PARTS)}."
        )
