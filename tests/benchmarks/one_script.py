"""The demo's 13 variants as one script in plain Keras, as the practical was written.

    python tests/benchmarks/one_script.py results/data

`fit`, `predict` and Keras's own ImageDataGenerator, arrays in memory, one process; nothing of the
package, no file but the data sets of the demo (HDF5), no pictures. Budgets are the demo's. Prints a
line a variant: seconds and test accuracy; then all seconds.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator

NORMALIZE = {
    "plain": {"featurewise_center": True, "featurewise_std_normalization": True},
    "random": {"width_shift_range": 0.1, "height_shift_range": 0.1, "horizontal_flip": True},
}
WHITEN = {
    "plain": {"featurewise_center": True, "zca_whitening": True, "zca_epsilon": 1e-3},
    "random": {"horizontal_flip": True},
}
OBJECTS = {  # by variant: batch norm of the improved net ("" is BaseNet), generator, epochs
    "base_net": ("", None, 30),
    "base_net_normalize": ("", NORMALIZE, 30),
    "base_net_whiten": ("", WHITEN, 30),
    "improved_net": ("none", NORMALIZE, 13),
    "improved_net_bn_before": ("before", NORMALIZE, 13),
    "improved_net_bn_after": ("after", NORMALIZE, 13),
    "improved_net_bn_after_whiten": ("after", WHITEN, 13),
}
FEATURES = {  # hidden layers and dropout
    "features_one_layer": ([], 0),
    "features_two_layers": ([1024], 0),
    "features_two_layers_dropout": ([1024], 0.75),
}
FINE_TUNING = {  # hidden layers, and whether a convolution stands before the pooling
    "finetune_one_layer": ([], False),
    "finetune_two_layers": ([1024], False),
    "finetune_conv": ([1024], True),
}
SUBSETS = ("train", "validation", "test")


def read(folder: Path, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images in [0, 1] and labels, by subset."""
    with h5py.File(folder / f"{name}.h5") as file:
        return {x: (file[x]["images"][:] / np.float32(255), file[x]["labels"][:]) for x in SUBSETS}


def compiled(model: keras.Model) -> keras.Model:
    """With the practical's optimizer and loss."""
    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, 1, 1e-6)
    optimizer = keras.optimizers.SGD(rate, 0.9, nesterov=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def network(batch_norm: str, classes: int) -> keras.Model:
    """BaseNet, or the improved network with its batch norms."""
    model = keras.Sequential([layers.Input((32, 32, 3))])
    if not batch_norm:
        for filters in (6, 16):
            model.add(layers.Conv2D(filters, 5, activation="relu"))
            model.add(layers.MaxPooling2D())
        model.add(layers.Flatten())
        model.add(layers.Dense(50, activation="relu"))
    else:
        for filters in (32, 64):
            for padding in ("same", "valid"):
                model.add(layers.Conv2D(filters, 3, padding=padding))
                if batch_norm == "before":
                    model.add(layers.BatchNormalization())
                model.add(layers.Activation("relu"))
                if batch_norm == "after":
                    model.add(layers.BatchNormalization())
            model.add(layers.MaxPooling2D())
            model.add(layers.Dropout(0.25))
        model.add(layers.Flatten())
        model.add(layers.Dense(512, activation="relu"))
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(classes, activation="softmax"))
    return compiled(model)


def train_on_images(batch_norm: str, generator: dict | None, epochs: int, sets: dict) -> float:
    """The test accuracy of a variant of the first two parts."""
    model = network(batch_norm, int(sets["train"][1].max()) + 1)
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=8, restore_best_weights=True
    )
    about = {"epochs": epochs, "callbacks": [stopping], "verbose": 0}
    if generator is None:
        model.fit(*sets["train"], batch_size=32, validation_data=sets["validation"], **about)
        return model.evaluate(*sets["test"], verbose=0)[1]
    augmented = ImageDataGenerator(**generator["plain"], **generator["random"])
    plain = ImageDataGenerator(**generator["plain"])
    augmented.fit(sets["train"][0])
    plain.fit(sets["train"][0])
    flows = {x: plain.flow(*sets[x], batch_size=32, shuffle=False) for x in SUBSETS[1:]}
    model.fit(
        augmented.flow(*sets["train"], batch_size=32), validation_data=flows["validation"], **about
    )
    return model.evaluate(flows["test"], verbose=0)[1]


def head(hidden: list[int], dropout: float, features: dict, classes: int) -> float:
    """The test accuracy of a head on features."""
    model = keras.Sequential([layers.Input(features["train"][0].shape[1:])])
    for width in hidden:
        model.add(layers.Dense(width, activation="relu"))
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(classes, activation="softmax"))
    compiled(model).fit(
        *features["train"], epochs=30, validation_data=features["validation"], verbose=0
    )
    return model.evaluate(*features["test"], verbose=0)[1]


def backbone(size: tuple[int, ...]) -> keras.Model:
    """The demo's ResNet50, up to its third stage."""
    whole = keras.applications.ResNet50(include_top=False, weights=None, input_shape=size)
    network = keras.Model(whole.input, whole.get_layer("conv3_block4_out").output)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9
    return network


def fine_tuned(
    network: keras.Model, hidden: list[int], convolution: bool, sets: dict, epochs: int, batch: int
) -> float:
    """The test accuracy of a network under a head; the network's weights change."""
    maps = network.output
    if convolution:
        maps = layers.Conv2D(64, 3, padding="same", activation="relu")(maps)
        maps = layers.Dropout(0.2)(maps)
    vector = layers.GlobalAveragePooling2D()(maps)
    for width in hidden:
        vector = layers.Dense(width, activation="relu")(vector)
        vector = layers.Dropout(0.4)(vector) if convolution else vector
    classes = int(sets["train"][1].max()) + 1
    outputs = layers.Dense(classes, activation="softmax")(vector)
    model = compiled(keras.Model(network.input, outputs))
    data = {"validation_data": sets["validation"], "batch_size": batch}
    model.fit(*sets["train"], epochs=epochs, verbose=0, **data)
    return model.evaluate(*sets["test"], verbose=0)[1]


def birds(folder: Path, timed) -> None:
    """The third part, on a network that is pretrained on other species."""
    sets = {
        name: {
            x: (keras.applications.resnet50.preprocess_input(255 * images), labels)
            for x, (images, labels) in read(folder, name).items()
        }
        for name in ("demo_birds", "demo_other_species")
    }
    size = sets["demo_birds"]["train"][0].shape[1:]
    network = backbone(size)
    timed("pretraining", fine_tuned, network, [], False, sets["demo_other_species"], 8, 16)
    weights, classes = network.get_weights(), int(sets["demo_birds"]["train"][1].max()) + 1
    pooled = keras.Sequential([network, layers.GlobalAveragePooling2D()])
    features = {
        x: (pooled.predict(images, verbose=0), labels)
        for x, (images, labels) in sets["demo_birds"].items()
    }
    for name, (hidden, dropout) in FEATURES.items():
        timed(name, head, hidden, dropout, features, classes)
    for name, (hidden, convolution) in FINE_TUNING.items():
        network.set_weights(weights)
        for layer in network.layers:
            layer.trainable = not isinstance(layer, layers.BatchNormalization)
        timed(name, fine_tuned, network, hidden, convolution, sets["demo_birds"], 10, 32)


def main() -> None:
    """Train and test all variants."""
    folder, began = Path(sys.argv[1]), time.perf_counter()
    keras.utils.set_random_seed(0)

    def timed(name: str, train, *arguments) -> None:
        start = time.perf_counter()
        accuracy = train(*arguments)
        seconds = time.perf_counter() - start
        print(f"{name:30} {seconds:6.1f} s   {100 * accuracy:5.1f} %", flush=True)

    sets = read(folder, "demo_objects")
    for name, about in OBJECTS.items():
        timed(name, train_on_images, *about, sets)
    birds(folder, timed)
    print(f"{'all':30} {time.perf_counter() - began:6.1f} s   TensorFlow {tf.__version__}")


if __name__ == "__main__":
    main()
