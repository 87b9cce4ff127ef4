"""The images of a large data set in shards of whole batches, and the features that come of them.

A backbone takes them in the batches in which it would have taken the whole data set, so that the
features have the same bits.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from convstudy.data import hdf5, stored_rows
from convstudy.foundation import atomic_files

BATCH = 32  # images that a backbone takes at a time


def deal(data_file: Path, shard_files: Sequence[Path]) -> None:
    """Write the images of each shard: of every subset an equal share of its batches, in order.

    Memory holds a block of images at a time. A shard has `images` alone, in the groups of the data
    set; the labels play no part in features.
    """
    with hdf5.open_hdf5(data_file) as data:
        subsets = hdf5.groups_of(data)
    images = {x: stored_rows.of_subsets(data_file, [x], "images") for x in subsets}
    for number, path in enumerate(shard_files):
        with hdf5.create_hdf5(path, {}) as shard:
            for subset, stored in images.items():
                rows = _share(len(stored), number, len(shard_files))
                group = hdf5.create_group(shard, subset)
                stored_rows.copy(stored, np.arange(rows.start, rows.stop), group, "images")


def _share(n: int, number: int, count: int) -> slice:
    """The rows of a subset of n images in shard `number` of `count`."""
    batches = -(-n // BATCH)
    edges = (min(n, batches * edge // count * BATCH) for edge in (number, number + 1))
    return slice(*edges)


def gather(data_file: Path, shard_files: Sequence[Path], output: Path) -> None:
    """Write the features of all shards one after the other, with the labels of the data set.

    Raises:
        UserError: a file is damaged, or the shards are not those of the data set.
    """
    about = hdf5.read_attributes(data_file)
    with hdf5.open_hdf5(data_file) as data, hdf5.create_hdf5(output, about) as features:
        for subset in hdf5.groups_of(data):
            with hdf5.open_hdf5(shard_files[0]) as shard:
                width = hdf5.array(shard, subset, "vectors").shape[1]
            n = len(hdf5.array(data, subset, "images"))
            write_vectors(features, data, subset, width, _vectors(shard_files, subset, n))


def _vectors(shard_files: Sequence[Path], subset: str, n: int) -> Iterator[np.ndarray]:
    """The vectors of a subset of n images, batch by batch."""
    for number, path in enumerate(shard_files):
        rows = _share(n, number, len(shard_files))
        with hdf5.open_hdf5(path) as shard:
            vectors = hdf5.array(shard, subset, "vectors")
            if len(vectors) != rows.stop - rows.start:
                raise atomic_files.damaged(path, f"{len(vectors)} vectors in '{subset}'")
            yield from (vectors[x : x + BATCH] for x in range(0, len(vectors), BATCH))


def write_vectors(
    features: h5py.File, data: h5py.File, subset: str, width: int, batches: Iterable[np.ndarray]
) -> None:
    """Write the vectors of a subset, with what features have of the data set beside the images'.

    Args:
        features: the file to write into.
        data: the images that they are of.
        subset: a group of both.
        width: the length of a vector.
        batches: float32 (<= BATCH, width) each.
    """
    group = hdf5.create_group(features, subset)
    shape = (len(hdf5.array(data, subset, "images")), width)
    vectors = hdf5.create_array(group, "vectors", shape, np.float32)
    done = 0
    for values in batches:
        vectors[done : done + len(values)] = values
        done += len(values)
    for name in ("labels", "parts"):
        if name in data[subset]:
            hdf5.write_array(group, name, hdf5.array(data, subset, name)[...])


def add_costs(costs_files: Sequence[Path], output: Path) -> None:
    """Write what all shards cost together: seconds and images are added, the rest is the same."""
    costs = list(map(atomic_files.read_json, costs_files))
    total = {name: sum(cost[name] for cost in costs) for name in ("seconds", "images")}
    atomic_files.write_json(output, costs[0] | total)
