"""A few augmented images of a data set, to be looked at."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from convstudy.data import hdf5, stored_rows
from convstudy.generators import Generator
from convstudy.training import augmented, input_pipeline


def drawn(
    data_file: Path | str, steps: list[dict[str, Any]], n: int = 12, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The first batch of a training with a seed, by the very stream that trains.

    Args:
        data_file: a data set's HDF5 file; only the images shown are read.
        steps: `kind` and `options` of each step.
        n: images.
        seed: of the training.

    Returns:
        Images (n, h, w, c), float32 in 0-255, before any preprocessing, and how much of each class
        is in them (n, classes).
    """
    subset = hdf5.POOL if hdf5.is_pooled(data_file) else "train"
    rows, labels = stored_rows.of_subset(data_file, subset, "images")
    classes = len(hdf5.read_attributes(data_file)["class_names"])
    generator = augmented.Augmented(Generator(), steps, classes, mixing=True)
    stream = input_pipeline.training_stream(
        generator, {}, rows, labels, n, seed, tf.data.Dataset.range(1)
    )
    images, shares = (x.numpy() for x in next(iter(stream)))
    return images, shares if shares.ndim == 2 else np.eye(classes)[shares]
