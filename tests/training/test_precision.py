"""Mixed precision: what computes in it, and that a training in it ends near that in float32."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from convstudy.foundation import cpuinfo
from convstudy.networks import precision
from convstudy.study import training_settings
from convstudy.training import loop

SCRIPTS = Path(precision.__file__).parents[2]
LOW = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}


@pytest.fixture(autouse=True)
def by_policy(monkeypatch):
    """What a processor with bfloat16 of its own does is of a whole process."""
    monkeypatch.setattr(precision, "is_of_processor", lambda: False)


def network():
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu")])
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            inner,
            layers.BatchNormalization(momentum=0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("policy", LOW)
def test_all_but_the_last_layer_compute_in_it_and_weights_do_not(policy):
    model = network()
    precision.compute_in(model, policy)
    inner, norm, flat, last = model.layers
    assert {x.compute_dtype for x in (inner.layers[0], norm, flat)} == {LOW[policy]}
    assert last.compute_dtype == "float32" and {x.dtype for x in model.weights} == {"float32"}
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    assert keras.backend.standardize_dtype(inner(images).dtype) == LOW[policy]
    found = np.asarray(model(images))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(network()(images)), atol=0.01)
    assert np.abs(found - np.asarray(network()(images))).max() > 0


@pytest.mark.parametrize("policy", LOW)
@pytest.mark.parametrize("averaged", [None, 0.5])
def test_a_training_ends_near_that_in_float32(policy, averaged):
    rng = np.random.default_rng(0)
    labels = np.arange(60, dtype=np.int32) % 3
    images = rng.random((60, 8, 8, 3)).astype(np.float32) * 0.3 + labels[:, None, None, None] / 3
    losses = {}
    for name in ("float32", policy):
        settings = {"learning_rate": 0.02, "epochs": 6, "precision": name, "schedule": "cosine"}
        settings |= {"loss": "cross_entropy", "optimizer": {"kind": "SGD"}}
        settings["optimizer"]["ema_momentum"] = averaged
        training_settings.fill(settings, "training")
        model = network()
        precision.compute_in(model, name)
        loop.compiled(model, settings, 6)
        callbacks = loop._judging(model, [])
        done = model.fit(images, labels, batch_size=10, epochs=6, shuffle=False, verbose=0,
                         callbacks=callbacks, validation_data=(images, labels))  # fmt: skip
        losses[name] = done.history["val_loss"]
    assert losses[policy][-1] < 0.7 * losses[policy][0]
    np.testing.assert_allclose(losses[policy][2:], losses["float32"][2:], atol=0.02)
    assert losses[policy] != losses["float32"]


def test_a_network_that_ends_with_another_computes_in_it_up_to_that_ones_last_layer():
    inner = keras.Sequential(
        [layers.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    )
    outer = keras.Sequential([layers.Input((8, 8, 3)), layers.Rescaling(2.0), inner])
    precision.compute_in(outer, "mixed_bfloat16")
    found = [outer.layers[0].compute_dtype, *(x.compute_dtype for x in inner.layers)]
    assert found == ["bfloat16", "bfloat16", "float32"]


PROGRAM = """
import keras, numpy as np, tensorflow as tf
from convstudy.foundation import cpuinfo
from convstudy.networks import precision

keras.utils.set_random_seed(0)
network = keras.Sequential([
    keras.layers.Input((16, 16, 8)), keras.layers.Conv2D(64, 3), keras.layers.Flatten(),
    keras.layers.Dense(5),
])
images = np.random.default_rng(0).random((8, 16, 16, 8), np.float32)
before = tf.function(network)(images).numpy()
precision.compute_in(network, "mixed_bfloat16")
after = tf.function(network)(images).numpy()
change = np.abs(after - before).max() / np.abs(before).max()
print({x.compute_dtype for x in network.layers}, 1e-4 < change < 2e-2, after.dtype)
"""


@pytest.mark.skipif(not precision.is_of_processor(), reason="this processor has no bfloat16")
def test_a_processor_with_bfloat16_uses_it_and_layers_stay():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=SCRIPTS
    )
    assert done.stdout.split("\n")[-2] == "{'float32'} True float32"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_bf16\n", True),
        ("flags\t\t: fpu avx2 avx512f\n", False),
        ("Features\t: fp asimd bf16\n", True),
        ("model name: bf16\n", False),
    ],
)
def test_a_processor_says_whether_it_has_bfloat16(monkeypatch, tmp_path, text, found):
    monkeypatch.undo()
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(cpuinfo, "INFORMATION", tmp_path / "cpuinfo")
    assert precision.is_of_processor() == found
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert not precision.is_of_processor()
