"""Multinomial logistic regression with L2 on features: the linear head, solved and not trained.

Its loss has one minimum, which L-BFGS finds over all training images at once (scikit-learn). There
is nothing random in it, and no setting of `training` but the class weights: a baseline that every
head must beat, as in Kornblith et al., Do Better ImageNet Models Transfer Better? (CVPR 2019).
"""

# a range in a union is no value to Python, only a text to read
from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from convstudy.foundation import row_blocks
from convstudy.models import _power_normalization

INPUT = "features"
TOLERANCE = 1e-6  # of the gradient's largest component
BLOCK = 1000  # vectors whose powers are taken at a time


def build(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    l2: Annotated[float, {"exclusiveMinimum": 0}]
    | Annotated[list[Annotated[float, {"exclusiveMinimum": 0}]], {"minItems": 1}] = (
        1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0,
    ),
    standardize: bool = True,
    max_iterations: Annotated[int, {"minimum": 1}] = 1000,
    power: Annotated[float, {"exclusiveMinimum": 0, "maximum": 1}] = 1.0,
) -> keras.Model:  # fmt: skip
    """Build the network, whose weights are zero until `solve` has found them: one dense layer.

    Args:
        input_shape: (length of the feature vectors,).
        classes: number of classes.
        l2: strength λ of the penalty in mean cross-entropy + λ/2 * squared weights (without the
            biases); of a list that with the best validation accuracy is kept.
        standardize: penalise the weights of features with mean 0 and deviation 1 over the training
            images, so that λ means the same for all of them; the network takes features as they
            are.
        max_iterations: of L-BFGS, for each λ.
        power: exponent of the features' power normalization, which comes before all else; 0.5 takes
            signed square roots.
    """
    vectors = layers.Input(input_shape)
    features = _power_normalization.normalized(vectors, power)
    dense = layers.Dense(classes, activation="softmax", kernel_initializer="zeros", dtype="float32")
    return keras.Model(vectors, dense(features), name="logistic_regression")


def solve(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    l2: float | Sequence[float],
    standardize: bool,
    max_iterations: int,
    power: float,
    class_weights: dict[int, float] | None = None,
) -> Iterator[tuple[dict[str, Any], list[np.ndarray]]]:
    """The weights of `build`'s network for each strength, from the strongest to the weakest.

    Each begins at the solution before it, which is near and has smaller weights.

    Args:
        features: (n, length) as float64; they are normalized in place.
        labels: (n,) class numbers, each of which is there.
        classes: number of classes.
        l2: see `build`; so are the next three.
        standardize: whether the features are.
        max_iterations: of each strength.
        power: of the features.
        class_weights: weight of the images of each class in the loss.

    Yields:
        `l2`, `iterations` and whether it `converged`; kernel (length, classes) and biases.
    """
    for block in row_blocks.even(len(features), BLOCK):
        features[block] = _power_normalization.normalized(features[block], power)
    mean, deviation = np.zeros(features.shape[1]), np.ones(features.shape[1])
    if standardize:
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        deviation[deviation == 0] = 1.0  # of a feature that is always the same
        features -= mean
        features /= deviation
    weights = np.ones(len(labels))
    if class_weights:
        weights = np.array([class_weights[label] for label in range(classes)])[labels]
    model = LogisticRegression(tol=TOLERANCE, max_iter=max_iterations, warm_start=True)
    for strength in sorted([l2] if isinstance(l2, float | int) else l2, reverse=True):
        # of two classes scikit-learn has one vector, and half the squares of two opposite ones
        model.C = (2 if classes == 2 else 1) / (strength * weights.sum())
        # the bits of a product depend on its threads, which are those of TensorFlow's operations
        threads = tf.config.threading.get_intra_op_parallelism_threads() or None
        with threadpool_limits(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told by `converged`
            model.fit(features, labels, weights)
        iterations = int(model.n_iter_.max())
        about = {"l2": strength, "iterations": iterations, "converged": iterations < max_iterations}
        kernel, biases = model.coef_.T, model.intercept_
        if classes == 2:
            kernel, biases = np.hstack([-kernel, kernel]) / 2, np.hstack([-biases, biases]) / 2
        kernel = kernel / deviation[:, None]
        yield about, [kernel.astype(np.float32), (biases - mean @ kernel).astype(np.float32)]
