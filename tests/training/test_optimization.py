"""Optimizers, schedules and losses: against Keras's own signatures, and against NumPy."""

import inspect

import factory
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.networks import keras_file
from convstudy.study import training_blocks, training_settings
from convstudy.training import loop, optimization, step_loop

# Classes of keras.optimizers that are no optimizers by themselves.
OTHERS = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
# Arguments that the project gives itself, or under another name.
GIVEN = {"self", "learning_rate", "name", "kwargs", "use_ema", "ema_overwrite_frequency"}
GIVEN |= {"loss_scale_factor", "exclude_layers", "exclude_embeddings", "warmup_steps"}
MUON = {"muon_a", "muon_b", "muon_c"}  # coefficients of a polynomial
OPTIMIZERS = training_blocks.tables()["optimizer"]["kinds"]
RATE, STEPS, EPOCHS = 0.2, 10, 8


def block(name, given):
    return training_settings.filled(name, given, name)


def settings(**blocks):
    changed = {
        name: block(name, given) if name in training_blocks.BLOCKS else given
        for name, given in blocks.items()
    }
    return factory.SETTINGS | {"learning_rate": RATE, "epochs": EPOCHS} | changed


def network(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def test_every_optimizer_of_keras_is_there():
    every = vars(keras.optimizers).items()
    assert {name for name, x in every if inspect.isclass(x)} - OTHERS == set(OPTIMIZERS)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_options_and_defaults_are_those_of_keras(kind):
    theirs = inspect.signature(getattr(keras.optimizers, kind).__init__).parameters
    theirs = {name: x.default for name, x in theirs.items() if name not in GIVEN | MUON}
    ours = {
        name: about["default"]
        for name, about in training_blocks.options("optimizer", kind)["properties"].items()
    }
    assert ours.pop("weight_decay_on") == "kernels"
    theirs["ema_momentum"] = None  # which the project reads as `use_ema`
    if kind == "SGD":
        theirs |= {"momentum": 0.9, "nesterov": True}
    assert ours == theirs


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(kind):
    model, rng = network(), np.random.default_rng(0)
    labels = np.arange(32, dtype=np.int32) % 3
    vectors = (np.eye(6)[labels] + 0.1 * rng.normal(size=(32, 6))).astype(np.float32)
    rate = {"Adadelta": 3.0, "Ftrl": 0.5, "Lion": 0.003}.get(kind, 0.02)
    loop.compiled(model, settings(optimizer=kind, schedule="constant", learning_rate=rate), 2)
    done = model.fit(vectors, labels, batch_size=16, epochs=8, shuffle=False, verbose=0)
    assert done.history["loss"][-1] < 0.9 * done.history["loss"][0]


def rates(**schedule):
    """The rate at each step of a training, and the steps."""
    steps = np.arange(STEPS * EPOCHS)
    rate = optimization.learning_rate(settings(schedule=schedule), STEPS)
    if not callable(rate):
        return np.full(len(steps), rate), steps
    return np.array([float(rate(tf.constant(step))) for step in steps]), steps


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"kind": "constant"}, lambda s: RATE * np.ones(len(s))),
        ({"kind": "time_decay", "rate": 0.1}, lambda s: RATE / (1 + 0.1 * s)),
        (
            {"kind": "step", "epochs": [6, 2], "factor": 0.5},
            lambda s: RATE * 0.5 ** ((s // STEPS >= 2).astype(int) + (s // STEPS >= 6)),
        ),
        ({"kind": "exponential", "factor": 0.9}, lambda s: RATE * 0.9 ** (s / STEPS)),
        (
            {"kind": "cosine", "final": 0.1},
            lambda s: RATE * (0.1 + 0.9 * (1 + np.cos(np.pi * s / len(s))) / 2),
        ),
        (
            {"kind": "one_cycle", "start": 0.1, "peak": 0.25, "final": 0.05},
            lambda s: np.interp(s / len(s), [0, 0.25, 1], [0.1 * RATE, RATE, 0.05 * RATE]),
        ),
    ],
    ids=lambda x: x["kind"] if isinstance(x, dict) else "",
)
@pytest.mark.parametrize("warmup", [0, 1.5])
def test_a_schedule_is_its_formula(schedule, expected, warmup):
    found, steps = rates(**schedule, warmup=warmup)
    grown = np.minimum(1, (steps + 1) / (warmup * STEPS)) if warmup else 1
    np.testing.assert_allclose(found, expected(steps) * grown, rtol=2e-5)


def test_every_schedule_and_loss_is_tried():
    tried = {mark.args[1][i][0]["kind"] for mark in test_a_schedule_is_its_formula.pytestmark
             if isinstance(mark.args[0], tuple) for i in range(len(mark.args[1]))}  # fmt: skip
    assert tried == set(training_blocks.tables()["schedule"]["kinds"])
    assert set(training_blocks.tables()["loss"]["kinds"]) == {"cross_entropy", "focal"}


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("gamma", [None, 0.0, 1.5])
def test_a_loss_is_its_formula(smoothing, gamma):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 20).astype(np.int32)
    probabilities = rng.dirichlet(np.ones(4), 20).astype(np.float32)
    given = {"kind": "cross_entropy", "label_smoothing": smoothing}
    if gamma is not None:
        given |= {"kind": "focal", "gamma": gamma}
    compiled = keras.Sequential([layers.Input((4,)), layers.Activation("linear")])
    compiled.compile(loss=optimization.loss(block("loss", given)), metrics=["accuracy"])
    found, accuracy = compiled.evaluate(probabilities, labels, verbose=0)
    truth = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    terms = -truth * np.log(probabilities) * (1 - probabilities) ** (gamma or 0)
    assert found == pytest.approx(terms.sum(axis=1).mean(), rel=1e-4)
    assert accuracy == pytest.approx(np.mean(probabilities.argmax(axis=1) == labels))


@pytest.mark.parametrize("what", ["kernels", "all"])
def test_weights_decay_where_they_are_to(what):
    model = network()
    before = [x.numpy() for x in model.trainable_variables]
    asked = settings(optimizer={"kind": "SGD", "weight_decay": 0.5, "weight_decay_on": what})
    found = optimization.optimizer(model, asked | {"schedule": block("schedule", "constant")}, 1)
    found.apply([tf.zeros_like(x.value) for x in model.trainable_variables])
    for weight, old in zip(model.trainable_variables, before, strict=True):
        decays = what == "all" or weight.path.endswith("kernel")
        np.testing.assert_allclose(weight, old * (1 - RATE * 0.5) if decays else old, rtol=1e-6)


class Recorder(keras.callbacks.Callback):
    """Keeps the weights after each step."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append([x.numpy() for x in self.model.trainable_variables])


def trained(folder, name, **changes):
    folder = folder / name
    folder.mkdir()
    endings = {"model": "keras", "history": "csv", "run": "json"}
    outputs = {key: str(folder / f"{key}.{end}") for key, end in endings.items()}
    spec = {"kind": "feature_head", "input": "features", "generator": None}
    spec["training"] = settings(**changes) | {"batch_size": 12, "epochs": 3}
    inputs = {"data": folder.parent / "data.h5", "initial_weights": folder.parent / "start.keras"}
    keras.utils.set_random_seed(0)
    loop.train(spec, 0, inputs, outputs, {}, folder / "backups", name)
    history = np.genfromtxt(outputs["history"], delimiter=",", names=True)
    return keras_file.load_model(outputs["model"]), history, atomic_files.read_json(outputs["run"])


@pytest.fixture
def head(tmp_path):
    factory.write_vectors(tmp_path / "data.h5", classes=3)
    keras.utils.set_random_seed(0)
    plain = keras.Sequential(
        [layers.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(3, "softmax")]
    )
    keras_file.save_model(plain, tmp_path / "start.keras")
    return tmp_path


@pytest.mark.parametrize("patience", [None, 1, 3])
def test_the_averaged_network_is_validated_and_kept(head, monkeypatch, patience):
    recorder = Recorder()
    judging = loop._judging
    monkeypatch.setattr(loop, "_judging", lambda *x: [recorder, *judging(*x)])
    start = [x.numpy() for x in keras_file.load_model(head / "start.keras").trainable_variables]
    with monkeypatch.context() as patched:
        patched.setattr(step_loop, "put_into", lambda *x: None)  # Keras tells of each batch
        trained(head, "plain", patience=None)
    average, expected = start, []
    for step, weights in enumerate(recorder.weights):
        average = [0.8 * a + 0.2 * w if step else w for a, w in zip(average, weights, strict=True)]
        if (step + 1) % 4 == 0:
            expected.append(average)
    monkeypatch.setattr(loop, "_judging", judging)
    optimizer = {"kind": "SGD", "ema_momentum": 0.8}
    model, history, run = trained(head, "averaged", optimizer=optimizer, patience=patience)
    kept = run["best_epoch"] - 1
    for found, wanted in zip(model.trainable_variables, expected[kept], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    vectors, labels = hdf5.read_subset(head / "data.h5", "validation", ("vectors", "labels"))
    for epoch, weights in enumerate(expected[: len(history)]):
        model.set_weights(weights)
        picked = model.predict(vectors, verbose=0)[np.arange(len(labels)), labels]
        assert history["val_loss"][epoch] == pytest.approx(-np.log(picked).mean(), rel=1e-4)


@pytest.mark.parametrize("kind", ["cross_entropy", "focal"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_loss_of_labels_as_rows_is_that_of_their_numbers(kind, smoothing):
    draws = np.random.default_rng(0)
    numbers, rows = draws.integers(0, 4, 30), np.eye(4, dtype=np.float32)
    probabilities = draws.dirichlet(np.ones(4), 30).astype(np.float32)
    settings = block("loss", {"kind": kind, "label_smoothing": smoothing})
    found = []
    for mixed, labels in ((False, numbers), (True, rows[numbers])):
        network = keras.Sequential([layers.Input((4,)), layers.Activation("linear")])
        network.compile(loss=optimization.loss(settings, mixed), metrics=["accuracy"])
        found.append(network.evaluate(probabilities, labels, verbose=0))
    np.testing.assert_allclose(*found, rtol=1e-5)


@pytest.mark.parametrize(("monitor", "sign"), [("val_loss", -1), ("accuracy", 1), ("loss", -1)])
def test_the_kept_epoch_is_the_best_of_the_monitored_figure(head, monitor, sign):
    _, history, run = trained(head, monitor, monitor=monitor, min_delta=0.01, patience=2)
    best, kept, wait = -np.inf, 0, 0
    for epoch, value in enumerate(sign * history[monitor]):
        wait += 1
        if value > best + 0.01:
            best, kept, wait = value, epoch, 0
        assert wait < 2 or epoch == len(history) - 1
    assert run["best_epoch"] == kept + 1
