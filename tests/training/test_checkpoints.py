"""A training that is killed goes on from its last finished epoch and ends the same to the bit."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import factory
import keras
import numpy as np
import pytest
import tensorflow as tf

from convstudy import generators, models
from convstudy.data import hdf5
from convstudy.foundation import atomic_files, plugin_files
from convstudy.networks import initial_weights, keras_file
from convstudy.study import training_settings
from convstudy.training import loop, step_loop

EPOCHS = 7
AVERAGED = {"kind": "AdamW", "ema_momentum": 0.9, "global_clipnorm": 1.0}
AVERAGED["gradient_accumulation_steps"] = 2
ONE_CYCLE = {"kind": "one_cycle", "warmup": 0.5}
CASES = {
    "all epochs": {"patience": None},
    "early stopping": {"patience": 2},
    "stops at once": {"patience": 1, "learning_rate": 1.0},
    "averaged": {  # of which the optimizer keeps a moving average, judged by another figure
        "patience": 3,
        "monitor": "val_loss",
        "min_delta": 0.001,
        "optimizer": training_settings.filled("optimizer", AVERAGED, ""),
        "schedule": training_settings.filled("schedule", ONE_CYCLE, ""),
        "loss": training_settings.filled("loss", {"kind": "focal", "label_smoothing": 0.1}, ""),
    },
    "augmented": {"patience": 2},  # images, and those of the validation are augmented too
    "steps": {"patience": 2},  # images by a list of all steps, whose labels are mixed
    "own layer": {"patience": None},  # whose states no list of Keras's has
}


class Killed(BaseException):
    """Stands for the end of a process."""


@keras.saving.register_keras_serializable("tests")
class Noise(keras.layers.Layer):
    """Draws from Keras's global generator, more with each step, which it counts by itself."""

    def build(self, shape):
        self.steps = tf.Variable(0.0, trainable=False)

    def call(self, x):
        self.steps.assign_add(1.0)
        return x + 0.01 * self.steps * keras.random.normal(keras.ops.shape(x))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Vectors, and a head with dropout and batch normalization, whose states must come back too."""
    folder = tmp_path_factory.mktemp("backups")
    factory.write_vectors(folder / "data.h5", classes=3)
    keras.utils.set_random_seed(0)
    head = keras.Sequential(
        [
            keras.layers.Input(factory_width(folder)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    keras_file.save_model(head, folder / "start.keras")
    own = keras.Sequential(
        [
            keras.layers.Input(factory_width(folder)),
            Noise(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    keras_file.save_model(own, folder / "own.keras")
    factory.write_images(folder / "images.h5", (16, 16, 3), n=24)
    (images,) = hdf5.read_subset(folder / "images.h5", "train", ("images",))
    hdf5.write_statistics(folder / "normalize.h5", generators.make("normalize", {}).fit(images))
    keras_file.save_model(models.build("base_net", (16, 16, 3), 2, {}), folder / "base_net.keras")
    return folder


def factory_width(folder) -> tuple[int]:
    return hdf5.read_subset(folder / "data.h5", "train", ("vectors",))[0].shape[1:]


def train(folder: Path, name: str, case: str, key: str = "key") -> dict[str, bytes]:
    """Train as a new process would, with the backups of `name`; the bytes of what it left."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    data, start = "data.h5", "start.keras"
    spec = {"kind": "feature_head", "input": "features", "generator": None}
    if case == "own layer":
        start = "own.keras"
    if case in ("augmented", "steps"):
        data, start = "images.h5", "base_net.keras"
        spec = {"kind": "base_net", "input": "images", "validation_images": "augmented"}
        spec["generator"] = {"kind": "normalize", "options": {}}
    if case == "steps":
        kinds = plugin_files.names("augmentation")
        spec["generator"]["augmentation"] = [{"kind": kind, "options": {}} for kind in kinds]
        del spec["validation_images"]
    spec["training"] = factory.SETTINGS | {"batch_size": 6, "epochs": EPOCHS} | CASES[case]
    (folder / name).mkdir(exist_ok=True)
    outputs = {"model": "model.keras", "history": "history.csv", "run": "run.json"}
    outputs = {key: str(folder / name / file) for key, file in outputs.items()}
    inputs = {"data": str(folder / data), "initial_weights": str(folder / start)}
    inputs["statistics"] = str(folder / "normalize.h5") if spec["generator"] else None
    loop.train(spec, 0, inputs, outputs, {}, folder / name / "backups", key)
    return {name: Path(outputs[name]).read_bytes() for name in ("model", "history")}


@pytest.fixture(scope="module", params=list(CASES))
def whole(request, folder):
    """A training that nothing disturbed."""
    return request.param, train(folder, f"whole {request.param}", request.param)


def kill_at(monkeypatch, moment: int) -> None:
    """End the process, so to speak, at its `moment`-th batch, backup or file."""
    left = [moment]

    def tick(*_):
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    def ticking(step, make=step_loop._several):
        several = make(step)
        return lambda *a: (tick(), several(*a))[1]

    monkeypatch.setattr(step_loop, "_several", ticking)
    monkeypatch.setattr(step_loop, "LONGEST", 0)  # so each call takes one step
    for module in (initial_weights, atomic_files):
        name = "save_model" if module is initial_weights else "write_json"
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, real=real: (tick(), real(*a)))


def test_killed_at_any_moment_it_ends_the_same(folder, whole, monkeypatch):
    case, expected = whole
    chance = random.Random(case)
    for attempt in range(3):
        name = f"{case} {attempt}"
        for _ in range(chance.randint(1, 3)):
            with monkeypatch.context() as patched:
                kill_at(patched, chance.randint(0, 60))
                try:
                    train(folder, name, case)
                except Killed:
                    continue
        assert train(folder, name, case) == expected


def newest(folder: Path, name: str) -> Path:
    return max((folder / name / "backups").glob("epoch*.npz"))


def test_a_damaged_backup_is_noticed_and_the_one_before_is_used(folder, whole, caplog):
    case, expected = whole
    name = f"damaged {case}"
    train(folder, name, case)
    before = sorted((folder / name / "backups").iterdir())
    assert len(before) == 2
    path = newest(folder, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    caplog.set_level("INFO")
    assert train(folder, name, case) == expected
    assert f"{path} is damaged" in caplog.text
    assert f"from {before[0].name}" in caplog.text


@pytest.mark.parametrize("whole", ["all epochs"], indirect=True)
def test_a_backup_of_another_training_is_not_used(folder, whole, caplog):
    case, expected = whole
    train(folder, "stale", case, key="an earlier state of the code")
    caplog.set_level("INFO")
    assert train(folder, "stale", case) == expected
    assert "belongs to an earlier state" in caplog.text
    assert "continuing after" not in caplog.text


PROCESS = """
    import sys
    sys.path[:0] = {paths!r}
    from pathlib import Path
    from convstudy.training import device
    device.set_up_tensorflow(1, 0)
    import test_checkpoints
    test_checkpoints.CASES["slow"] = {{"patience": None, "epochs": 120}}
    if len(sys.argv) > 3:
        test_checkpoints.die_in_backup(int(sys.argv[3]))
    test_checkpoints.train(Path(sys.argv[1]), sys.argv[2], "slow")
"""


def process(folder: Path, name: str, *arguments: str) -> subprocess.Popen:
    here = Path(__file__).parent
    paths = [here.parents[1] / "scripts", here.parent / "support", here]
    code = textwrap.dedent(PROCESS.format(paths=list(map(str, paths))))
    return subprocess.Popen([sys.executable, "-c", code, str(folder), name, *arguments])


def die_in_backup(number: int) -> None:
    """Kill this process when half of its backup of this number is written."""
    save, left = np.savez, [number]

    def savez(path, **arrays):
        save(path, **arrays)
        left[0] -= 1
        if left[0] == 0:
            os.truncate(path, os.path.getsize(path) // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    np.savez = savez


@pytest.fixture(scope="module")
def undisturbed(folder):
    """A training in a process of its own that nothing disturbed."""
    assert process(folder, "undisturbed").wait() == 0
    return folder / "undisturbed"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_process_killed_by_the_system_goes_on_in_the_next(folder, undisturbed, how):
    chance, kills = random.Random(how), 0
    while kills < 2:
        running = process(folder, "killed")
        seen = len(list((folder / "killed" / "backups").glob("epoch*")))
        while running.poll() is None and not started_anew(folder, seen):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        running.send_signal(how)
        kills += running.wait() == -how
        if running.returncode == 0:
            break
    assert kills > 0
    ends_as(folder, undisturbed)


def test_a_process_killed_within_a_backup_goes_on_in_the_next(folder, undisturbed):
    assert process(folder, "killed", "5").wait() == -signal.SIGKILL
    left = sorted(path.name[:11] for path in (folder / "killed" / "backups").iterdir())
    assert left == [".part.backu", "epoch000003", "epoch000004"]
    ends_as(folder, undisturbed)


def ends_as(folder: Path, undisturbed: Path) -> None:
    """Let the killed training go on, and compare what it leaves."""
    assert process(folder, "killed").wait() == 0
    for file in ("model.keras", "history.csv"):
        assert (undisturbed / file).read_bytes() == (folder / "killed" / file).read_bytes()
    shutil.rmtree(folder / "killed")


def started_anew(folder: Path, seen: int) -> bool:
    """Whether a process has written a backup of its own."""
    found = list((folder / "killed" / "backups").glob("epoch*"))
    fresh = seen and time.time() - newest(folder, "killed").stat().st_mtime < 0.2
    return len(found) > seen or fresh
