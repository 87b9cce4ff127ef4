"""The same work by several engines, each measured in a process of its own, see `speed.py`.

An engine is one file with a constant `LIBRARIES`, what has to be installed, and functions of the
name of a kind of work, each of `(precision, threads, size)`, which return images a second. What it
has no function for, it does not do.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CLASSES = 25


@dataclass(frozen=True)
class Size:
    """How much is measured: images of 224 x 224 and of 32 x 32, in batches of 32."""

    large: int
    small: int
    side: int = 224
    batch: int = 32

    def large_images(self) -> np.ndarray:
        """Random images (n, side, side, 3), uint8."""
        return _random(self.large, self.side)

    def small_images(self) -> np.ndarray:
        """Random images (n, 32, 32, 3), uint8."""
        return _random(self.small, 32)


def _random(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def labels_of(images: np.ndarray) -> np.ndarray:
    """Labels (n,), int32."""
    return np.arange(len(images), dtype=np.int32) % CLASSES


def rate(work: Callable[[], None], images: int, passes: int = 3) -> float:
    """Images a second of the median of some passes, after a first one that builds graphs."""
    work()
    taken = []
    for _ in range(passes):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return images / statistics.median(taken)
