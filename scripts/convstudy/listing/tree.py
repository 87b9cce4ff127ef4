"""Paths of images as a tree of folders."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from convstudy.listing import names

Path = tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """What there is: paths of images, folders and tables, relative to a folder or archive.

    Attributes:
        where: the folder or archive, for messages.
        images: paths of the images, at least one.
        folders: paths of folders, also of those without images.
        tables: paths of tables (.csv and the like).
        excluded: whether an option leaves out what a folder may hold.
    """

    where: str
    images: Sequence[str]
    folders: Iterable[str] = ()
    tables: Sequence[str] = ()
    excluded: Callable[[str], bool] = lambda folder: False


def children(paths: Iterable[Path], above: Path) -> set[str]:
    """Names of the folders right below a folder that hold images at any depth."""
    depth = len(above)
    return {p[depth] for p in paths if p[:depth] == above and len(p) > depth + 1}


def direct(paths: Iterable[Path], above: Path) -> list[Path]:
    """Those that lie right in a folder."""
    return [p for p in paths if len(p) == len(above) + 1 and p[:-1] == above]


def parts_apart(folders: Iterable[str]) -> bool:
    """Tell whether folders beside each other mean more than one part."""
    return len(set(names.parts_among(folders).values())) > 1
