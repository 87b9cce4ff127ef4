"""On which device a step computes: the processor, or a GPU that no other job has.

Nothing here imports TensorFlow. A GPU is named by its UUID, which is the same on every node and in
every container, whatever number it has there.
"""

import ctypes.util
import functools
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from convstudy.foundation.errors import UserError, first_line

log = logging.getLogger(__name__)
CPU = "cpu"
VISIBLE = "CUDA_VISIBLE_DEVICES"
DRIVER = Path("/proc/driver/nvidia/version")
CUDNN = (
    "nvidia-cudnn-cu12"  # of the libraries that requirements-gpu.txt brings, the one to look for
)
LIST = ("nvidia-smi", "--query-gpu=index,uuid,name", "--format=csv,noheader")
PATIENCE = 60  # seconds in which nvidia-smi has to answer
PAUSE = 1  # seconds between two looks for a free place
_held: list[socket.socket] = []  # the place of this process, until it ends


@dataclass(frozen=True)
class Gpu:
    """A graphics processor: its number and UUID, and what model it is."""

    number: str
    uuid: str
    model: str


def given() -> list[Gpu]:
    """The GPUs that this process may use.

    `CUDA_VISIBLE_DEVICES` says so, of a scheduler or the user, with numbers as nvidia-smi has them;
    else they are all that nvidia-smi lists, and in a job of Slurm none.

    Raises:
        UserError: nvidia-smi fails, or is missing beside NVIDIA's driver; the variable names what
            it does not list.
    """
    named = os.environ.get(VISIBLE, "" if "SLURM_JOB_ID" in os.environ else None)
    if named is not None and not named.strip():
        return []
    there = _listed()
    if named is None or not there:
        return there
    found = []
    for name in map(str.strip, named.split(",")):
        if name == "-1":  # what follows it does not count
            break
        found.append(_one(name, there))
    return found


def usable(device: str, note: Callable[[str], None]) -> list[Gpu]:
    """The GPUs on which steps are done here; none where it is the processor.

    Those of another model than the first are left alone: seeds of one variant should not differ in
    their device.

    Args:
        device: as the config has it, `auto`, `cpu` or `gpu`.
        note: takes a sentence on GPUs that `auto` does not use.

    Raises:
        UserError: `gpu`, and there is none to be used.
    """
    if device == CPU:
        return []
    try:
        found = given()
        if found and device == "auto" and not _has_libraries():
            raise UserError(
                f"TensorFlow's libraries for the {found[0].model} are not installed: "
                f"pip install -r requirements-gpu.txt"
            )
    except UserError as error:
        if device != "auto":
            raise
        note(f"device: auto is the processor here, as {error}. `device: cpu` says so in silence.")
        return []
    if not found and device == "gpu":
        raise _none()
    return [gpu for gpu in found if gpu.model == found[0].model]


def of_step(resources: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """What a step's record says of its device: the processor, or a GPU's model.

    Args:
        resources: of its job; `gpu` is what a rule or a profile asks for.
        config: its `device` and `gpu`.

    Raises:
        UserError: a GPU was asked for, and there is none here.
    """
    if not resources.get("gpu") or config["device"] == CPU:
        return CPU
    model = usable("gpu", log.info)[0].model
    return model if config["gpu"]["deterministic"] else f"{model}, not deterministic"


def take(device: str | None, config: Mapping[str, Any]) -> None:
    """Let this process see its device alone: a GPU with a free place for it, or none.

    A place is a socket of Linux without a file, so it is free when the process has ended, however
    that was, and it holds for all projects on this machine. Where all are taken, one is waited for.

    TensorFlow may have been imported by then, but not asked for its devices.

    Args:
        device: as in the step's record; None, as the processor, of a step without one.
        config: its `gpu.jobs` say how many steps share a GPU.
    """
    if device in (None, CPU):
        os.environ[VISIBLE] = "-1"
        return
    gpus, jobs = usable("gpu", log.info), config["gpu"]["jobs"]
    if (gpu := _free(gpus, jobs)) is None:
        log.warning("all %d places on GPUs are taken: waiting for one", len(gpus) * jobs)
    while gpu is None:
        time.sleep(PAUSE)
        gpu = _free(gpus, jobs)
    log.info("on GPU %s, %s (%s)", gpu.number, gpu.model, gpu.uuid)
    os.environ[VISIBLE] = gpu.uuid


def _free(gpus: Sequence[Gpu], jobs: int) -> Gpu | None:
    """The GPU of the first place that this process could take; the emptiest GPUs come first."""
    for place in range(jobs):
        for gpu in gpus:
            taken = socket.socket(socket.AF_UNIX)
            try:
                taken.bind(f"\0convstudy-gpu-{gpu.uuid}-{place}")
            except OSError:
                taken.close()
                continue
            _held.append(taken)
            return gpu
    return None


@functools.cache
def _listed() -> list[Gpu]:
    """All GPUs that nvidia-smi lists; none where neither it nor NVIDIA's driver is there.

    It is asked once in a process: a step needs the model for its record, and then a place.
    """
    if not shutil.which(LIST[0]):
        if DRIVER.exists():
            raise UserError(f"NVIDIA's driver is there, but no {LIST[0]}: put it on the PATH")
        return []
    try:
        done = subprocess.run(
            LIST, capture_output=True, text=True, check=True, timeout=PATIENCE, errors="replace"
        )
        rows = [line.split(", ", 2) for line in done.stdout.splitlines() if line.strip()]
        return [Gpu(*map(str.strip, row)) for row in rows]
    except subprocess.CalledProcessError as error:
        said = first_line(error.stdout + error.stderr)
    except subprocess.TimeoutExpired:
        said = f"no answer in {PATIENCE} s"
    except (OSError, TypeError) as error:
        said = first_line(error)
    raise UserError(f"`{' '.join(LIST)}` fails ({said}): repair NVIDIA's driver")


def _one(name: str, there: Sequence[Gpu]) -> Gpu:
    """The GPU that an entry of `CUDA_VISIBLE_DEVICES` means: a number, a UUID, or its beginning."""
    if name.startswith("MIG-"):  # a part of a GPU, which nvidia-smi does not list
        return Gpu(name, name, f"{there[0].model} (MIG)")
    for gpu in there:
        if name == gpu.number or (name.startswith("GPU-") and gpu.uuid.startswith(name)):
            return gpu
    raise UserError(
        f"{VISIBLE} of the environment names '{name}', and nvidia-smi lists "
        f"{', '.join(gpu.number for gpu in there)}: correct it, or unset it"
    )


def _has_libraries() -> bool:
    """Whether cuDNN is there, from a wheel, in the system or in an environment of conda."""
    try:
        return bool(metadata.version(CUDNN))
    except metadata.PackageNotFoundError:
        in_prefix = Path(sys.prefix, "lib").glob("libcudnn.so*")
        return ctypes.util.find_library("cudnn") is not None or any(in_prefix)


def _none() -> UserError:
    """What is said where a step needs a GPU and there is none."""
    if os.environ.get(VISIBLE) is not None:
        why = f"{VISIBLE} of the environment is '{os.environ[VISIBLE]}', which hides all"
    elif "SLURM_JOB_ID" in os.environ:
        why = (
            f"Slurm gave this job none ({VISIBLE} is not set): `gpu: 1` in the profile asks for one"
        )
    else:
        why = "nvidia-smi lists none, or is not there"
    return UserError(
        f"device: gpu, and there is no GPU that this process may use: {why}. Correct that, or set "
        f"`device: cpu` in the config"
    )
