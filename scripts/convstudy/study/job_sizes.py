"""The memory and the time that jobs ask a cluster for, from the size of their data.

Without a cluster they bind nothing. They are estimates on the safe side, so that a job rarely fails
for want of either; one that does asks for more at its next attempt. Behind them are the memory that
jobs were seen to take (tests/benchmarks/larger_than_memory.py), which the config's `memory.data_mb`
bounds, and the rates of the slowest networks of the practical on one core.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000
TENSORFLOW = 1300  # MB of a process that has imported it, and of Snakemake around it
ITERATIONS = 600  # of a solver, over all candidates, on features of a pretrained backbone
PLAIN = 600  # the same without TensorFlow


@dataclass(frozen=True)
class Need:
    """What a kind of step needs.

    Attributes:
        base: MB of memory without any data.
        factor: MB of memory for each MB of data, as long as they are held.
        work: MB at most that are taken beside what is held, for blocks of the data at work.
        minutes: without any data.
        rate: MB of data in a minute, a pass over the data each.
    """

    base: int
    factor: float
    work: int
    minutes: int
    rate: float


STEPS = {
    "draw": Need(PLAIN, 0, 0, 10, 1),
    "prepare_data": Need(PLAIN, 4, 0, 10, 20),
    "deal_images": Need(PLAIN, 4, 0, 10, 200),
    "decode_shard": Need(PLAIN, 0.1, 0, 5, 20),
    "gather_images": Need(PLAIN, 0.2, 0, 10, 100),
    "deal_batches": Need(PLAIN, 0, 0, 5, 200),
    "gather_features": Need(PLAIN, 0, 0, 5, 200),
    "take_fold": Need(PLAIN, 1, 0, 2, 200),
    "fit_preprocessing": Need(TENSORFLOW, 12, 600, 5, 20),
    "initialize_weights": Need(TENSORFLOW, 0, 0, 2, 1),
    "build_backbone": Need(TENSORFLOW + 500, 0, 0, 5, 1),
    "extract_features": Need(TENSORFLOW + 1000, 2, 0, 10, 20),
    # a training or evaluation, by what its model takes
    "train images": Need(TENSORFLOW + 400, 1.2, 0, 10, 30),
    "train whitened images": Need(TENSORFLOW, 26, 900, 10, 30),
    "train backbone": Need(TENSORFLOW + 2000, 1.2, 0, 10, 30),
    "train features": Need(TENSORFLOW, 1.2, 0, 2, 300),
    # features once more as float64; a pass is an iteration of the solver
    "solve features": Need(TENSORFLOW + 200, 3.2, 500, 2, 2000),
    "evaluate images": Need(TENSORFLOW + 400, 1.2, 0, 5, 60),
    "evaluate whitened images": Need(TENSORFLOW, 26, 900, 5, 60),
    "evaluate backbone": Need(TENSORFLOW + 1000, 1.2, 0, 5, 60),
    "evaluate features": Need(TENSORFLOW, 1.2, 0, 1, 300),
}


def memory_mb(step: str, files: Iterable[str], attempt: int, data_mb: float) -> int:
    """The memory that a job asks for, in MB.

    Args:
        step: one of `STEPS`.
        files: the files and folders that it reads.
        attempt: 1 for the first; each further one asks for as much again.
        data_mb: how much of its data it may hold.

    Raises:
        FileNotFoundError: a file is not made yet.
    """
    need = STEPS[step]
    data = min(need.factor * megabytes(files), data_mb + need.work)
    return attempt * round(need.base + data)


def minutes(step: str, files: Iterable[str], attempt: int, passes: int = 1) -> int:
    """The time that a job asks for, in minutes.

    Args:
        step: one of `STEPS`.
        files: the files and folders that it reads.
        attempt: 1 for the first; each further one asks for as much again.
        passes: how often it goes through them: a training's epochs.

    Raises:
        FileNotFoundError: a file is not made yet.
    """
    need = STEPS[step]
    return attempt * round(need.minutes + passes * megabytes(files) / need.rate + 0.5)


def of_run(kind: str, run: dict) -> str:
    """The step of a run, `train` or `evaluate`, by what its model takes."""
    if kind == "train" and run["solver"]:
        return "solve features"
    whitened = run["generator"] and run["generator"]["kind"] == "whiten"
    return f"{kind} whitened images" if whitened else f"{kind} {run['input']}"


def passes(run: dict) -> int:
    """How often a training goes through its data at most: its epochs, or a solver's iterations."""
    if not run["solver"]:
        return run["training"]["epochs"]
    return ITERATIONS


def megabytes(files: Iterable[str]) -> float:
    """The size of files and folders, in MB."""
    return sum(map(_bytes, files)) / MEGABYTE


def _bytes(file: str) -> int:
    path = Path(file)
    if getattr(file, "is_storage", False) and not path.exists():  # in a bucket, without a copy here
        return file.storage_object.size()
    return sum(x.stat().st_size for x in (path.rglob("*") if path.is_dir() else [path]))
