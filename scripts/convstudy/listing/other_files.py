"""Files beside the images that a data set is read from, and what is said of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from convstudy.foundation.errors import UserError

TABLES = (".csv", ".tsv", ".xlsx", ".parquet")


def refuse_pictures(where: str, pictures: Sequence[str], endings: Sequence[str]) -> None:
    """Refuse pictures in formats that cannot be read.

    Args:
        where: the folder or archive.
        pictures: their paths.
        endings: those of formats that can be read.
    """
    if pictures:
        counts = _by_ending(pictures)
        kind = PurePosixPath(pictures[0]).suffix
        raise UserError(
            f"{where}: '{pictures[0]}' looks like an image in a format that cannot be read "
            f"({counts}). Expected files that end in {', '.join(endings)}: convert them, or leave "
            f'them out with the option exclude: ["**/*{kind}"].'
        )


def note_on_others(others: Sequence[str]) -> list[str]:
    """A sentence that counts files that are no images, by ending; nothing where there are none."""
    return [f"Left out files that are no images: {_by_ending(others)}."] if others else []


def note_on_siblings(below: Mapping[str, Sequence[str]], classes: Mapping[str, str]) -> list[str]:
    """A sentence on file names that stand in two sub-folders of a class, as masks do.

    Args:
        below: of each image, by its path, the folders between its class folder and itself.
        classes: the class of each image.
    """
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path, folders in below.items():
        if folders:
            stem = PurePosixPath(path).stem
            places[classes[path], stem].add("/".join(folders))
    pairs = Counter(tuple(sorted(found)) for found in places.values() if len(found) > 1)
    if not pairs:
        return []
    folders, _ = pairs.most_common(1)[0]
    return [
        f"{pairs.total()} file names stand in two sub-folders of a class, such as "
        f"{' and '.join(repr(x) for x in folders[:2])}. All count as images of the class: if one "
        f'holds masks or copies, leave it out with the option exclude: ["**/{folders[-1]}/*"].'
    ]


def note_on_subfolders(below: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence on images in sub-folders of their class folder, where there are any."""
    deeper = [path for path, folders in below.items() if folders]
    if not deeper:
        return []
    return [
        f"{len(deeper)} images lie in sub-folders of their class folder, such as '{deeper[0]}', "
        f"and are of the class."
    ]


def _by_ending(names: Iterable[str]) -> str:
    counts = Counter(PurePosixPath(name).suffix.lower()[:20] or "no ending" for name in names)
    listed = [f"{count} {ending}" for ending, count in counts.most_common(8)]
    return ", ".join(listed + ["..."] * (len(counts) > 8))
