"""Metrics of predicted class probabilities.

Everything here is a function of probabilities (n, classes) and labels (n,), so that each number can
be recomputed from a kept predictions file without training anything again.
"""

from typing import Any

import numpy as np

from convstudy.foundation.errors import UserError
from convstudy.statistics import calibration, per_class

EPSILON = 1e-7


def evaluate(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Judge predictions against labels.

    Args:
        probabilities: (n, classes), each row non-negative and summing to 1.
        labels: (n,) integers in 0 .. classes - 1.

    Returns:
        Builtin types, ready for JSON: `loss` (log loss, in nats), `accuracy`, `top5_accuracy` (None
        with five classes or fewer), `brier` (0-2), `ece`, its floor `ece_floor` and that floor's
        95th percentile `ece_floor_high` (see `calibration`), and what `per_class.evaluate` returns.

    Raises:
        UserError: A probability is NaN or infinite, which means that the training diverged.
        ValueError: The shapes or the labels do not fit.
    """
    probabilities, labels = _checked(probabilities, labels)
    floor, floor_high = calibration.floor(probabilities)
    return {
        **loss_and_accuracy(probabilities, labels),
        "top5_accuracy": _top5_accuracy(probabilities, labels),
        "brier": brier_score(probabilities, labels),
        "ece": calibration.expected_calibration_error(probabilities, labels),
        "ece_floor": floor,
        "ece_floor_high": floor_high,
        **per_class.evaluate(probabilities, labels),
    }


def loss_and_accuracy(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The two figures that training shows, too. Arguments and errors as of `evaluate`."""
    probabilities, labels = _checked(probabilities, labels)
    return {
        "loss": cross_entropy(probabilities, labels),
        "accuracy": accuracy(probabilities, labels),
    }


def after_temperature(
    probabilities: np.ndarray, labels: np.ndarray, temperature: float
) -> dict[str, float]:
    """`loss_scaled`, `ece_scaled` and its floor, after the logits were divided by a temperature."""
    scaled = calibration.scaled(probabilities, temperature)
    return {
        "loss_scaled": cross_entropy(scaled, labels),
        "ece_scaled": calibration.expected_calibration_error(scaled, labels),
        "ece_floor_scaled": calibration.floor(scaled)[0],
    }


def majority_accuracy(labels: np.ndarray) -> float:
    """The largest class's share of labels (n,): what always answering that class gets right."""
    return float(np.bincount(labels).max() / len(labels))


def accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose label is the most probable class."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats, as Keras computes it."""
    return float(_costs(probabilities, labels).mean())


def judged(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most probable class of each image (n,), and what it costs in nats (n,).

    The means over any number of batches are the accuracy and the loss of all their images.
    Arguments and errors as of `evaluate`.
    """
    probabilities, labels = _checked(probabilities, labels)
    return probabilities.argmax(axis=1), _costs(probabilities, labels)


def _costs(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The negative log-likelihood of each image.

    Rows are rescaled to sum to 1 and then clipped to [1e-7, 1 - 1e-7], so one image costs 16.1 at
    most.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    of_label = probabilities[np.arange(len(labels)), labels] / probabilities.sum(axis=1)
    return -np.log(np.clip(of_label, EPSILON, 1 - EPSILON))


def top_k_accuracy(probabilities: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of images whose label is among the k most probable classes (all, if fewer than k).

    Equal probabilities rank by class index, as in `argmax`: a network that gives every class the
    same probability is right by chance here, and not always.
    """
    ranking = np.argsort(-np.asarray(probabilities), axis=1, kind="stable")[:, :k]
    return float((ranking == np.asarray(labels)[:, None]).any(axis=1).mean())


def _top5_accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    return top_k_accuracy(probabilities, labels, 5) if probabilities.shape[1] > 5 else None


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over images of the squared distance to the one-hot label, summed over classes (0-2)."""
    errors = np.array(probabilities, dtype=np.float64)
    errors[np.arange(len(labels)), labels] -= 1
    return float((errors**2).sum(axis=1).mean())


def confusion_matrix(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count images by true class (rows) and predicted class (columns): (classes, classes) int."""
    classes = probabilities.shape[1]
    flat = np.asarray(labels, dtype=np.int64) * classes + probabilities.argmax(axis=1)
    return np.bincount(flat, minlength=classes**2).reshape(classes, classes)


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not labels.size:
        raise ValueError(
            f"probabilities {probabilities.shape} and labels {labels.shape} do not fit: expected "
            f"(n, classes) and (n,) with at least one image"
        )
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(
            f"labels reach from {labels.min()} to {labels.max()}, "
            f"expected 0 to {probabilities.shape[1] - 1}"
        )
    if not np.isfinite(probabilities).all():
        raise UserError(
            f"{(~np.isfinite(probabilities)).any(axis=1).sum()} of {len(labels)} predictions are "
            f"NaN or infinite: the training diverged. Lower the variant's learning rate and run "
            f"the same command again."
        )
    return probabilities, labels.astype(np.int64)
