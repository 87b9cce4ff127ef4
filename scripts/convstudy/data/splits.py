"""Write a data set into its HDF5 file: choose classes, draw the split, decode the images.

Every draw is stratified, and each class draws from a random stream of its own, seeded with the seed
and the *name* of the class: adding, dropping or re-ordering classes leaves the draws of the others
as they were, and a larger limit keeps the images that a smaller one drew.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from convstudy.data import hdf5
from convstudy.decoding.images import MAX_SIDE
from convstudy.foundation import folder_digests
from convstudy.foundation.errors import UserError
from convstudy.foundation.random_draws import class_rng
from convstudy.readers import Source, nearest, open_source

log = logging.getLogger(__name__)


def prepare(
    source_kind: str,
    files: Mapping[str, Path],
    output: Path,
    *,
    options: Mapping[str, Any] | None = None,
    image_size: tuple[int, int],
    classes: Sequence[str | int] | None = None,
    max_classes: int | None = None,
    max_train_per_class: int | None = None,
    max_test_per_class: int | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
    about: Mapping[str, str] | None = None,
) -> None:
    """Read a data set and write `output` in the layout of `store`.

    Labels are numbered anew from 0 in the order of the chosen classes. Images of each subset are in
    the order of the source. Memory holds a block of images at a time. Root attributes: class_names,
    reader, image_size, seed, validation_fraction, the limits and options that are set, the SHA-256
    of each source file (`sha256_<key>`, see `digest`), and `about`.

    Args:
        source_kind: name of a reader.
        files: the files that the reader needs.
        output: the HDF5 file to write; it appears when it is whole.
        options: options of the reader.
        image_size: (height, width) that every image is brought to.
        classes: names or integer labels of the classes to take, in this order; None is all.
        max_classes: take only the first so many of them (the first, not a draw).
        max_train_per_class: draw at most so many images a class for training and validation.
        max_test_per_class: draw at most so many images a class for testing.
        validation_fraction: share of the training images of every class that validates.
        seed: seed of the draws, 0 or more.
        about: further root attributes.

    Raises:
        UserError: a file, class or image that cannot be used; nothing is written then.
    """
    height, width = _checked_size(image_size)
    if not 0 < validation_fraction < 1:
        raise UserError(
            f"validation_fraction: {validation_fraction}, expected a number above 0 and below 1."
        )
    with open_source(source_kind, files, options) as source:
        chosen = choose_classes(source.class_names, classes, max_classes)
        drawn = draw_split(
            source.labels,
            source.class_names,
            chosen,
            max_train_per_class=max_train_per_class,
            max_test_per_class=max_test_per_class,
            validation_fraction=validation_fraction,
            seed=seed,
        )
        settings = {
            "max_classes": max_classes,
            "max_train_per_class": max_train_per_class,
            "max_test_per_class": max_test_per_class,
            **{f"option_{key}": value for key, value in (options or {}).items()},
        }
        attributes = {
            **{key: value for key, value in settings.items() if value is not None},
            **{f"sha256_{key}": digest(Path(path)) for key, path in files.items()},
            **(about or {}),
            "class_names": [_storable(source.class_names[label]) for label in chosen],
            "reader": source_kind,
            "image_size": [height, width],
            "seed": seed,
            "validation_fraction": validation_fraction,
        }
        with hdf5.create_hdf5(output, attributes) as file:
            _write(file, source, chosen, drawn, (height, width))


def choose_classes(
    class_names: Sequence[str],
    classes: Sequence[str | int] | None = None,
    max_classes: int | None = None,
) -> list[int]:
    """Turn a choice of classes into labels of the source, in the order of the choice.

    Args:
        class_names: all names of the source.
        classes: names (texts) or labels (numbers from 0); None is all in the order of the source.
        max_classes: keep only the first so many.
    """
    if classes is None:
        labels = list(range(len(class_names)))
    else:
        labels = [_label(choice, list(class_names)) for choice in classes]
    for label, count in Counter(labels).items():
        if count > 1:
            raise UserError(f"classes: '{class_names[label]}' is listed twice, expected once.")
    labels = labels if max_classes is None else labels[:max_classes]
    if len(labels) < 2:
        raise UserError(
            f"classes: {len(labels)} of the {len(class_names)} classes are left, expected 2 or "
            f"more. Check classes and max_classes, and that the data holds several classes."
        )
    return labels


def draw_split(
    labels: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    chosen: Sequence[int] | None = None,
    *,
    max_train_per_class: int | None = None,
    max_test_per_class: int | None = None,
    validation_fraction: float = 0.1,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Draw the images of each subset, class by class.

    Of the n training images that a class keeps under its limit, round(validation_fraction * n), at
    least 1 and at most n - 1, become validation images.

    Args:
        labels: "train" and "test", labels (n,) of the source.
        class_names: the name of every label.
        chosen: labels to draw; None is all.
        max_train_per_class: limit of training and validation images together.
        max_test_per_class: limit of test images.
        validation_fraction: above 0 and below 1.
        seed: 0 or more.

    Returns:
        "train" and "validation", indices into the source's "train", and "test", indices into its
        "test"; each sorted. Training and validation images have none in common.
    """
    drawn: dict[str, list[np.ndarray]] = {subset: [] for subset in hdf5.SUBSETS}
    for label in range(len(class_names)) if chosen is None else chosen:
        name = class_names[label]
        kept = _draw_class(labels["train"], label, name, "train", 2, max_train_per_class, seed)
        count = min(max(1, round(validation_fraction * len(kept))), len(kept) - 1)
        drawn["validation"].append(kept[:count])
        drawn["train"].append(kept[count:])
        drawn["test"].append(
            _draw_class(labels["test"], label, name, "test", 1, max_test_per_class, seed)
        )
    return {subset: np.sort(np.concatenate(parts)) for subset, parts in drawn.items()}


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file, or that of a folder (see `folders`)."""
    try:
        return folder_digests.of_any(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the file.") from error


def _draw_class(
    labels: np.ndarray, label: int, name: str, part: str, least: int, limit: int | None, seed: int
) -> np.ndarray:
    """Draw at most `limit` images of a class, in random order."""
    members = np.flatnonzero(np.asarray(labels) == label)
    need = f"at least {least}" + (" (one trains, one validates)" if least == 2 else "")
    if len(members) < least:
        raise UserError(
            f"class '{name}': {len(members)} images in the {part} part, expected {need}. Add "
            f"images, or leave the class out with the key classes."
        )
    if limit is not None and limit < least:
        raise UserError(f"max_{part}_per_class: {limit}, expected {need}.")
    return class_rng(part, seed, name).permutation(members)[:limit]


def _label(choice: str | int, class_names: list[str]) -> int:
    if isinstance(choice, str):
        if choice in class_names:
            return class_names.index(choice)
        raise UserError(
            f"classes: unknown class '{choice}', expected names such as '{class_names[0]}'"
            f"{nearest(choice, class_names)}."
            if class_names
            else f"classes: unknown class '{choice}'; the data set has no classes."
        )
    if isinstance(choice, bool) or not isinstance(choice, int):
        raise UserError(f"classes: {choice!r}, expected a class name or a whole number.")
    if not 0 <= choice < len(class_names):
        raise UserError(
            f"classes: {choice}, expected a label from 0 to {len(class_names) - 1}. A class whose "
            f"name is a number needs quotes: '{choice}'."
        )
    return choice


def _checked_size(image_size: tuple[int, int]) -> tuple[int, int]:
    size = tuple(image_size)
    if len(size) != 2 or not all(type(side) is int and 1 <= side <= MAX_SIDE for side in size):
        raise UserError(
            f"image_size: {list(size)}, expected [height, width], each from 1 to {MAX_SIDE}."
        )
    return size


def _storable(name: str) -> str:
    """HDF5 holds UTF-8 without NUL; file names may hold other bytes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\0")


def _write(
    file: h5py.File,
    source: Source,
    chosen: list[int],
    drawn: Mapping[str, np.ndarray],
    size: tuple[int, int],
) -> None:
    numbers = np.full(len(source.class_names), -1, dtype=np.int32)
    numbers[chosen] = np.arange(len(chosen))
    total = sum(len(indices) for indices in drawn.values())
    done = 0
    for subset, indices in drawn.items():
        part = "test" if subset == "test" else "train"
        group = hdf5.create_group(file, subset)
        images = hdf5.create_array(group, "images", (len(indices), *size, 3), np.uint8)
        hdf5.write_array(group, "labels", numbers[np.asarray(source.labels[part])[indices]])
        names = source.names[part]
        hdf5.write_names(group, "names", [_storable(names[index]) for index in indices])
        # Whole chunks: one image at a time would write and checksum each chunk again for each.
        step = images.chunks[0]
        for start in range(0, len(indices), step):
            block = [source.image(part, int(i), size) for i in indices[start : start + step]]
            images[start : start + step] = np.stack(block)
            before, done = done, done + len(block)
            if 10 * before // total < 10 * done // total:
                log.info("%d of %d images (%d %%)", done, total, 100 * done // total)
