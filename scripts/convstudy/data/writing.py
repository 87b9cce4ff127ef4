"""Write the images of a data set, block by block, and what could not be read is left out."""

from collections.abc import Iterator, Mapping, Sequence

import h5py
import numpy as np

from convstudy.data import folds, hdf5
from convstudy.data.stored_images import Progress, StoredImages
from convstudy.foundation.errors import UserError
from convstudy.readers import Source


def storable(name: str) -> str:
    """HDF5 holds UTF-8 without NUL; file names may hold other bytes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\0")


def write(
    file: h5py.File, stored: StoredImages, chosen: Sequence[int], drawn: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Write all subsets, and return which of their images could be read."""
    source, shape = stored.source, (*stored.form.size, stored.form.channels)
    new = numbers(source, chosen)
    progress = Progress(sum(len(indices) for indices in drawn.values()))
    kept = {}
    for subset, indices in drawn.items():
        group = hdf5.create_group(file, subset)
        array = hdf5.create_array(group, "images", (len(indices), *shape), np.uint8)
        kept[subset] = _write_images(array, stored, indices, progress)
        hdf5.write_array(group, "labels", new[np.asarray(source.labels)[kept[subset]]])
        hdf5.write_names(group, "names", [storable(source.names[i]) for i in kept[subset]])
    return kept


def _write_images(
    array: h5py.Dataset, stored: StoredImages, indices: np.ndarray, progress: Progress
) -> np.ndarray:
    """Write the images that can be read, and return their numbers."""
    # Whole chunks: one image at a time would write and checksum each chunk again for each.
    block = np.empty((hdf5.rows_at_a_time(array), *array.shape[1:]), np.uint8)
    kept, waiting = [], 0
    for place, index in enumerate(indices.tolist(), 1):
        image = stored.read(index)
        if image is not None:
            kept.append(index)
            block[waiting] = image
            waiting += 1
        if waiting == len(block) or (waiting and place == len(indices)):
            array[len(kept) - waiting : len(kept)] = block[:waiting]
            waiting = 0
        progress.step()
    if len(kept) < len(indices):
        array.resize(len(kept), axis=0)
    return np.array(kept, dtype=int)


def numbers(source: Source, chosen: Sequence[int]) -> np.ndarray:
    """The number that each label of the source gets, -1 for classes that are not taken."""
    numbers = np.full(len(source.class_names), -1, dtype=np.int32)
    numbers[chosen] = np.arange(len(chosen))
    return numbers


def check_left(stored: StoredImages, drawn: folds.Drawn, kept: folds.Drawn) -> None:
    """Refuse a class of which a subset, of any fold, has no image that can be read."""
    labels = np.asarray(stored.source.labels)
    for (subset, rows), (_, left) in zip(_subsets(drawn), _subsets(kept), strict=True):
        lost = np.setdiff1d(labels[rows], labels[left])
        if len(lost):
            own = [row for row in rows.tolist() if labels[row] == lost[0]]
            name = stored.source.class_names[lost[0]]
            raise UserError(
                f"{stored.where}: class '{name}' has no {subset} image left, as these cannot be "
                f"used: {stored.complaints(own)}. Replace them by good copies, or remove "
                f"them, so that others are drawn."
            )


def _subsets(drawn: folds.Drawn) -> Iterator[tuple[str, np.ndarray]]:
    """Each subset, of each fold, and its images."""
    if drawn.parts is None:
        yield from drawn.rows.items()
        return
    rows = drawn.rows[hdf5.POOL]
    for fold in drawn.parts.T:
        for place, subset in enumerate(hdf5.SUBSETS):
            yield subset, rows[fold == place]
