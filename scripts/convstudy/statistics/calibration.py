"""How well a network's confidence agrees with how often it is right.

Calibration, its error and the temperature follow Guo et al. 2017 (arXiv 1706.04599).
"""

import numpy as np
from scipy import optimize, special

BINS = 15
FLOOR_DRAWS = 200
# Below 1e-12 a probability is nothing but rounding; it has no logarithm to be scaled.
LEAST = 1e-12
TEMPERATURES = (0.05, 20.0)


def floor(probabilities: np.ndarray) -> tuple[float, float]:
    """The calibration error of a perfectly calibrated network with these probabilities.

    The error is never negative, so with few images it is far from 0 by chance alone. Here labels
    are drawn from the probabilities (n, classes) themselves, 200 times. The random state is the
    same for every call.

    Returns:
        The mean of the errors, which is what calibration can reach, and their 95th percentile: a
        calibrated network has a larger error in one of 20 cases.
    """
    confidence = np.asarray(probabilities, dtype=np.float64).max(axis=1)
    confidence = np.minimum(confidence, 1)
    members = np.zeros((len(confidence), BINS))
    members[np.arange(len(confidence)), _bin_of(confidence, BINS)] = 1
    expected = confidence @ members
    rng, errors = np.random.default_rng(0), np.empty(FLOOR_DRAWS)
    for draw in range(FLOOR_DRAWS):
        right = rng.random(len(confidence)) < confidence
        errors[draw] = np.abs(right @ members - expected).sum() / len(confidence)
    return float(errors.mean()), float(np.percentile(errors, 95))


def fitted_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature (0.05 to 20) that gives the least log loss; fitted on validation images."""
    logits = _logits(probabilities)

    def loss(logarithm: float) -> float:
        scaled = special.log_softmax(logits / np.exp(logarithm), axis=1)
        return -scaled[np.arange(len(labels)), labels].mean()

    found = optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) after the logits were divided by a temperature."""
    return special.softmax(_logits(probabilities) / temperature, axis=1)


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare confidence with accuracy in equal-width bins of the top probability.

    Bin i holds the confidences in (i / bins, (i + 1) / bins].

    Returns:
        (images, mean confidence, accuracy), each of shape (bins,); the means are 0 in empty bins.
    """
    confidence = np.asarray(probabilities, dtype=np.float64).max(axis=1)
    correct = np.asarray(probabilities).argmax(axis=1) == labels
    index = _bin_of(confidence, bins)
    count = np.bincount(index, minlength=bins)
    divisor = np.maximum(count, 1)
    mean_confidence = np.bincount(index, weights=confidence, minlength=bins) / divisor
    accuracy = np.bincount(index, weights=correct, minlength=bins) / divisor
    return count, mean_confidence, accuracy


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS
) -> float:
    """Top-label ECE of Guo et al. 2017: |accuracy - confidence| averaged over images by bin."""
    count, confidence, accuracy = reliability(probabilities, labels, bins)
    return float((count * np.abs(accuracy - confidence)).sum() / count.sum())


def _bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    # Rounding guards edges such as 0.2 in float32, which is a little more than 0.2 in float64.
    index = np.ceil(np.round(confidence * bins, 6)).astype(int) - 1
    return np.clip(index, 0, bins - 1)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities: logits but for a constant an image, which softmax ignores."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), LEAST))
