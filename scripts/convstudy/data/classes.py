"""Which classes of a data set are taken, and in which order."""

import contextlib
from collections import Counter
from collections.abc import Sequence

from convstudy.foundation.errors import UserError
from convstudy.listing.names import normalized
from convstudy.readers import nearest


def choose_classes(
    class_names: Sequence[str],
    classes: Sequence[str | int] | None = None,
    max_classes: int | None = None,
    exclude_classes: Sequence[str | int] = (),
    *,
    numbered: bool = False,
) -> list[int]:
    """Turn a choice of classes into labels of the source, in the order of the choice.

    Args:
        class_names: all names of the source.
        classes: names; None is all in the order of the source.
        max_classes: keep only the first so many of those that are left.
        exclude_classes: names of classes to leave out.
        numbered: numbers in a choice are labels of the source, from 0; if not, a number means the
            class of that name.
    """
    known = [normalized(name) for name in class_names]
    if classes is None:
        labels = list(range(len(known)))
    else:
        labels = [_label("classes", choice, known, numbered) for choice in classes]
    for label, count in Counter(labels).items():
        if count > 1:
            raise UserError(f"classes: '{class_names[label]}' is listed twice, expected once.")
    left_out = {_label("exclude_classes", choice, known, numbered) for choice in exclude_classes}
    labels = [label for label in labels if label not in left_out][:max_classes]
    if len(labels) < 2:
        raise UserError(
            f"classes: {len(labels)} of the {len(class_names)} classes are left, expected 2 or "
            f"more. Check classes, exclude_classes and max_classes, and that the data holds "
            f"several classes."
        )
    return labels


def _label(key: str, choice: str | int, known: list[str], numbered: bool) -> int:
    if isinstance(choice, str):
        name = normalized(choice)
        if name in known:
            return known.index(name)
        raise UserError(
            f"{key}: unknown class '{choice}', expected names such as '{known[0]}'"
            f"{nearest(name, known)}."
            if known
            else f"{key}: unknown class '{choice}'; the data set has no classes."
        )
    if isinstance(choice, bool) or not isinstance(choice, int):
        raise UserError(f"{key}: {choice!r}, expected a class name or a whole number.")
    return _published(key, choice, known) if numbered else _of_that_name(key, choice, known)


def _published(key: str, number: int, known: list[str]) -> int:
    if not 0 <= number < len(known):
        raise UserError(
            f"{key}: {number}, expected a label from 0 to {len(known) - 1}. A class whose "
            f"name is a number needs quotes: '{number}'."
        )
    return number


def _of_that_name(key: str, number: int, known: list[str]) -> int:
    """The class whose name is a number; YAML reads 01 as 1."""
    fitting = [label for label, name in enumerate(known) if _number(name) == number]
    if not fitting:
        raise UserError(
            f"{key}: {number}, and no class has that number for its name. Write the name of the "
            f"class{f', such as {known[0]!r}' if known else ''}."
        )
    if len(fitting) > 1:
        listed = " and ".join(f"'{known[label]}'" for label in fitting)
        raise UserError(
            f"{key}: {number} may mean the classes {listed}, expected one: write its name in "
            f"quotes."
        )
    return fitting[0]


def _number(name: str) -> int | None:
    with contextlib.suppress(ValueError):
        return int(name) if name.lstrip("-").isdecimal() else None
    return None
