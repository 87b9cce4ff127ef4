"""Metrics of each class, and their means over classes, in which a rare class counts like any."""

from typing import Any

import numpy as np
from sklearn import metrics


def evaluate(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Judge predictions class by class, by scikit-learn.

    Args:
        probabilities: (n, classes), finite.
        labels: (n,) integers in 0 .. classes - 1.

    Returns:
        Lists with a figure a class: `per_class_accuracy` (the recall: the share of the class's
        images that are recognised; None without images), `per_class_precision` (None where it is
        never predicted), `per_class_f1`, `per_class_roc_auc` (one against rest; None without images
        of the class, or of another) and `per_class_images`. Means over classes with images:
        `balanced_accuracy`, `macro_f1` and `roc_auc` (None where no class has one).
    """
    classes, predicted = probabilities.shape[1], probabilities.argmax(axis=1)
    precision, recall, f1, images = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=0
    )
    answers = np.bincount(predicted, minlength=classes)
    held = images > 0
    curves = [_roc_auc(labels == c, probabilities[:, c]) for c in range(classes)]
    known = [area for area in curves if area is not None]
    return {
        "balanced_accuracy": float(recall[held].mean()),
        "macro_f1": float(f1[held].mean()),
        "roc_auc": float(np.mean(known)) if known else None,
        "per_class_accuracy": _where(held, recall),
        "per_class_precision": _where(answers > 0, precision),
        "per_class_f1": _where(held, f1),
        "per_class_roc_auc": curves,
        "per_class_images": images.tolist(),
    }


def never_predicted(probabilities: np.ndarray, labels: np.ndarray) -> list[int]:
    """Classes that have images and are the most probable one of none."""
    classes = probabilities.shape[1]
    answers = np.bincount(probabilities.argmax(axis=1), minlength=classes)
    images = np.bincount(labels, minlength=classes)
    return np.flatnonzero((images > 0) & (answers == 0)).tolist()


def _roc_auc(of_class: np.ndarray, probabilities: np.ndarray) -> float | None:
    if of_class.all() or not of_class.any():
        return None
    return float(metrics.roc_auc_score(of_class, probabilities))


def _where(known: np.ndarray, values: np.ndarray) -> list[float | None]:
    return [float(v) if k else None for k, v in zip(known, values, strict=True)]
