"""What is read from the disk gives the bits of what is held, and takes no memory for it."""

import subprocess
import sys
import time
from pathlib import Path

import factory
import keras
import numpy as np
import pytest
import tensorflow as tf

from convstudy import generators
from convstudy.data import hdf5, stored_rows
from convstudy.foundation.errors import UserError
from convstudy.networks import initial_weights
from convstudy.training import checkpoints, evaluation, input_pipeline, loop

HELD, ON_DISK = 1000, 0


@pytest.fixture(scope="module", autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()
    yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images, and features, with the statistics and initial weights for them."""
    found = tmp_path_factory.mktemp("memory")
    factory.write_images(found / "images.h5", (20, 20, 3), n=40)
    factory.write_vectors(found / "vectors.h5", length=40)
    (images,) = hdf5.read_subset(found / "images.h5", "train", ("images",))
    for kind in ("normalize", "whiten"):
        hdf5.write_statistics(found / f"{kind}.h5", generators.make(kind, {}).fit(images))
    for name, kind in (("images", "base_net"), ("vectors", "feature_head")):
        takes = "features" if name == "vectors" else "images"
        options = {"hidden": [8]} if name == "vectors" else {}
        spec = {"kind": kind, "options": options, "input": takes, "backbone": None}
        keras.utils.set_random_seed(0)
        initial_weights.initialize(spec, found / f"{name}.h5", None, found / f"{name}.keras")
    return found


def spec_of(kind, **switches):
    """The settings of a run with this generator; of a head on features where it is None."""
    network = {"kind": "base_net", "input": "images", "generator": {"kind": kind, "options": {}}}
    if kind is None:
        network = {"kind": "feature_head", "input": "features", "generator": None}
    return network | {"training": factory.SETTINGS | {"epochs": 2}} | switches


def inputs_of(folder, spec, data=None):
    name = "vectors" if spec["input"] == "features" else "images"
    inputs = {"data": data or folder / f"{name}.h5", "initial_weights": folder / f"{name}.keras"}
    if spec["generator"] and spec["generator"]["kind"] != "none":
        inputs["statistics"] = folder / f"{spec['generator']['kind']}.h5"
    return inputs


def train(folder, made, spec, data_mb, data=None):
    """Train and evaluate into the folder `made`; the paths of what that left."""
    made.mkdir(exist_ok=True)
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(0)
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(made / f"{key}.{end}") for key, end in endings.items()}
    inputs = inputs_of(folder, spec, data)
    loop.train(spec, 0, inputs, outputs, {}, made / "backups", "key", data_mb)
    judged = {"metrics": made / "metrics.json", "predictions": made / "predictions.h5"}
    evaluation.evaluate(spec, {}, inputs | outputs, judged, data_mb)
    return {key: Path(outputs[key]) for key in ("model", "history")} | {
        "predictions": judged["predictions"]
    }


def contents(paths):
    return {key: path.read_bytes() for key, path in paths.items()}


RUNS = {
    "none": ("none", {}),
    "augmented": ("normalize", {}),
    "augmented validation": ("normalize", {"validation_images": "augmented"}),
    "whitened": ("whiten", {}),
    "features": (None, {}),
}


@pytest.mark.parametrize("kind, switches", RUNS.values(), ids=RUNS)
def test_memory_and_disk_give_the_same_bits(folder, tmp_path, kind, switches):
    spec = spec_of(kind, **switches)
    held = contents(train(folder, tmp_path / "held", spec, HELD))
    assert contents(train(folder, tmp_path / "disk", spec, ON_DISK)) == held


def test_a_killed_training_goes_on_from_the_disk_to_the_same_bits(folder, tmp_path, monkeypatch):
    spec = spec_of("normalize")
    whole = contents(train(folder, tmp_path / "whole", spec, HELD))

    class Killed(checkpoints.EpochBackup):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == 0:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(checkpoints, "EpochBackup", Killed)
        train(folder, tmp_path / "killed", spec, ON_DISK)
    assert contents(train(folder, tmp_path / "killed", spec, ON_DISK)) == whole


@pytest.mark.parametrize("kind", ["normalize", "whiten"])
def test_statistics_are_those_of_the_images_in_memory(folder, kind):
    rows = stored_rows.of_subsets(folder / "images.h5", ["train", "validation"], "images")
    generator = generators.make(kind, {})
    held, on_disk = generator.fit(rows[:]), generator.fit(rows)
    assert all(np.array_equal(held[name], on_disk[name]) for name in held | on_disk)


@pytest.mark.parametrize("subset", ["train", "validation"])
def test_damage_that_is_met_while_training_is_one_sentence(folder, tmp_path, subset):
    (pixels,) = hdf5.read_subset(folder / "images.h5", subset, ("images",))
    content = bytearray((folder / "images.h5").read_bytes())
    content[content.find(pixels[21].tobytes()[:64]) + 700] ^= 0xFF
    (tmp_path / "bad.h5").write_bytes(content)
    with pytest.raises(UserError, match="bad.h5: cannot be read .*cut or corrupted"):
        train(folder, tmp_path / "made", spec_of("none"), ON_DISK, tmp_path / "bad.h5")
    made = train(folder, tmp_path / "made", spec_of("none"), ON_DISK)
    inputs = inputs_of(folder, spec_of("none"), tmp_path / "bad.h5")
    inputs |= {"model": made["model"]}
    inputs |= {"run": tmp_path / "made/run.json"}
    outputs = {"metrics": tmp_path / "m.json", "predictions": tmp_path / "p.h5"}
    with pytest.raises(UserError, match="bad.h5: cannot be read"):
        evaluation.evaluate(spec_of("none"), {}, inputs, outputs, ON_DISK)


def test_a_file_that_is_emptied_while_it_is_read_is_one_sentence(folder, tmp_path):
    data = tmp_path / "data.h5"
    data.write_bytes((folder / "images.h5").read_bytes())
    rows, labels = stored_rows.of_subset(data, "train", "images")
    stream = input_pipeline.test_stream(generators.make("none", {}), {}, rows, labels, 4)
    data.write_bytes(b"")
    with pytest.raises(UserError, match="data.h5: cannot be read"):
        with input_pipeline.naming_damage():
            list(stream)


def test_other_errors_stay_what_they_are():
    with pytest.raises(tf.errors.InvalidArgumentError), input_pipeline.naming_damage():
        tf.reshape(tf.zeros(3), (2, 2))


class Slow:
    """Rows that note what they are asked for."""

    def __init__(self, rows):
        self.rows, self.asked = rows, 0
        self.shape, self.dtype = rows.shape, rows.dtype

    def __getitem__(self, numbers):
        self.asked += 1
        return self.rows[numbers]


def test_batches_are_read_ahead_of_the_step():
    """Also where operations are deterministic, for which TensorFlow drops what it must."""
    slow, labels = Slow(np.zeros((80, 4, 4, 3), np.uint8)), np.zeros(80, np.int32)
    generator = generators.make("normalize", {})
    statistics = {"mean": np.zeros(3), "std": np.ones(3)}
    epochs = tf.data.Dataset.counter(0, 1)
    batches = iter(
        input_pipeline.training_stream(generator, statistics, slow, labels, 8, 0, epochs)
    )
    next(batches)
    until = time.monotonic() + 10
    while slow.asked < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert slow.asked >= 3


BOUNDED = """
import sys
sys.path.insert(0, sys.argv[1])
import keras
from convstudy.training import device, input_pipeline
device.set_up_tensorflow(1, 0)
model = keras.Sequential([keras.layers.Input((64, 64, 3)), keras.layers.AveragePooling2D(64),
                          keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
spec = {"input": "images", "generator": {"kind": "none", "options": {}},
        "training": {"batch_size": 32}}
model.fit(keras.ops.zeros((32, 64, 64, 3)), keras.ops.zeros(32), verbose=0)
before = device.peak_memory_mib()
data, held_out, _ = input_pipeline.load_subsets(spec, sys.argv[2], None, 0, 0, float(sys.argv[3]))
model.fit(data["stream"], steps_per_epoch=data["n"] // 32, **held_out, verbose=0)
print(device.peak_memory_mib() - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """246 MB of images."""
    path = tmp_path_factory.mktemp("large") / "data.h5"
    with hdf5.create_hdf5(path, {"class_names": ["a", "b"]}) as file:
        for subset, n in (("train", 19_000), ("validation", 1_000)):
            group = hdf5.create_group(file, subset)
            images = hdf5.create_array(group, "images", (n, 64, 64, 3), np.uint8)
            for start in range(0, n, 1000):
                images[start : start + 1000] = np.full((1000, 64, 64, 3), start % 251, np.uint8)
            hdf5.write_array(group, "labels", np.arange(n, dtype=np.int32) % 2)
    return path


@pytest.mark.parametrize("data_mb, most", [(20, 100), (1000, 246 / 1.048576 + 100)])
def test_a_training_holds_what_it_may_and_that_once(large, data_mb, most):
    """All images are read, in a process of its own."""
    scripts = str(Path(loop.__file__).parents[2])
    command = [sys.executable, "-c", BOUNDED, scripts, str(large), str(data_mb)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) < most
