"""Images and labels as NumPy arrays: a `.npz` file, or a folder or archive of `.npy` files.

The arrays have the names that MedMNIST publishes (`train_images`, `train_labels`, `val_images`,
..., `test_labels`), those of Keras' examples (`x_train`, `y_train`, ..., `y_test`), or are one
pair, `images` and `labels`, of which all parts are drawn. Letter case means nothing.

Images are uint8 or uint16, (n, height, width) or (n, height, width, 1 or 3), and are read one at a
time; labels are whole numbers, (n,) or (n, 1).
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.stored_arrays import StoredArray, open_array
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

FILES = ("arrays",)

_MEDMNIST = {
    "train": ("train_images", "train_labels"),
    "validation": ("val_images", "val_labels"),
    "test": ("test_images", "test_labels"),
}
_KERAS = {
    "train": ("x_train", "y_train"),
    "validation": ("x_val", "y_val"),
    "test": ("x_test", "y_test"),
}
_ONE_PAIR = {"": ("images", "labels")}


@contextlib.contextmanager
def open_reader(
    files: dict[str, Path], *, class_names: Sequence[str] | None = None
) -> Iterator[Source]:
    """Open arrays of images and labels.

    Args:
        files: "arrays" is a `.npz` file, or a folder or archive of `.npy` files.
        class_names: the name of each label from 0; null names a class by its number.
    """
    path = files["arrays"]
    if path.is_file() and path.suffix.lower() == ".npy":
        raise UserError(
            f"{path}: is one array, expected images and labels: a .npz file, or the folder that "
            f"holds images.npy and labels.npy."
        )
    with archives.extracted(path, lambda name: name.lower().endswith(".npy")) as contents:
        stored = {}
        for name, member in contents.members.items():
            key = PurePosixPath(name).stem.lower()
            if key in stored:
                raise UserError(f"{path}: holds two arrays '{key}', expected one.")
            stored[key] = (f"{path}: {name}", member)
        form = _form(path, set(stored))
        pairs = {
            part: tuple(open_array(*stored[key]) for key in keys)
            for part, keys in form.items()
            if keys[0] in stored
        }
        used = {key for part in pairs for key in form[part]}
        rest = ", ".join(sorted(set(stored) - used))
        notes = [f"Left out arrays: {rest}."] if rest else []
        yield _source(path, form, pairs, class_names, notes)


def _form(path: Path, keys: set[str]) -> dict[str, tuple[str, str]]:
    """The names of arrays by part, with both arrays of each part or none."""
    for form in (_MEDMNIST, _KERAS, _ONE_PAIR):
        if not keys & set(next(iter(form.values()))):
            continue
        for pair in form.values():
            if len(lacking := [key for key in pair if key not in keys]) == 1:
                (other,) = set(pair) - set(lacking)
                raise UserError(
                    f"{path}: holds '{other}' and no '{lacking[0]}'. Expected images and their "
                    f"labels: add it, or fetch the file again."
                )
        return form
    found = ", ".join(sorted(keys)[:10]) or "none"
    raise UserError(
        f"{path}: the arrays are {found}. Expected train_images, train_labels, test_images, ..., "
        f"or x_train, y_train, x_test, y_test, or images and labels: name them so."
    )


def _source(
    path: Path,
    form: dict[str, tuple[str, str]],
    pairs: dict[str, tuple[StoredArray, StoredArray]],
    class_names: Sequence[str] | None,
    notes: list[str],
) -> Source:
    given = {part: _labels(images, labels) for part, (images, labels) in pairs.items()}
    labels = np.concatenate(list(given.values()))
    if class_names is None:
        values, labels = np.unique(labels, return_inverse=True)
        class_names = [str(value) for value in values]
    elif len(labels) and not 0 <= labels.min() <= labels.max() < len(class_names):
        raise UserError(
            f"{path}: the labels are {labels.min()} to {labels.max()}, and the option class_names "
            f"has {len(class_names)} names, for 0 to {len(class_names) - 1}. Expected a name for "
            f"each label."
        )
    rows = [
        (images, index, f"{form[part][0]}/{index:05d}")
        for part, (images, _) in pairs.items()
        for index in range(images.shape[0])
    ]
    parts = [part for part, own in given.items() for _ in own]

    def image(index: int) -> np.ndarray:
        images, row, _ = rows[index]
        return images.row(row)

    return Source(
        list(class_names),
        labels.astype(np.int64),
        [name for _, _, name in rows],
        image,
        parts if any(parts) else (),
        notes=notes,
    )


def _labels(images: StoredArray, labels: StoredArray) -> np.ndarray:
    """The labels of one part, int64 (n,), checked against its images."""
    shape = images.shape
    if images.dtype.kind != "u" or images.dtype.itemsize > 2:
        raise UserError(
            f"{images.label}: holds numbers of the type {images.dtype}, expected uint8 (0-255) or "
            f"uint16 (0-65535): scale and convert them."
        )
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)) or 0 in shape:
        first = len(shape) == 4 and shape[1] in (1, 3)
        hint = " The channels come first here: move them last." if first else ""
        raise UserError(
            f"{images.label}: has the shape {shape}, expected (n, height, width) or (n, height, "
            f"width, 1 or 3), n from 1.{hint}"
        )
    if labels.dtype.kind not in "iu":
        raise UserError(
            f"{labels.label}: holds the type {labels.dtype}, expected whole numbers, one an image."
        )
    if len(labels.shape) == 2 and labels.shape[1] > 1:
        raise UserError(
            f"{labels.label}: has {labels.shape[1]} labels an image, expected one: choose a "
            f"column, or take numpy.argmax along the last axis where one of them is 1."
        )
    if labels.shape not in (shape[:1], (shape[0], 1)):
        raise UserError(
            f"{labels.label}: has the shape {labels.shape} for {shape[0]} images, expected "
            f"({shape[0]},) or ({shape[0]}, 1)."
        )
    return labels.whole().reshape(-1).astype(np.int64)
