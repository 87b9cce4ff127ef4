"""Which classes of a data set are taken, and in which order."""

from collections import Counter
from collections.abc import Sequence

from convstudy.foundation.errors import UserError
from convstudy.readers import nearest


def choose_classes(
    class_names: Sequence[str],
    classes: Sequence[str | int] | None = None,
    max_classes: int | None = None,
) -> list[int]:
    """Turn a choice of classes into labels of the source, in the order of the choice.

    Args:
        class_names: all names of the source.
        classes: names (texts) or labels (numbers from 0); None is all in the order of the source.
        max_classes: keep only the first so many.
    """
    if classes is None:
        labels = list(range(len(class_names)))
    else:
        labels = [_label(choice, list(class_names)) for choice in classes]
    for label, count in Counter(labels).items():
        if count > 1:
            raise UserError(f"classes: '{class_names[label]}' is listed twice, expected once.")
    labels = labels if max_classes is None else labels[:max_classes]
    if len(labels) < 2:
        raise UserError(
            f"classes: {len(labels)} of the {len(class_names)} classes are left, expected 2 or "
            f"more. Check classes and max_classes, and that the data holds several classes."
        )
    return labels


def _label(choice: str | int, class_names: list[str]) -> int:
    if isinstance(choice, str):
        if choice in class_names:
            return class_names.index(choice)
        raise UserError(
            f"classes: unknown class '{choice}', expected names such as '{class_names[0]}'"
            f"{nearest(choice, class_names)}."
            if class_names
            else f"classes: unknown class '{choice}'; the data set has no classes."
        )
    if isinstance(choice, bool) or not isinstance(choice, int):
        raise UserError(f"classes: {choice!r}, expected a class name or a whole number.")
    if not 0 <= choice < len(class_names):
        raise UserError(
            f"classes: {choice}, expected a label from 0 to {len(class_names) - 1}. A class whose "
            f"name is a number needs quotes: '{choice}'."
        )
    return choice
