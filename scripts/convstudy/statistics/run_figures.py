"""The figures of one run that follow from its predictions alone."""

from typing import Any

import numpy as np

from convstudy.statistics import calibration, metrics, per_class

Predictions = tuple[np.ndarray, np.ndarray]  # probabilities (n, classes), labels (n,)


def of_predictions(
    held_out: Predictions, on_test: Predictions, class_names: list[str]
) -> dict[str, Any]:
    """What predictions say; the temperature is that of the validation images.

    Args:
        held_out: probabilities (n, classes) and labels (n,) of the validation images.
        on_test: the same of the test images.
        class_names: names in the order of the labels.

    Returns:
        Figures of metrics.json, builtin types.
    """
    temperature = calibration.fitted_temperature(*held_out)
    test = metrics.evaluate(*on_test) | metrics.after_temperature(*on_test, temperature)
    missed = per_class.never_predicted(*on_test)
    validation = metrics.loss_and_accuracy(*held_out)
    return {
        "n_classes": len(class_names),
        "n_validation": len(held_out[1]),
        "n_test": len(on_test[1]),
        "majority_accuracy": metrics.majority_accuracy(on_test[1]),
        "temperature": temperature,
        **{f"test_{name}": value for name, value in test.items()},
        "test_never_predicted": [class_names[c] for c in missed],
        **{f"validation_{name}": value for name, value in validation.items()},
    }
