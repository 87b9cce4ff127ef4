"""Random draws that depend on what they are for, and on nothing drawn before."""

import hashlib

import numpy as np


def class_rng(purpose: str, seed: int, class_name: str) -> np.random.Generator:
    """Make the random stream of one class for one purpose, independent of all others."""
    key = f"{purpose}\0{seed}\0{class_name}".encode("utf-8", "surrogateescape")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest(), "big"))
