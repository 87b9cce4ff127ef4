"""Data set readers: one file each, found by its name.

To read another kind of data set, add one file `readers/<kind>.py` and name it in config.yaml as
`reader: <kind>`. The file holds

* `FILES`, the names of the files that it needs (keys of `files` in config.yaml), and
* `open_reader(files, *, <options>)`, a context manager that yields a `Source`. Its keyword
  arguments, with their annotations and defaults, are the reader's options in config.yaml.

Images are decoded one at a time while the data set is written, so a reader needs no memory for
them. `image_folder.py` is the shortest reader to start from.
"""

import contextlib
import difflib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError


@dataclass(frozen=True)
class Source:
    """All images of a data set, before any limit, in the two parts that it is published in.

    Attributes:
        class_names: the name of every label, without repetition.
        labels: for "train" and "test", int (n,) with values 0 to len(class_names) - 1.
        names: for "train" and "test", one name an image.
        image: `image(subset, index, size)` decodes one image and brings it to size (height,
            width): uint8 (height, width, 3), RGB. Raises `UserError` for a damaged image.
    """

    class_names: list[str]
    labels: Mapping[str, np.ndarray]
    names: Mapping[str, list[str]]
    image: Callable[[str, int, tuple[int, int]], np.ndarray]


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
    for subset in ("train", "test"):
        labels = np.asarray(source.labels[subset])
        if len(labels) != len(source.names[subset]):
            raise UserError(
                f"{file}: {len(labels)} labels for {len(source.names[subset])} images of '{subset}'"
                f" (reader '{kind}'). Each image needs one label."
            )
        bad = labels[(labels < 0) | (labels >= len(names))]
        if len(bad):
            raise UserError(
                f"{file}: label {bad[0]} in '{subset}' (reader '{kind}'), expected 0 to "
                f"{len(names) - 1}, one for each of the {len(names)} class names."
            )
