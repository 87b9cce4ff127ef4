"""Training by gradient steps, the best epoch chosen by one of its figures."""

import logging
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from convstudy import models
from convstudy.data import hdf5, stored_rows
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.networks import folding, keras_file, precision
from convstudy.training import (
    augmented,
    checkpoints,
    class_weights,
    hidden_state,
    input_pipeline,
    optimization,
    parts,
    solving,
    step_loop,
)

log = logging.getLogger(__name__)


@input_pipeline.naming_damage()
def train(
    spec: dict[str, Any],
    seed: int,
    inputs: dict[str, str],
    outputs: dict[str, str],
    provenance: dict[str, Any],
    backup_folder: Path,
    key: str,
    data_mb: float = math.inf,
) -> None:
    """Train one variant with one seed, from the last epoch that an earlier process finished.

    Args:
        spec: `training` (epochs, patience, monitor, min_delta, batch_size, learning_rate, and the
            blocks optimizer, schedule, loss; where it is set, class_weights, which the validation
            loss has not), `generator` (kind, options and, where it is set, augmentation; None on
            features), `kind` of the model, `input`; where the protocol has it,
            `validation_images: augmented`, `backbone_batch_norm: training`. Of a head on cached
            features, `training` has `trains: head`, and `input` is `features`.
            Of a model that is solved and not trained, `solver`: see `solving.train`.
        seed: decides the order of the images, augmentation and dropout.
        inputs: paths of `data` (images or features, of which only the training and validation
            subsets are opened), `initial_weights` (.keras), if the generator has any,
            `statistics`; of a stage that is not the first, `run` and `history` of the one before.
        outputs: paths of `model` (.keras), `history` (.csv) and `run` (.json).
        provenance: digests taken before the run; written as they are.
        backup_folder: where a backup is written after each epoch.
        key: digest of all that this training depends on; backups of another one are not used.
        data_mb: how many MB of images or features are held in memory at most. No bit depends on it.

    Raises:
        UserError: the network that would be kept has no finite loss, the class weights are not
            those of the data set's classes, a layer has a state that no backup can keep, or the
            data are damaged.
    """
    if "solver" in spec:
        return solving.train(spec, inputs, outputs, provenance, data_mb)
    settings = spec["training"]
    network = keras_file.load_model(inputs["initial_weights"], spec["kind"])
    precision.compute_in(network, settings.get("precision", precision.FULL))
    if spec.get("backbone_batch_norm") == "training":
        for layer in models.batch_norms(network):
            layer.trainable = True
    _, labels = stored_rows.of_subset(inputs["data"], "train", hdf5.array_of(spec["input"]))
    steps = -(-len(labels) // settings["batch_size"])
    mixed = augmented.mixes_labels(spec["generator"])
    model = parts.prepare(network, settings)
    log.info("%d frozen batch norms folded into convolutions", folding.fold(model))
    model = compiled(model, settings, steps, mixed)
    epochs, stopping = EpochLog(), early_stopping(settings)
    hidden = hidden_state.variables(model, mixed)
    backup = checkpoints.EpochBackup(backup_folder, key, epochs.rows, stopping, hidden)
    first = backup.restore(model)
    data, validation, callbacks = input_pipeline.load_subsets(
        spec, inputs["data"], inputs.get("statistics"), seed, first, data_mb
    )
    weights = class_weights.of_training(
        settings.get("class_weights"),
        data["labels"],
        hdf5.read_attributes(inputs["data"])["class_names"],
    )
    step_loop.put_into(model, steps, validation["validation_steps"])
    model.fit(
        data["stream"],
        class_weight=weights,
        steps_per_epoch=steps,
        initial_epoch=first,
        epochs=first if backup.is_over else settings["epochs"],
        **validation,
        callbacks=[*callbacks, *_judging(model, [epochs, stopping]), backup],
        shuffle=False,
        verbose=0,
    )
    history = pd.DataFrame(epochs.rows)
    about = _about(network, history, stopping.best_epoch if stopping else -1)
    about |= {"n_train": data["n"], "provenance": provenance}
    if weights:
        about["class_weights"] = list(weights.values())
    about |= {f"train_{name}": value for name, value in backup.costs().items()}
    if "run" in inputs:
        about, history = _continued(inputs, about, history)
    # without the optimizer's state, and what another program would need to read our schedules
    kept = keras_file.load_model(inputs["initial_weights"], spec["kind"])
    kept.set_weights(network.get_weights())
    keras_file.save_model(kept, outputs["model"])
    with atomic_files.whole_file(outputs["history"]) as temporary:
        history.to_csv(temporary, index=False)
    atomic_files.write_json(outputs["run"], about)


def _judging(
    model: keras.Model, callbacks: Iterable[keras.callbacks.Callback | None]
) -> list[keras.callbacks.Callback]:
    """Callbacks that judge an epoch, by the averaged weights where the optimizer has such."""
    found = [callback for callback in callbacks if callback]
    if not optimization.unscaled(model.optimizer).use_ema:
        return found
    average = optimization.AveragedWeights()
    return [average, *found, average.back]


def _about(model: keras.Model, history: pd.DataFrame, row: int) -> dict[str, Any]:
    """What run.json says of a trained network, and of the row of the epoch whose weights it has."""
    kept = history.iloc[row]
    if not np.isfinite(kept["loss"]):
        raise UserError(
            f"the training diverged: the loss of epoch {int(kept['epoch'])}, whose network would "
            f"be kept, is {kept['loss']}. Set a lower training.learning_rate for this variant; in "
            f"a sweep, leave out the value that is too high."
        )
    return {
        "epochs_run": len(history),
        "best_epoch": int(kept["epoch"]),
        "train_loss": float(kept["loss"]),
        "train_accuracy": float(kept["accuracy"]),
        "parameters": model.count_params(),
        "trainable_parameters": int(sum(np.prod(w.shape) for w in model.trainable_weights)),
    }


def _continued(
    inputs: dict[str, str], about: dict[str, Any], history: pd.DataFrame
) -> tuple[dict[str, Any], pd.DataFrame]:
    """What run.json and the history say of a stage and those before it together."""
    before, earlier = atomic_files.read_json(inputs["run"]), pd.read_csv(inputs["history"])
    done = before["epochs_run"]
    about = about | {
        "epochs_run": done + about["epochs_run"],
        "best_epoch": done + about["best_epoch"],
        "train_seconds": before["train_seconds"] + about["train_seconds"],
        "train_peak_memory_mib": max(
            before["train_peak_memory_mib"], about["train_peak_memory_mib"]
        ),
    }
    stage = 1 if "stage" not in earlier else int(earlier["stage"].max())
    later = history.assign(epoch=history["epoch"] + done, stage=stage + 1)
    return about, pd.concat([earlier.assign(stage=earlier.get("stage", 1)), later])


def compiled(
    model: keras.Model, settings: dict[str, Any], steps: int, mixed_labels: bool = False
) -> keras.Model:
    """The network, ready to be trained with these settings and so many steps in an epoch.

    Where labels are mixed, they are rows (classes,) in place of numbers.
    """
    model.compile(
        optimizer=optimization.optimizer(model, settings, steps),
        loss=optimization.loss(settings["loss"], mixed_labels),
        metrics=["accuracy"],
        auto_scale_loss=False,  # the optimizer does, where the settings ask for it
        jit_compile=False,
    )
    return model


def early_stopping(settings: dict[str, Any]) -> keras.callbacks.EarlyStopping | None:
    """Stop when the monitored figure no longer gets better, and go back to the best weights."""
    if settings["patience"] is None:
        return None
    return keras.callbacks.EarlyStopping(
        settings["monitor"],
        mode="max" if settings["monitor"].endswith("accuracy") else "min",
        min_delta=settings["min_delta"],
        patience=settings["patience"],
        restore_best_weights=True,
    )


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
