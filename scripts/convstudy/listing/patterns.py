"""Which files of a folder or archive are taken: patterns on their paths in it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from convstudy.foundation.errors import UserError


class Selection:
    """The options `include` and `exclude`.

    A pattern is that of a whole path ("cat/masks/1.png"): `*` and `?` stand for any letters within
    a folder's or file's name, `**` for any letters across folders, `[ab]` for one of those letters.

    Attributes:
        excluded: how many files each pattern of `exclude` has left out so far.
    """

    def __init__(self, include: Sequence[str] | None, exclude: Sequence[str] | None) -> None:
        self._include = _compiled("include", include)
        self._exclude = _compiled("exclude", exclude)
        self.excluded: Counter[str] = Counter()

    def excludes(self, path: str) -> bool:
        """Tell whether a file is left out by a pattern of `exclude`, and count it."""
        path = unicodedata.normalize("NFC", path)
        fitting = [pattern for pattern, fits in self._exclude.items() if fits.fullmatch(path)]
        self.excluded.update(fitting)
        return bool(fitting)

    def includes(self, path: str) -> bool:
        """Tell whether a file fits a pattern of `include`, or there is none."""
        path = unicodedata.normalize("NFC", path)
        return not self._include or any(fits.fullmatch(path) for fits in self._include.values())

    def excludes_folder(self, folder: str) -> bool:
        """Tell whether files of a folder that is empty would be left out."""
        return any([self.excludes(f"{folder}/file"), self.excludes(folder)])

    def check_used(self, where: str, example: str) -> None:
        """Refuse a pattern of `exclude` that has left out nothing: it is mistyped.

        Args:
            where: the folder or archive.
            example: one path in it.
        """
        for pattern in self._exclude:
            if not self.excluded[pattern]:
                raise UserError(
                    f"{where}: the pattern '{pattern}' of the option exclude fits no file. "
                    f"Patterns are those of whole paths, such as '{example}'; '*' stays within a "
                    f"folder, '**' goes across: correct it, or remove it."
                )


def _compiled(option: str, patterns: Sequence[str] | None) -> dict[str, re.Pattern]:
    if isinstance(patterns, str) or not all(isinstance(x, str) for x in patterns or ()):
        raise UserError(f"{option}: {patterns!r}, expected a list of patterns.")
    return {x: _regular(option, unicodedata.normalize("NFC", x)) for x in patterns or ()}


def _regular(option: str, pattern: str) -> re.Pattern:
    """The regular expression of a pattern."""
    kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    words = []
    for word in re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^/\]]+\]|.", pattern, re.S):
        if len(word) > 2 and word[0] == "[":
            inner = re.escape(word[1:-1].lstrip("!")).replace(r"\-", "-")
            words.append(f"[{'^/' * word.startswith('[!')}{inner}]")
        else:
            words.append(kinds.get(word) or re.escape(word))
    try:
        return re.compile("".join(words), re.S)
    except re.error as error:
        raise UserError(
            f"{option}: '{pattern}' is no pattern ({error}), expected one such as '*/masks/*'."
        ) from error
