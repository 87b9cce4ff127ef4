"""Training as in the practical: SGD with time decay, the best epoch chosen on validation images.

The order of the images and their augmentation are functions of (seed, epoch, step) alone.
"""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from convstudy import backups, files, generators, models, networks, store

log = logging.getLogger(__name__)


def train(
    spec: dict[str, Any],
    seed: int,
    inputs: dict[str, str],
    outputs: dict[str, str],
    provenance: dict[str, Any],
    backup_folder: Path,
    key: str,
) -> None:
    """Train one variant with one seed, from the last epoch that an earlier process finished.

    Args:
        spec: `training` (epochs, patience, batch_size, learning_rate, momentum, nesterov, decay),
            `generator` (kind and options, None on features), `kind` of the model, `input`; where
            the protocol has it, `validation_images: augmented`, `backbone_batch_norm: training`.
        seed: decides the order of the images, augmentation and dropout.
        inputs: paths of `data` (images or features, of which only the training and validation
            subsets are opened), `initial_weights` (.keras) and, if the generator has any,
            `statistics`.
        outputs: paths of `model` (.keras), `history` (.csv) and `run` (.json).
        provenance: digests taken before the run; written as they are.
        backup_folder: where a backup is written after each epoch.
        key: digest of all that this training depends on; backups of another one are not used.
    """
    settings = spec["training"]
    network = networks.load_model(inputs["initial_weights"], spec["kind"])
    if spec.get("backbone_batch_norm") == "training":
        for layer in models.batch_norms(network):
            layer.trainable = True
    model = compiled(network, settings)
    epochs, stopping = EpochLog(), early_stopping(settings["patience"])
    backup = backups.EpochBackup(backup_folder, key, epochs.rows, stopping)
    first = backup.restore(model)
    data, validation = load_subsets(spec, inputs["data"], inputs.get("statistics"), seed, first)
    model.fit(
        data["stream"],
        steps_per_epoch=-(-data["n"] // settings["batch_size"]),
        initial_epoch=first,
        epochs=first if backup.is_over else settings["epochs"],
        **validation,
        callbacks=[epochs, *([stopping] if stopping else []), backup],
        shuffle=False,
        verbose=0,
    )
    about = {"n_train": data["n"], "provenance": provenance}
    about |= {f"train_{name}": value for name, value in backup.costs().items()}
    networks.save_model(model, outputs["model"])
    history = pd.DataFrame(epochs.rows)
    with files.whole_file(outputs["history"]) as temporary:
        history.to_csv(temporary, index=False)
    files.write_json(outputs["run"], about | _about(model, history, stopping is not None))


def _about(model: keras.Model, history: pd.DataFrame, best_is_kept: bool) -> dict[str, Any]:
    """What run.json says of a trained network, and of the epoch whose weights it has."""
    kept = history.iloc[int(history["val_accuracy"].idxmax()) if best_is_kept else -1]
    return {
        "epochs_run": len(history),
        "best_epoch": int(kept["epoch"]),
        "train_loss": float(kept["loss"]),
        "train_accuracy": float(kept["accuracy"]),
        "parameters": model.count_params(),
        "trainable_parameters": int(sum(np.prod(w.shape) for w in model.trainable_weights)),
    }


def compiled(model: keras.Model, settings: dict[str, Any]) -> keras.Model:
    """The network, ready to be trained with these settings."""
    model.compile(
        optimizer=sgd(settings),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def early_stopping(patience: int | None) -> keras.callbacks.EarlyStopping | None:
    """Stop when the validation accuracy no longer grows, and go back to the best weights."""
    if patience is None:
        return None
    return keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=patience, restore_best_weights=True
    )


def sgd(settings: dict[str, Any]) -> keras.optimizers.SGD:
    """SGD with Nesterov momentum and Keras 2's time decay: rate / (1 + decay * step)."""
    rate = keras.optimizers.schedules.InverseTimeDecay(
        settings["learning_rate"], decay_steps=1, decay_rate=settings["decay"]
    )
    return keras.optimizers.SGD(rate, momentum=settings["momentum"], nesterov=settings["nesterov"])


def load_subsets(
    spec: dict[str, Any], data_file: str, statistics_file: str | None, seed: int, epoch: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stream from an `epoch` on (with its number of images `n`), and the validation images.

    The latter are arguments of `fit`: a pass in the stored order, or, where the protocol has them
    augmented, an endless stream of which each epoch takes one pass.
    """
    batch = spec["training"]["batch_size"]
    generator, statistics = preprocessing(spec, statistics_file)
    arrays_read = (networks.array_of(spec["input"]), "labels")

    def augmented(images: np.ndarray, labels: np.ndarray, seed: int) -> tf.data.Dataset:
        arrays = generator.training_arrays(images, statistics)
        return training_stream(generator, statistics, arrays, labels, batch, seed, epoch)

    images, labels = store.read_subset(data_file, "train", arrays_read)
    held_out = store.read_subset(data_file, "validation", arrays_read)
    if spec.get("validation_images") == "augmented":
        validation = {
            # a seed that no training has, so that its draws are not those of the training images
            "validation_data": augmented(*held_out, seed + 2**32),
            "validation_steps": -(-len(held_out[1]) // batch),
        }
    else:
        validation = {"validation_data": test_stream(generator, statistics, *held_out, batch)}
    return {"stream": augmented(images, labels, seed), "n": len(labels)}, validation


def preprocessing(
    spec: dict[str, Any], statistics_file: str | None
) -> tuple[generators.Generator, generators.Statistics]:
    """A run's generator (on features: one that changes nothing) and its statistics."""
    block = spec["generator"]
    generator = generators.make(**block) if block else generators.Generator()
    return generator, store.read_statistics(statistics_file)


def training_stream(
    generator: generators.Generator,
    statistics: generators.Statistics,
    arrays: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    first_epoch: int = 0,
) -> tf.data.Dataset:
    """Endless batches of (images, labels), each epoch in an order of its own.

    Keras's own seeded shuffle repeats one order in every epoch. Here order and augmentation follow
    from (seed, epoch, step), so a stream can also begin at any epoch.
    """
    arrays, labels = tf.constant(arrays), tf.constant(labels)
    n = len(labels)

    def batches_of(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(n), seed=tf.stack([tf.constant(seed, tf.int64), epoch])
        )
        steps = tf.data.Dataset.from_tensor_slices(order).batch(batch_size).enumerate()
        return steps.map(lambda step, rows: (_draw(seed, epoch, step), rows))

    def load(key: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch = generator.training_batch(tf.gather(arrays, rows), key, statistics)
        return batch, tf.gather(labels, rows)

    epochs = tf.data.Dataset.counter(first_epoch, 1)
    stream = epochs.flat_map(batches_of).map(load, num_parallel_calls=1)
    return stream.prefetch(2).with_options(_options())


def test_stream(
    generator: generators.Generator,
    statistics: generators.Statistics,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
) -> tf.data.Dataset:
    """Batches of (images, labels) in their stored order, without augmentation."""
    arrays = generator.test_arrays(images, statistics)
    rows = tf.data.Dataset.from_tensor_slices((arrays, labels)).batch(batch_size)
    stream = rows.map(lambda x, y: (generator.test_batch(x, statistics), y))
    return stream.prefetch(2).with_options(_options())


def _draw(seed: int, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """The two-number seed of one batch's augmentation."""
    return tf.stack([tf.constant(seed, tf.int64) * 1_000_003 + epoch, step * 16])


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    # the job's own threads do this work: no second pool beside them
    options.threading.private_threadpool_size = 1
    return options


class EpochLog(keras.callbacks.Callback):
    """Logs one line an epoch while training runs, and keeps the history's rows."""

    def __init__(self):
        super().__init__()
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, epoch, logs=None):
        """Keep and log the epoch's figures; epochs count from 1."""
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        row = {"epoch": epoch + 1} | {name: float(logs[name]) for name in names}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        self.rows.append(row)
        figures = "  ".join(f"{name} {row[name]:.4f}" for name in names)
        log.info("epoch %d/%d  %s", epoch + 1, self.params["epochs"], figures)
