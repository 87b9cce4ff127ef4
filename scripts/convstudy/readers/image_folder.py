"""Images of one's own: a folder of class folders, or an archive of it.

Two layouts are understood, at the top or beneath folders that all images share (`listing.layout`):

* `train/<class>/*`, with `test/`, `validation/` or both beside it, under all their usual names: the
  parts are kept as they are, those that are missing are drawn from `train`, and folders beside
  them are left out;
* `<class>/*`: all parts are drawn.

Files in subfolders of a class folder belong to the class. A class has the name of its folder, in
Unicode NFC and without outer blanks, and classes are sorted by name. Files with the endings of
`images.ENDINGS` count, in upper or lower case; images in other formats are refused, hidden files
are left out, and so are all others, which a note counts.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, BinaryIO

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.images import ENDINGS, is_image_like, is_image_name
from convstudy.foundation.errors import UserError
from convstudy.listing import groups, layout, other_files
from convstudy.listing.patterns import Selection
from convstudy.listing.tree import Listing
from convstudy.readers import Source

FILES = ("images",)


@contextlib.contextmanager
def open_reader(
    files: dict[str, Path],
    *,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    group_pattern: str | None = None,
    group_folder: Annotated[int | None, {"minimum": 1}] = None,
) -> Iterator[Source]:
    r"""Open a folder or an archive of images.

    Args:
        files: "images" is the folder or the archive.
        include: patterns on the path inside the folder or archive, `*` within a folder, `**`
            across; only images that fit one are used; null takes all.
        exclude: the same, for files that are not used and folders that may be empty.
        group_pattern: a regular expression on the path with a group named "group", such as
            `/(?P<group>P\d+)_`; images of one group stay in one part.
        group_folder: images in one n-th folder below the class folder, n from 1, are a group.
    """
    path = files["images"]
    found = _Found(Selection(include, exclude))
    with archives.extracted(path, found.takes) as contents:
        members = contents.members
        found.check(path, list(members))
        lay = layout.find_layout(
            Listing(
                str(path),
                list(members),
                found.folders_with(contents.empty_folders),
                [x for x in sorted(found.others) if x.lower().endswith(other_files.TABLES)],
                found.selection.excludes_folder,
            )
        )
        found.selection.check_used(str(path), next(iter(members)))
        names = list(lay.classes)
        class_names = sorted(set(lay.classes.values()))
        number = {name: label for label, name in enumerate(class_names)}

        def image(index: int) -> BinaryIO:
            return members[names[index]].open()

        yield Source(
            class_names,
            np.array([number[name] for name in lay.classes.values()], dtype=np.int64),
            names,
            image,
            list(lay.parts.values()) if any(lay.parts.values()) else (),
            groups.find_groups(str(path), lay.below, group_pattern, group_folder),
            [*lay.left_out, *found.left_out, *contents.left_out],
            [
                *lay.notes,
                *other_files.note_on_subfolders(lay.below),
                *other_files.note_on_siblings(lay.below, lay.classes),
                *found.notes(),
            ],
        )


@dataclass
class _Found:
    """What lies in the folder or archive beside the images that are taken."""

    selection: Selection
    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)

    def takes(self, name: str) -> bool:
        """Tell whether a file is an image to use, and remember what else it is."""
        self.folders.add(name.rpartition("/")[0])
        picture = is_image_like(name)
        excluded = self.selection.excludes(name)
        if excluded:
            if picture:
                self.left_out.append((name, "fits the option exclude"))
        elif not picture:
            self.others.append(name)
        elif not self.selection.includes(name):
            self.left_out.append((name, "fits no pattern of the option include"))
        elif is_image_name(name):
            return True
        else:
            self.pictures.append(name)
        return False

    def check(self, path: Path, images: list[str]) -> None:
        """Refuse pictures in other formats, and a folder or archive without images."""
        other_files.refuse_pictures(str(path), sorted(self.pictures), ENDINGS)
        if not images:
            options = f" ({len(self.left_out)} are left out by options)" if self.left_out else ""
            raise UserError(
                f"{path}: holds no images{options}. Expected files that end in "
                f"{', '.join(ENDINGS)}, in one folder a class."
            )

    def folders_with(self, empty: Sequence[str]) -> list[str]:
        """All folders, by their paths: those of the files, those without any, those above them."""
        above = {str(x) for one in [*self.folders, *empty] for x in PurePosixPath(one).parents}
        return sorted((self.folders | set(empty) | above) - {"", "."})

    def notes(self) -> list[str]:
        """Sentences on what is not used."""
        by_options = len(self.left_out)
        notes = [f"Left out by include and exclude: {by_options} images."] if by_options else []
        return notes + other_files.note_on_others(self.others)
