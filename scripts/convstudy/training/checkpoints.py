"""Backups of a training: what it needs to go on from its last finished epoch, bit for bit.

A backup holds the network's variables (weights, moving averages, states of dropout's random
numbers), the optimizer's (momenta and the step count that the learning rate follows), the state of
early stopping with the best weights so far, the history's rows, and what layers that are not
Keras's own remember beside (see `hidden_state`). The order of the images and their augmentation
follow from the epoch's number and need no state.

The last two epochs are kept. A backup's name ends with the digest of its bytes, so a damaged one is
known, and it says which training it belongs to, so a stale one is: neither is used.
"""

import json
import logging
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from convstudy.foundation import atomic_files, digests
from convstudy.training import device

log = logging.getLogger(__name__)
KEPT = 2
STOPPING = ("wait", "stopped_epoch", "best", "best_epoch")


class EpochBackup(keras.callbacks.Callback):
    """Writes a backup after each epoch; stands last among the callbacks, to see what they did.

    Args:
        folder: where the backups of this training lie.
        key: the digest of all that the training depends on.
        rows: the history's rows, which another callback fills.
        stopping: the early stopping, if there is any.
        hidden: what else the training changes, see `hidden_state`.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        rows: list[dict[str, float]],
        stopping: keras.callbacks.EarlyStopping | None,
        hidden: Sequence[Any] = (),
    ):
        super().__init__()
        self.hidden = hidden
        self.folder, self.key, self.rows, self.stopping = Path(folder), key, rows, stopping
        self.cost = {"seconds": 0.0, "peak_memory_mib": 0.0}
        self._stopping_state: dict[str, Any] = {}
        self._start = time.perf_counter()

    def restore(self, model: keras.Model) -> int:
        """Put a compiled network in the state of the newest good backup; how many epochs it has."""
        for path in sorted(self.folder.glob("epoch*.npz"), reverse=True):
            state = self._read(path)
            if state is not None:
                self._apply(model, *state)
                log.info("continuing after epoch %d, from %s", len(self.rows), path.name)
                break
            path.unlink()
        return len(self.rows)

    @property
    def is_over(self) -> bool:
        """Whether the training that was restored had stopped early already."""
        state = self._stopping_state
        return bool(state) and state["wait"] >= self.stopping.patience and len(self.rows) > 1

    def costs(self) -> dict[str, float]:
        """Seconds spent and the largest memory, over all processes that took part."""
        return {
            "seconds": self.cost["seconds"] + time.perf_counter() - self._start,
            "peak_memory_mib": max(self.cost["peak_memory_mib"], device.peak_memory_mib()),
        }

    def on_train_begin(self, logs=None):
        """Give early stopping the state that it has just reset."""
        self._start = time.perf_counter()
        for name, value in self._stopping_state.items():
            setattr(self.stopping, name, value)

    def on_epoch_end(self, epoch, logs=None):
        """Write the backup of this epoch, whole; then drop all but the last ones."""
        arrays = {f"model{i}": np.asarray(v) for i, v in enumerate(self.model.variables)}
        arrays |= {f"optimizer{i}": np.asarray(v) for i, v in enumerate(_of(self.model.optimizer))}
        arrays |= {f"hidden{i}": np.asarray(v) for i, v in enumerate(self.hidden)}
        about = {"key": self.key, "rows": self.rows, "cost": self.costs()}
        if self.stopping:
            best = self.stopping.best_weights or []
            arrays |= {f"best{i}": np.asarray(value) for i, value in enumerate(best)}
            about["stopping"] = {name: _number(getattr(self.stopping, name)) for name in STOPPING}
        self.folder.mkdir(parents=True, exist_ok=True)
        unnamed = self.folder / "backup.npz"
        with atomic_files.whole_file(unnamed) as temporary:
            np.savez(temporary, about=np.array(json.dumps(about)), **arrays)
        unnamed.rename(self.folder / f"epoch{epoch + 1:06d}-{digests.of_file(unnamed)}.npz")
        for path in sorted(self.folder.glob("epoch*.npz"))[:-KEPT]:
            path.unlink()

    def _read(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        if not path.stem.endswith(f"-{digests.of_file(path)}"):
            log.warning("%s is damaged and not used", path)
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            about = json.loads(str(arrays.pop("about")))
            key = about["key"]
        except Exception as error:  # of which kind, bytes that no backup wrote decide
            log.warning("%s is no backup and not used: %r", path, error)
            return None
        if key != self.key:
            log.info("%s belongs to an earlier state of this variant and is not used", path)
            return None
        return about, arrays

    def _apply(self, model: keras.Model, about: dict[str, Any], arrays: dict) -> None:
        for variable, value in zip(model.variables, _group(arrays, "model"), strict=True):
            variable.assign(value)
        for variable, value in zip(_of(model.optimizer), _group(arrays, "optimizer"), strict=True):
            variable.assign(value)
        for variable, value in zip(self.hidden, _group(arrays, "hidden"), strict=True):
            variable.assign(value)
        self.rows[:] = about["rows"]
        self.cost = about["cost"]
        if self.stopping:
            best = _group(arrays, "best")
            self._stopping_state = about["stopping"] | {"best_weights": best or None}


def _of(optimizer: keras.Optimizer) -> list:
    """An optimizer's variables but its rate, which follows from its step count."""
    return [x for x in optimizer.variables if x.name != "learning_rate"]


def _group(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """The arrays `prefix0, prefix1, ...` in the order of their numbers."""
    names = [name for name in arrays if re.fullmatch(rf"{prefix}\d+", name)]
    return [arrays[name] for name in sorted(names, key=lambda name: int(name[len(prefix) :]))]


def _number(value: Any) -> float | int | None:
    """A figure of early stopping as JSON has it."""
    return value if value is None or isinstance(value, int) else float(value)
