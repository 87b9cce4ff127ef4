"""Weights of the classes in the loss of training, for data sets with rare classes."""

from collections.abc import Mapping, Sequence

import numpy as np

from convstudy.foundation.errors import UserError

BALANCED = "balanced"


def of_training(
    asked: str | Mapping[str, float] | None, labels: np.ndarray, class_names: Sequence[str]
) -> dict[int, float] | None:
    """The weight of each class by its label, as the `class_weight` of Keras's `fit`.

    Args:
        asked: `training.class_weights`. `balanced` weighs a class by n / (classes * n_c), as
            scikit-learn's `compute_class_weight` does: all classes have the same sum of weights.
        labels: of the training images (n,).
        class_names: names in the order of the labels.

    Returns:
        None where nothing is asked for; else a weight above 0 for every class.

    Raises:
        UserError: the names are not those of the classes, or a class to balance has no image.
    """
    if asked is None:
        return None
    if asked == BALANCED:
        counts = np.bincount(labels, minlength=len(class_names))
        for place in np.flatnonzero(counts == 0)[:1]:
            raise UserError(
                f"training.class_weights: balanced, but class '{class_names[place]}' has no "
                f"training image. Leave it out of the data set's classes, or add images."
            )
        return dict(enumerate((len(labels) / (len(counts) * counts)).tolist()))
    for name in asked:
        if name not in class_names:
            raise UserError(
                f"training.class_weights: '{name}' is no class of the data set, expected a weight "
                f"for each of {_listed(class_names)}. Correct the name."
            )
    missing = [name for name in class_names if name not in asked]
    if missing:
        raise UserError(
            f"training.class_weights: no weight for {_listed(missing)}, expected one for each "
            f"class of the data set. Add it; 1 leaves a class as it is."
        )
    return {label: float(asked[name]) for label, name in enumerate(class_names)}


def _listed(names: Sequence[str], most: int = 10) -> str:
    quoted = ", ".join(f"'{name}'" for name in names[:most])
    return quoted + (f" and {len(names) - most} more" if len(names) > most else "")
