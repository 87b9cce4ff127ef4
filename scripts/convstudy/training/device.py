"""What the training and evaluation jobs need of the machine: TensorFlow set up, figures of cost."""

import contextlib
import os
import platform
import re
import resource
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from convstudy.foundation import cpuinfo, devices
from convstudy.foundation.errors import UserError

# how TensorFlow's messages name an operation: eager, in a function, and in a graph
OPERATION = re.compile(r"\[Op:(?!__)(\w+)\]|__wrapped__(\w+?)_device_|\{\{node ([^}]+)\}\}")
MARKS = re.compile(r"\{\{.*?\}\}|\[Op:.*|^\W*(?=[A-Z])")


def set_up_tensorflow(
    threads: int, seed: int, device: str | None = devices.CPU, deterministic: bool = True
) -> None:
    """Seed every random source and make operations deterministic, on a fixed number of threads.

    The bits of a result depend on the number of threads inside an operation, so it comes from the
    config and not from the number of cores that happen to be free.

    Args:
        threads: inside an operation, and how many of these at once.
        seed: of Python, NumPy and Keras.
        device: as in the step's record, which has taken it (see `devices.take`).
        deterministic: false has an effect on a GPU alone.

    Raises:
        UserError: it is to be on a GPU, and TensorFlow sees none.
    """
    on_gpu = device not in (None, devices.CPU)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if on_gpu and not tf.config.list_physical_devices("GPU"):
        raise UserError(
            f"TensorFlow sees no GPU, though there is one ({device}): its libraries are missing or "
            f"not of this version (pip install -r requirements-gpu.txt), or NVIDIA's driver is too "
            f"old for them. Correct that, or set `device: cpu` in the config"
        )
    if deterministic or not on_gpu:
        tf.config.experimental.enable_op_determinism()
    # else what ~/.keras/keras.json says would decide results that no record tells of
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.utils.set_random_seed(seed)


@contextlib.contextmanager
def computing(record: Mapping[str, Any], config: Mapping[str, Any], seed: int) -> Iterator[None]:
    """Compute as a step's record and the config say: threads, device, determinism.

    Args:
        record: of the step, with its `threads` and `device`.
        config: whose `gpu` is read.
        seed: see `set_up_tensorflow`.
    """
    deterministic = config["gpu"]["deterministic"]
    set_up_tensorflow(record["threads"], seed, record["device"], deterministic)
    with explaining():
        yield


@contextlib.contextmanager
def explaining() -> Iterator[None]:
    """Raise a `UserError` for what TensorFlow cannot do here.

    That is an operation without a deterministic kernel on a GPU, and a tensor that the memory has
    no room for.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.UnimplementedError as error:
        if "determinis" not in error.message.lower():
            raise
        found = OPERATION.search(error.message)
        name = next(filter(None, found.groups())) if found else "an operation"
        raise UserError(
            f"{name} has no deterministic kernel on a GPU, as TensorFlow says: "
            f"{_line(error, 'determinis')} Set `gpu: {{deterministic: false}}` in the config, by "
            f"which the same seed no longer gives the same numbers, or `device: cpu`"
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        if "oom" not in error.message.lower():
            raise
        raise UserError(
            f"there is not enough memory, as TensorFlow says: {_line(error, 'oom')}. Give the "
            f"variant a smaller training.batch_size or the data set a smaller image_size; on a GPU "
            f"that steps share, let fewer of them do so (`gpu: {{jobs: 1}}`)"
        ) from error


def _line(error: Exception, word: str) -> str:
    """The line of TensorFlow's message that has a word, without its marks."""
    line = next(x for x in error.message.splitlines() if word in x.lower())
    return MARKS.sub("", line).strip()


def git_commit() -> str | None:
    """The commit of the source tree, with `-dirty` where it was edited since; None if it has none.

    A copy of the sources inside the checkout of something else has none.
    """
    package = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(package), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    if git("rev-parse", "--show-toplevel") != str(package.parents[2].resolve()):
        return None
    return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") or None


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def processor() -> str:
    """The processor's name, as Linux has it; else its architecture."""
    return cpuinfo.field("model name") or platform.processor() or platform.machine()


def load() -> float:
    """How busy the machine was in the last minute: processes that wanted to run, by core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)
