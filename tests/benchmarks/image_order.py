"""What an order of the images that repeats costs: BaseNet without a generator, in plain Keras.

    python tests/benchmarks/image_order.py results/data/cifar10_full_size.h5

A seeded `fit(shuffle=True)` of Keras 3 shows the images in one and the same order in every epoch;
Keras 2, as the practical used it, drew a new one, and so does this workflow. Prints the test
accuracy and loss for both, seed by seed; nothing of the package is used.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
from keras import layers

LEARNING_RATE, MOMENTUM, DECAY, BATCH = 0.01, 0.9, 1e-6, 32


def base_net(classes: int) -> keras.Model:
    """The practical's BaseNet, compiled as there."""
    model = keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(6, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(50, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )
    rate = keras.optimizers.schedules.InverseTimeDecay(LEARNING_RATE, 1, DECAY)
    optimizer = keras.optimizers.SGD(rate, MOMENTUM, nesterov=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(images: np.ndarray, labels: np.ndarray, seed: int, epochs: int, new: bool):
    """BaseNet after `epochs`, each in a new order of the images or all in the first one's."""
    keras.utils.set_random_seed(seed)
    model = base_net(int(labels.max()) + 1)
    if not new:
        model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)
        return model
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(labels))
        model.fit(images[order], labels[order], batch_size=BATCH, shuffle=False, verbose=0)
    return model


def main() -> None:
    """Print a line a seed and kind of order."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="HDF5 file of a data set of 32x32 images")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    with h5py.File(arguments.data) as file:
        sets = {
            name: (file[name]["images"][:] / np.float32(255), file[name]["labels"][:])
            for name in ("train", "test")
        }
    print("order of the images  seed  test accuracy  test loss")
    for new in (False, True):
        for seed in range(arguments.seeds):
            model = trained(*sets["train"], seed, arguments.epochs, new)
            loss, accuracy = model.evaluate(*sets["test"], verbose=0)
            kind = "new in each epoch" if new else "the same in all"
            print(f"{kind:<19}  {seed:<4}  {accuracy:<13.3f}  {loss:.2f}", flush=True)


if __name__ == "__main__":
    main()
