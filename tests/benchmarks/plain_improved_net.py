"""The practical's variant 4 in plain Keras, to hold the workflow's improved_net__practical against.

    python tests/benchmarks/plain_improved_net.py results/data/cifar10_full_size.h5 --seed 0

Keras's own ImageDataGenerator augments, and its early stopping ends the training, as in the
practical; nothing of the package is used. Prints a line an epoch, and the test loss and accuracy.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from one_script import NORMALIZE, network


def main() -> None:
    """Train and test."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="HDF5 file of a data set of 32x32 images")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(arguments.seed)
    with h5py.File(arguments.data) as file:
        sets = [
            (file[name]["images"][:] / np.float32(255), file[name]["labels"][:])
            for name in ("train", "validation", "test")
        ]
    images, labels = (np.concatenate([x[i] for x in sets[:2]]) for i in (0, 1))
    order = np.random.default_rng(arguments.seed).permutation(len(labels))
    images, labels = images[order], labels[order]
    augmented = ImageDataGenerator(
        **NORMALIZE["plain"], **NORMALIZE["random"], validation_split=0.1
    )
    plain = ImageDataGenerator(**NORMALIZE["plain"])
    augmented.fit(images)
    plain.fit(images)
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=10, restore_best_weights=True
    )
    model = network("none", int(labels.max()) + 1)
    history = model.fit(
        augmented.flow(images, labels, batch_size=32, subset="training"),
        validation_data=augmented.flow(images, labels, batch_size=32, subset="validation"),
        epochs=100,
        callbacks=[stopping],
        verbose=2,
    )
    test = plain.flow(*sets[2], batch_size=100, shuffle=False)
    loss, accuracy = model.evaluate(test, verbose=0)
    print(f"seed {arguments.seed}: {len(history.epoch)} epochs, {accuracy:.3f}, loss {loss:.3f}")


if __name__ == "__main__":
    main()
