"""Small synthetic data files in the workflow's own format."""

from pathlib import Path

import numpy as np

from convstudy import store

SIZES = {"train": 48, "validation": 20, "test": 12}


def write_vectors(path: Path, classes: int = 2, length: int = 6, seed: int = 0) -> Path:
    """A features file whose labels have nothing to do with its vectors: a network can only learn
    them by heart, so its validation accuracy wanders from epoch to epoch.
    """
    rng = np.random.default_rng(seed)
    names = [f"class {i}" for i in range(classes)]
    with store.create_hdf5(path, {"class_names": names}) as file:
        for subset, n in SIZES.items():
            group = store.create_group(file, subset)
            store.write_array(group, "vectors", rng.normal(size=(n, length)).astype(np.float32))
            store.write_array(group, "labels", rng.integers(0, classes, n, dtype=np.int32))
    return path


def write_images(path: Path, shape: tuple[int, int, int], n: int = 5, seed: int = 0) -> Path:
    """An image file of random pixels, `n` images in each subset, other ones in each."""
    rng = np.random.default_rng(seed)
    with store.create_hdf5(path, {"class_names": ["a", "b"]}) as file:
        for subset in store.SUBSETS:
            group = store.create_group(file, subset)
            images = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
            store.write_array(group, "images", images)
            store.write_array(group, "labels", np.arange(n, dtype=np.int32) % 2)
    return path
