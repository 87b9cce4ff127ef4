"""Small synthetic data files in the workflow's own format."""

from pathlib import Path

import numpy as np

from convstudy.data import hdf5
from convstudy.study import training_settings

SETTINGS = {
    "batch_size": 16,
    "learning_rate": 0.01,
    "optimizer": training_settings.filled("optimizer", "SGD", "optimizer"),
    "schedule": training_settings.filled("schedule", "time_decay", "schedule"),
    "loss": training_settings.filled("loss", "cross_entropy", "loss"),
    "epochs": 4,
    "patience": 2,
    "monitor": "val_accuracy",
    "min_delta": 0,
}
SIZES = {"train": 48, "validation": 20, "test": 12}


def write_vectors(path: Path, classes: int = 2, length: int = 6, seed: int = 0) -> Path:
    """A features file whose labels have nothing to do with its vectors: a network can only learn
    them by heart, so its validation accuracy wanders from epoch to epoch.
    """
    rng = np.random.default_rng(seed)
    names = [f"class {i}" for i in range(classes)]
    with hdf5.create_hdf5(path, {"class_names": names}) as file:
        for subset, n in SIZES.items():
            group = hdf5.create_group(file, subset)
            hdf5.write_array(group, "vectors", rng.normal(size=(n, length)).astype(np.float32))
            hdf5.write_array(group, "labels", rng.integers(0, classes, n, dtype=np.int32))
    return path


def write_images(path: Path, shape: tuple[int, int, int], n: int = 5, seed: int = 0) -> Path:
    """An image file of random pixels, `n` images in each subset, other ones in each."""
    rng = np.random.default_rng(seed)
    with hdf5.create_hdf5(path, {"class_names": ["a", "b"]}) as file:
        for subset in hdf5.SUBSETS:
            group = hdf5.create_group(file, subset)
            images = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
            hdf5.write_array(group, "images", images)
            hdf5.write_array(group, "labels", np.arange(n, dtype=np.int32) % 2)
    return path
