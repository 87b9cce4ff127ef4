"""What every job does: log to its file, end with one clear message, set TensorFlow up."""

import contextlib
import logging
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from convstudy.errors import UserError

LIBRARIES = ("keras", "numpy", "tensorflow")


@contextlib.contextmanager
def job_logging(log_file: str | Path) -> Iterator[None]:
    """Log to `log_file` and to standard error; turn a `UserError` into one line and exit 1."""
    handlers = [logging.FileHandler(log_file, mode="w"), logging.StreamHandler()]
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers, force=True
    )
    logging.captureWarnings(True)
    try:
        yield
    except UserError as error:
        logging.error("error: %s", error)
        sys.exit(1)
    except Exception:
        logging.exception("unexpected error")
        sys.exit(1)


def set_up_tensorflow(threads: int, seed: int) -> None:
    """Seed every random source and make operations deterministic, on a fixed number of threads.

    The bits of a result depend on the number of threads inside an operation, so it comes from the
    config and not from the number of cores that happen to be free.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that the numbers depend on."""
    return {"python": platform.python_version()} | {x: metadata.version(x) for x in LIBRARIES}


def git_commit() -> str | None:
    """The commit of the source tree, or None outside a checkout."""
    done = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
