"""Names of classes and of parts, as people and their file systems spell them."""

import re
import unicodedata
from collections.abc import Iterable

from convstudy.foundation.errors import closest

PARTS = ("train", "validation", "test")
SEVERAL = "several"

_WORDS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("trainval", "valtrain"), SEVERAL),
}
# Words that say nothing of what is in a folder, alone or grown together with the name of a part.
_FILLERS = frozenset(
    "set sets data dataset datasets image images img imgs picture pictures photo photos sample "
    "samples split splits folder folders part subset file files".split()
)
_GROWN = re.compile(rf"({'|'.join(_WORDS)})({'|'.join(sorted(_FILLERS))})")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")


def normalized(name: str) -> str:
    """A name as it is compared: in Unicode NFC, without blanks around it.

    A Mac writes é as e and an accent (NFD), other systems as one letter.
    """
    return unicodedata.normalize("NFC", name).strip()


def part_of(name: str) -> str | None:
    """The part that a folder's or a column's word means: one of PARTS, SEVERAL, or None.

    Any case, and words without a meaning of their own beside it, are the part: `Training Data`,
    `train_set`, `images-test`, `train2017`; `test_tube` is not.
    """
    part, rest = _read(name)
    return None if any(not x.isdigit() and x not in _FILLERS for x in rest) else part


def mentions_part(name: str) -> bool:
    """Tell whether a word of a name is that of a part, also in `test_tube`."""
    return _read(name)[0] is not None


def parts_among(folders: Iterable[str]) -> dict[str, str]:
    """Those of some folders beside each other that mean a part: folder -> part.

    Beside what `part_of` knows, names that differ in nothing but the part: `seg_train`, `seg_test`.
    """
    read = {folder: _read(folder) for folder in folders}
    meanings: dict[tuple[str, ...], set[str]] = {}
    for part, rest in read.values():
        if part:
            meanings.setdefault(rest, set()).add(part)
    return {
        folder: part
        for folder, (part, rest) in sorted(read.items())
        if part and (part_of(folder) or len(meanings[rest]) > 1)
    }


def is_filler(name: str) -> bool:
    """Tell whether a folder's name says nothing of what is in it (`images`, `Data Set`)."""
    return all(word in _FILLERS for word in _tokens(name))


def near_miss(name: str, others: Iterable[str]) -> str:
    """A sentence on how the most similar of other names differs from a name, or nothing.

    Args:
        name: a normalized name.
        others: normalized names, without it.
    """
    near = closest(name, others)
    if near is None:
        return ""
    if near.casefold() == name.casefold():
        return f" '{near}' differs from it in upper and lower case only."
    if not (near + name).isascii():
        return f" '{near}' resembles it: code points {_points(near)}, not {_points(name)}."
    return f" '{near}' resembles it."


def _points(name: str) -> str:
    return " ".join(x if x.isascii() and x.isprintable() else f"U+{ord(x):04X}" for x in name)


def _tokens(name: str) -> list[str]:
    plain = normalized(name)
    if plain.casefold() in _WORDS:
        return [plain.casefold()]
    return [word.casefold() for word in _WORD.findall(plain)]


def _read(name: str) -> tuple[str | None, tuple[str, ...]]:
    """The part that a name means, if any, and its other words."""
    found, rest = set(), []
    for word in _tokens(name):
        grown = _GROWN.fullmatch(word)
        if word in _WORDS or grown:
            found.add(_WORDS[grown[1] if grown else word])
        else:
            rest.append(word)
    return (None if not found else found.pop() if len(found) == 1 else SEVERAL), tuple(rest)
