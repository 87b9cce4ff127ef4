"""What each image is of (a patient, an animal, a burst), told by its path."""

import re
from collections.abc import Mapping, Sequence

from convstudy.foundation.errors import UserError
from convstudy.listing.names import normalized


def find_groups(
    where: str,
    below: Mapping[str, Sequence[str]],
    group_pattern: str | None,
    group_folder: int | None,
) -> list[str]:
    """The group of each image, or nothing where neither option is set.

    Args:
        where: the folder or archive.
        below: of each image, by its path, the folders between its class folder and itself.
        group_pattern: a regular expression, searched in the path; its named group "group" is the
            group.
        group_folder: the group is the n-th folder below the class folder, n from 1.

    Raises:
        UserError: a bad option, or an image that has no group.
    """
    if group_pattern is not None and group_folder is not None:
        raise UserError("options: group_pattern and group_folder are both set, expected one.")
    if group_pattern is not None:
        pattern = _compiled(group_pattern)
        found = {path: pattern.search(path) for path in below}
        told = {path: match and match["group"] for path, match in found.items()}
        rule = f"the option group_pattern ('{group_pattern}')"
    elif group_folder is not None:
        if isinstance(group_folder, bool) or not isinstance(group_folder, int) or group_folder < 1:
            raise UserError(f"group_folder: {group_folder!r}, expected a whole number from 1.")
        told = {p: f[group_folder - 1] if len(f) >= group_folder else "" for p, f in below.items()}
        rule = f"the option group_folder ({group_folder}, counted below the class folder)"
    else:
        return []
    missing = [path for path, group in told.items() if not group]
    if missing:
        raise UserError(
            f"{where}: {rule} gives '{missing[0]}' no group ({len(missing)} of {len(told)} "
            f"images). Every image needs one: correct the option, or leave such images out with "
            f"exclude."
        )
    return [normalized(group) for group in told.values()]


def _compiled(text: str) -> re.Pattern:
    example = r"such as '/(?P<group>P\d+)_'"
    try:
        pattern = re.compile(text)
    except (re.error, TypeError) as error:
        raise UserError(
            f"group_pattern: {text!r} is no regular expression ({error}), expected one {example}."
        ) from error
    if "group" not in pattern.groupindex:
        raise UserError(
            f"group_pattern: '{text}' has no group of the name 'group', expected one {example}."
        )
    return pattern
