"""Links inside an archive, followed by name alone: no path that an archive chooses is opened."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from convstudy.decoding.archive_formats import MAX_NAME, Entry

MAX_STEPS = 40  # links that lead to links, as many as Linux follows


@dataclass(frozen=True)
class Link:
    """A link of an archive.

    Attributes:
        text: the path that it gives, shortened for messages.
        target: the name of the member that it leads to; None where it leads out of the archive.
        place: which member of the archive it is, counted from 1.
        hard: a hard link shares the content of an earlier member.
    """

    text: str
    target: str | None
    place: int
    hard: bool


def plain(name: str) -> str:
    """A member's name without what says nothing: "./a//b/" is "a/b"."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def link_of(name: str, entry: Entry, place: int) -> Link:
    """Read the link `entry`, whose plain name is `name`."""
    hard, text = entry.kind == "hard link", entry.target
    # a hard link gives a path from the top of the archive, a symbolic one from its own folder
    path = posixpath.normpath(text if hard else posixpath.join(posixpath.dirname(name), text))
    out = path.startswith(("/", "../")) or path in ("..", ".") or len(text) > MAX_NAME
    return Link(text[:200], None if out else plain(path), place, hard)


def file_of(name: str, links: Mapping[str, Link]) -> tuple[str, int | None] | str:
    """Follow a link until it leads to what is no link.

    Args:
        name: plain name of a link.
        links: all links of the archive by name.

    Returns:
        The plain name there, and before which member of the archive it must stand (None: it may
        stand anywhere); or in words why the link leads to no file.
    """
    before = None
    for _ in range(MAX_STEPS):
        link = links[name]
        if link.target is None:
            return "which leads out of the archive"
        name, before = link.target, link.place if link.hard else None
        if name not in links:
            return name, before
        if before is not None and links[name].place >= before:
            return "which does not come before it"
    return "which leads on and on"
