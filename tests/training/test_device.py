"""What TensorFlow is told of its device, what is said where it cannot be used, what feeds it."""

import math
import subprocess
import sys
from pathlib import Path

import factory
import gpus
import numpy as np
import pytest
import tensorflow as tf

from convstudy import generators
from convstudy.data import stored_rows
from convstudy.foundation import devices
from convstudy.foundation.errors import UserError
from convstudy.training import device, input_pipeline

SCRIPTS = Path(__file__).parents[2] / "scripts"
# as TensorFlow words it: of one operation alone, within a graph, and in a function of Keras
EAGER = (
    "{{function_node __wrapped__AdjustContrastv2_device_/job:localhost/replica:0/task:0/device:"
    "GPU:0}} A deterministic GPU implementation of AdjustContrastv2 is not currently available. "
    "[Op:AdjustContrastv2] name: "
)
GRAPH = (
    "Graph execution error:\n\nDetected at node gradient_tape/net/depthwise/Filter defined at "
    "(most recent call last):\n<stack traces unavailable>\nA deterministic GPU implementation of "
    "DepthwiseConvBackpropFilter is not currently available.\n\t [[{{node gradient_tape/net/"
    "depthwise/Filter}}]] [Op:__inference_one_step_on_iterator_99]"
)


@pytest.mark.parametrize(
    ("message", "operation"),
    [(EAGER, "AdjustContrastv2"), (GRAPH, "gradient_tape/net/depthwise/Filter")],
)
def test_an_operation_without_a_deterministic_kernel_is_named_with_the_switch(message, operation):
    with pytest.raises(UserError) as error, device.explaining():
        raise tf.errors.UnimplementedError(None, None, message)
    said = str(error.value)
    assert said.startswith(
        f"{operation} has no deterministic kernel on a GPU, as TensorFlow says: "
    )
    assert "`gpu: {deterministic: false}`" in said and "\n" not in said and "{{" not in said
    assert "A deterministic GPU implementation of" in said and "[Op" not in said


def test_another_error_of_tensorflow_stays_what_it_is():
    with pytest.raises(tf.errors.UnimplementedError), device.explaining():
        raise tf.errors.UnimplementedError(None, None, "no such kernel")


def test_a_tensor_that_memory_has_no_room_for_is_one_sentence():
    draw = tf.function(lambda n: tf.reduce_sum(tf.random.stateless_uniform([n], [1, 2])))
    with pytest.raises(UserError) as error, device.explaining():
        draw(tf.constant(10**13, tf.int64))
    said = str(error.value)
    assert said.startswith(
        "there is not enough memory, as TensorFlow says: OOM when allocating tensor with "
        "shape[10000000000000]"
    )
    assert "training.batch_size" in said and "\n" not in said and "{{" not in said
    with pytest.raises(tf.errors.ResourceExhaustedError), device.explaining():
        raise tf.errors.ResourceExhaustedError(None, None, "a queue is full")


SET_UP = """
import os
from convstudy.foundation import environment
environment.prepare()
from convstudy.training import device
device.set_up_tensorflow(1, 0{arguments})
from tensorflow.python.framework import config
print(os.environ["TF_FORCE_GPU_ALLOW_GROWTH"], config.is_op_determinism_enabled())
"""


def set_up(arguments):
    command = [sys.executable, "-c", SET_UP.format(arguments=arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPTS)


def test_a_step_takes_what_it_needs_of_a_gpus_memory_and_is_deterministic():
    done = set_up("")
    assert done.stdout.split() == ["true", "True"], done.stderr


def test_a_gpu_that_tensorflow_does_not_see_is_one_sentence():
    said = set_up(f", {gpus.MODEL!r}").stderr.splitlines()[-1]
    assert f"UserError: TensorFlow sees no GPU, though there is one ({gpus.MODEL})" in said
    assert "pip install -r requirements-gpu.txt" in said


def test_operations_may_be_others_on_a_gpu_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(1))
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["one"])
    for setter in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
        monkeypatch.setattr(tf.config.threading, setter, lambda threads: None)
    device.set_up_tensorflow(1, 0, gpus.MODEL, deterministic=False)
    assert not asked
    device.set_up_tensorflow(1, 0, gpus.MODEL)
    device.set_up_tensorflow(1, 0, devices.CPU, deterministic=False)
    assert len(asked) == 2


@pytest.mark.parametrize("megabytes", [math.inf, 0])
def test_several_threads_beside_a_gpu_prepare_the_same_batches(tmp_path, monkeypatch, megabytes):
    generator = generators.make("normalize", {"horizontal_flip": True})
    statistics = {"mean": np.full(3, 0.5), "std": np.full(3, 0.2)}
    path = factory.write_images(tmp_path / "data.h5", (8, 8, 3), 50)
    rows, labels = stored_rows.of_subset(path, "train", "images")
    arrays = stored_rows.held(rows, stored_rows.Memory(megabytes))

    def batches():
        epochs = tf.data.Dataset.counter()
        stream = input_pipeline.training_stream(
            generator, statistics, arrays, labels, 16, 0, epochs
        )
        return [x.numpy().tobytes() + y.numpy().tobytes() for x, y in stream.take(16)]

    assert input_pipeline._workers() == 1
    alone = batches()
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["one"])
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 4)
    assert input_pipeline._workers() == 4
    assert batches() == alone
