"""Training: rate, order of the images, repeatability, and the test subset left alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import factory
import h5py
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from convstudy import generators
from convstudy.data import hdf5
from convstudy.foundation import atomic_files, digests, plugin_files
from convstudy.foundation.errors import UserError
from convstudy.networks import initial_weights, keras_file
from convstudy.training import device, evaluation, input_pipeline, loop, optimization

SPEC = {
    "kind": "base_net",
    "input": "images",
    "generator": {"kind": "normalize", "options": {}},
    "training": factory.SETTINGS,
}


@pytest.fixture(scope="module", autouse=True)
def deterministic():
    tf.config.experimental.enable_op_determinism()
    yield


@pytest.fixture(scope="module")
def trained_on(tmp_path_factory):
    """A small data set whose classes differ in brightness, its statistics, initial weights."""
    folder = tmp_path_factory.mktemp("training")
    rng = np.random.default_rng(0)
    with hdf5.create_hdf5(folder / "data.h5", {"class_names": ["dark", "bright"]}) as file:
        for subset, n in (("train", 50), ("validation", 20), ("test", 20)):
            labels = np.arange(n, dtype=np.int32) % 2
            images = rng.integers(0, 150, (n, 16, 16, 3)) + 60 * labels[:, None, None, None]
            group = file.create_group(subset)
            hdf5.write_array(group, "images", images.astype(np.uint8))
            hdf5.write_array(group, "labels", labels)
    (images,) = hdf5.read_subset(folder / "data.h5", "train", ("images",))
    statistics = generators.make("normalize", {}).fit(images)
    hdf5.write_statistics(folder / "normalize.h5", statistics)
    start(folder / "data.h5", folder / "start.keras", 0)
    return folder


def fresh_process(seed):
    """What a new job starts with: Keras numbers the names of layers within a process."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(seed)


def start(data, output, seed):
    fresh_process(seed)
    spec = {"kind": "base_net", "options": {}, "input": "images", "backbone": None}
    initial_weights.initialize(spec, data, None, output)


def run(trained_on, name, data="data.h5", seed=0):
    fresh_process(seed)
    (trained_on / name).mkdir()
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(trained_on / name / f"{key}.{end}") for key, end in endings.items()}
    statistics = trained_on / "normalize.h5"
    inputs = {"data": trained_on / data, "initial_weights": trained_on / "start.keras"}
    inputs |= {"statistics": statistics}
    loop.train(SPEC, seed, inputs, outputs, {}, trained_on / f"{name}-backups", "key")
    return outputs


@pytest.fixture(scope="module")
def trained(trained_on):
    return run(trained_on, "first")


def content(path):
    with open(path, "rb") as stream:
        return stream.read()


@pytest.mark.parametrize("step", [0, 1, 1000, 10**6])
def test_the_rate_decays_as_in_keras_2(step):
    schedule = optimization.learning_rate(factory.SETTINGS, 100)
    assert float(schedule(step)) == pytest.approx(0.01 / (1 + 1e-6 * step), rel=1e-6)


def epochs_from(first):
    return tf.data.Dataset.counter(first, 1)


def orders(first_epoch, epochs, seed=0):
    """The order of 37 images in each of some epochs."""
    numbers = np.arange(37, dtype=np.int32)
    stream = input_pipeline.training_stream(
        generators.Generator(), {}, numbers[:, None], numbers, 8, seed, epochs_from(first_epoch)
    )
    labels = [y.numpy() for _, y in stream.take(5 * epochs)]
    return np.concatenate(labels).reshape(epochs, 37).tolist()


def test_each_epoch_has_all_images_in_an_order_of_its_own():
    epochs = orders(0, 3)
    assert all(sorted(order) == list(range(37)) for order in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert orders(0, 3) == epochs
    assert orders(0, 3, seed=1) != epochs
    assert orders(2, 1)[0] == epochs[2]


def test_the_same_seed_gives_the_same_bytes(trained_on, trained):
    again = run(trained_on, "again")
    assert content(trained["model"]) == content(again["model"])
    assert content(trained["history"]) == content(again["history"])


def test_initial_weights_depend_on_the_seed_alone(trained_on):
    start(trained_on / "data.h5", trained_on / "again.keras", 0)
    start(trained_on / "data.h5", trained_on / "other.keras", 1)
    assert content(trained_on / "start.keras") == content(trained_on / "again.keras")
    assert content(trained_on / "start.keras") != content(trained_on / "other.keras")


def test_training_does_not_open_the_test_images(trained_on, trained):
    (trained_on / "without_test.h5").write_bytes(content(trained_on / "data.h5"))
    with h5py.File(trained_on / "without_test.h5", "a") as file:
        del file["test"]
    blind = run(trained_on, "blind", data="without_test.h5")
    assert content(blind["model"]) == content(trained["model"])


def test_the_saved_network_is_that_of_the_best_epoch(trained_on, trained):
    outputs = {"metrics": trained_on / "metrics.json", "predictions": trained_on / "predictions.h5"}
    identity = {"variant": "v", "seed": 0}
    given = {"data": trained_on / "data.h5", "statistics": trained_on / "normalize.h5"}
    evaluation.evaluate(SPEC, identity, given | trained, outputs)
    metrics, history = atomic_files.read_json(outputs["metrics"]), pd.read_csv(trained["history"])
    best = history["val_accuracy"].max()
    assert metrics["validation_accuracy"] == pytest.approx(best, abs=1e-6)
    assert metrics["best_epoch"] == history["val_accuracy"].idxmax() + 1
    assert metrics["n_test"] == 20
    # of the kept network, on images that are not augmented: not what training itself recorded
    plain, labels = hdf5.read_subset(outputs["predictions"], "train", ("predicted", "labels"))
    assert metrics["train_accuracy"] == np.mean(plain == labels)
    run_file = atomic_files.read_json(trained["run"])
    assert metrics["train_running_accuracy"] == run_file["train_accuracy"]
    assert metrics["train_running_loss"] != pytest.approx(metrics["train_loss"], rel=1e-3)
    assert metrics["flops_per_image"] > 0 and metrics["milliseconds_per_image"] > 0
    assert metrics["backbone_parameters"] == 0 and metrics["extraction_seconds"] is None


def test_garbage_for_test_images_changes_nothing(trained_on, trained):
    (trained_on / "garbage.h5").write_bytes(content(trained_on / "data.h5"))
    with h5py.File(trained_on / "garbage.h5", "a") as file:
        del file["test"]
        file["test/images"] = np.full((3, 2), np.nan)
        file["test/labels"] = np.array([-1, 999, 0])
    garbage = run(trained_on, "garbage", data="garbage.h5")
    assert content(garbage["model"]) == content(trained["model"])
    assert content(garbage["history"]) == content(trained["history"])


def test_an_augmented_stream_can_begin_at_any_epoch(trained_on):
    generator = generators.make("normalize", {})
    statistics = hdf5.read_statistics(trained_on / "normalize.h5")
    images, labels = hdf5.read_subset(trained_on / "data.h5", "train")

    def batches(first_epoch, seed=0):
        stream = input_pipeline.training_stream(
            generator, statistics, images, labels, 16, seed, epochs_from(first_epoch)
        )
        return [x.numpy() for x, _ in stream.take(4 * (4 - first_epoch))]

    whole, late = batches(0), batches(2)
    assert [len(x) for x in whole[:4]] == [16, 16, 16, 2]
    assert all(map(np.array_equal, whole[8:], late))
    assert not np.array_equal(whole[0], batches(0, seed=1)[0])


def test_labels_stay_with_their_images(trained_on):
    images, labels = hdf5.read_subset(trained_on / "data.h5", "train")
    none = generators.make("none", {})
    stream = input_pipeline.training_stream(none, {}, images, labels, 16, 0, epochs_from(0))
    for batch, found in stream.take(4):
        for image, label in zip(batch.numpy(), found.numpy(), strict=True):
            row = np.abs(images / np.float32(255) - image).reshape(50, -1).sum(axis=1).argmin()
            assert labels[row] == label


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """Vectors with random labels, and a head with its initial weights."""
    folder = tmp_path_factory.mktemp("vectors")
    factory.write_vectors(folder / "data.h5", classes=3)
    spec = {"kind": "feature_head", "options": {"hidden": [16]}, "input": "features"}
    fresh_process(0)
    initial_weights.initialize(
        spec | {"backbone": None}, folder / "data.h5", None, folder / "start.keras"
    )
    return folder


def train_head(folder, **changes):
    """The trained head, its history, its run file and the optimizer's number of steps."""
    spec = {"kind": "feature_head", "input": "features", "generator": None}
    spec["training"] = factory.SETTINGS | {"batch_size": 6, "learning_rate": 0.1} | changes
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(folder / f"{key}.{end}") for key, end in endings.items()}
    fresh_process(0)
    inputs = {"data": folder / "data.h5", "initial_weights": folder / "start.keras"}
    loop.train(spec, 0, inputs, outputs, {}, folder / "backups", digests.canonical(changes))
    (*_, last) = sorted((folder / "backups").glob("epoch*.npz"))
    with np.load(last) as state:
        steps = int(state["optimizer0"])
    shutil.rmtree(folder / "backups")
    model = keras_file.load_model(outputs["model"])
    return model, pd.read_csv(outputs["history"]), atomic_files.read_json(outputs["run"]), steps


@pytest.mark.parametrize("patience", [None, 2])
def test_a_training_that_diverges_says_so(vectors, patience):
    with pytest.raises(UserError, match="diverged: the loss of epoch .*learning_rate"):
        train_head(vectors, epochs=3, patience=patience, learning_rate=1e30)
    shutil.rmtree(vectors / "backups")


def test_the_user_s_own_settings_of_keras_decide_nothing(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}'
    )
    program = """
import sys; sys.path.insert(0, sys.argv[1])
import keras; print(keras.config.floatx())
from convstudy.training import device; device.set_up_tensorflow(1, 0)
print(keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format())
"""
    scripts = str(Path(loop.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, scripts],
        env=os.environ | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["float16", "float32", "1e-07", "channels_last"]


def test_an_edited_source_tree_is_not_called_its_commit(tmp_path):
    package = tmp_path / "project/scripts/convstudy/training"
    package.mkdir(parents=True)
    shutil.copy(device.__file__, package)

    def commit():
        folders = [str(package), str(plugin_files.SCRIPTS)]
        program = f"import sys; sys.path[:0] = {folders}; import device"
        command = [sys.executable, "-c", f"{program}; print(device.git_commit())"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def git(where, *arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(where), *who, *arguments], check=True, capture_output=True)

    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "something else's")
    assert commit() == "None"
    git(tmp_path / "project", "init")
    git(tmp_path / "project", "add", "scripts/convstudy/training/device.py")
    git(tmp_path / "project", "commit", "-m", "ours")
    assert len(commit()) == 40
    with open(package / "device.py", "a") as stream:
        stream.write("# edited")
    assert commit().endswith("-dirty")


def test_early_stopping_gives_back_the_weights_of_the_best_epoch(vectors):
    model, history, run_file, _ = train_head(vectors, epochs=40, patience=2)
    best = int(history["val_accuracy"].idxmax()) + 1
    assert len(history) == run_file["epochs_run"] == best + 2 < 40
    assert run_file["best_epoch"] == best
    x, y = hdf5.read_subset(vectors / "data.h5", "validation", ("vectors", "labels"))
    accuracy = (np.asarray(model(x)).argmax(axis=1) == y).mean()
    assert accuracy == pytest.approx(history["val_accuracy"].max(), abs=1e-6)
    assert history["val_accuracy"].iloc[-1] < accuracy
    short, _, _, _ = train_head(vectors, epochs=best, patience=None)
    assert all(map(np.array_equal, model.get_weights(), short.get_weights()))


def test_without_patience_all_epochs_are_trained_and_the_last_is_kept(vectors):
    _, history, run_file, _ = train_head(vectors, epochs=5, patience=None)
    assert len(history) == run_file["epochs_run"] == run_file["best_epoch"] == 5
    assert run_file["train_loss"] == pytest.approx(history["loss"].iloc[-1])


@pytest.mark.parametrize("batch_size", [5, 6, 9, 48])
def test_an_epoch_is_every_image_once(vectors, batch_size):
    _, _, _, steps = train_head(vectors, epochs=3, patience=None, batch_size=batch_size)
    assert steps == 3 * -(-48 // batch_size)


def test_the_history_has_the_rate_of_each_epoch_s_end(vectors):
    schedule = {"kind": "time_decay", "rate": 0.01, "warmup": 0}
    _, history, _, _ = train_head(vectors, epochs=3, patience=None, schedule=schedule)
    expected = 0.1 / (1 + 0.01 * 8 * history["epoch"])
    np.testing.assert_allclose(history["learning_rate"], expected, rtol=1e-5)
    names = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate"
    assert list(history) == names.split(",")
