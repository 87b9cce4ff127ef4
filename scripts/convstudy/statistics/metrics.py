"""Metrics of predicted class probabilities, in plain NumPy.

Everything here is a function of probabilities (n, classes) and labels (n,), so that each number can
be recomputed from a kept predictions file without training anything again.
"""

from typing import Any

import numpy as np

from convstudy.foundation.errors import UserError

EPSILON = 1e-7
CALIBRATION_BINS = 15


def evaluate(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Judge predictions against labels.

    Args:
        probabilities: (n, classes), each row non-negative and summing to 1.
        labels: (n,) integers in 0 .. classes - 1.

    Returns:
        Builtin floats: `loss` (cross-entropy in nats), `accuracy`, `top5_accuracy`, `ece` and
        `brier` (0-2), and `per_class_accuracy`, a list with None for a class without images.

    Raises:
        UserError: A probability is NaN or infinite, which means that the training diverged.
        ValueError: The shapes or the labels do not fit.
    """
    probabilities, labels = _checked(probabilities, labels)
    return {
        "loss": cross_entropy(probabilities, labels),
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == labels)),
        "top5_accuracy": top_k_accuracy(probabilities, labels, 5),
        "ece": expected_calibration_error(probabilities, labels),
        "brier": brier_score(probabilities, labels),
        "per_class_accuracy": per_class_accuracy(probabilities, labels),
    }


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood in nats, as Keras computes it.

    Rows are rescaled to sum to 1 and then clipped to [1e-7, 1 - 1e-7], so one image costs 16.1 at
    most.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    of_label = probabilities[np.arange(len(labels)), labels] / probabilities.sum(axis=1)
    return float(-np.log(np.clip(of_label, EPSILON, 1 - EPSILON)).mean())


def top_k_accuracy(probabilities: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of images whose label is among the k most probable classes (all, if fewer than k).

    Equal probabilities rank by class index, as in `argmax`: a network that gives every class the
    same probability is right by chance here, and not always.
    """
    ranking = np.argsort(-np.asarray(probabilities), axis=1, kind="stable")[:, :k]
    return float((ranking == np.asarray(labels)[:, None]).any(axis=1).mean())


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over images of the squared distance to the one-hot label, summed over classes (0-2)."""
    errors = np.array(probabilities, dtype=np.float64)
    errors[np.arange(len(labels)), labels] -= 1
    return float((errors**2).sum(axis=1).mean())


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = CALIBRATION_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare confidence with accuracy in equal-width bins of the top probability.

    Bin i holds the confidences in (i / bins, (i + 1) / bins].

    Returns:
        (images, mean confidence, accuracy), each of shape (bins,); the means are 0 in empty bins.
    """
    confidence = np.asarray(probabilities, dtype=np.float64).max(axis=1)
    correct = np.asarray(probabilities).argmax(axis=1) == labels
    # Rounding guards edges such as 0.2 in float32, which is a little more than 0.2 in float64.
    index = np.ceil(np.round(confidence * bins, 6)).astype(int) - 1
    index = np.clip(index, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    divisor = np.maximum(count, 1)
    mean_confidence = np.bincount(index, weights=confidence, minlength=bins) / divisor
    accuracy = np.bincount(index, weights=correct, minlength=bins) / divisor
    return count, mean_confidence, accuracy


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = CALIBRATION_BINS
) -> float:
    """Top-label ECE of Guo et al. 2017: |accuracy - confidence| averaged over images by bin."""
    count, confidence, accuracy = reliability(probabilities, labels, bins)
    return float((count * np.abs(accuracy - confidence)).sum() / count.sum())


def per_class_accuracy(probabilities: np.ndarray, labels: np.ndarray) -> list[float | None]:
    """Share of each class's images that are recognised; None for a class without images."""
    classes = probabilities.shape[1]
    total = np.bincount(labels, minlength=classes)
    right = np.bincount(labels[probabilities.argmax(axis=1) == labels], minlength=classes)
    return [float(r / t) if t else None for r, t in zip(right, total, strict=True)]


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
