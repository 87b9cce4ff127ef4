"""Images whose classes stand in a table: `.csv`, `.tsv` or `.parquet`, one row an image.

A row names its image by the path inside the folder or archive, or by its file name where only one
image has that. Images that no row names are left out, and counted in a note. Classes are sorted by
name, images by path; the order of the rows and further columns mean nothing.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from convstudy.decoding import archives
from convstudy.decoding.images import is_image_name
from convstudy.foundation.errors import UserError
from convstudy.listing import names, table
from convstudy.readers import Source

FILES = ("table", "images")


@contextlib.contextmanager
def open_reader(
    files: dict[str, Path],
    *,
    image_column: str = "image",
    label_column: str = "label",
    split_column: str | None = None,
    group_column: str | None = None,
    image_suffix: str = "",
) -> Iterator[Source]:
    """Open a table and the folder or archive of its images.

    Args:
        files: "table" is the table, "images" the folder or archive.
        image_column: name of the column that names the image.
        label_column: name of the column with the class.
        split_column: name of the column with the part (train, val, test, ...), if there is one.
        group_column: name of the column with what the image is of (a patient); images of one group
            stay in one part.
        image_suffix: what is to be added to the names of images, such as ".jpg".
    """
    path = files["table"]
    rows, notes = table.read(path)
    columns = {
        option: table.column(path, rows, option, name)
        for option, name in (
            ("image_column", image_column),
            ("label_column", label_column),
            ("split_column", split_column),
            ("group_column", group_column),
        )
        if name is not None
    }
    if not len(rows):
        raise UserError(f"{path}: has no rows below the names of columns, expected one an image.")
    others: list[str] = []
    with archives.extracted(files["images"], lambda x: _is_image(x, others)) as contents:
        members = contents.members
        wanted = [name + image_suffix for name in columns["image_column"]]
        found = _images(files, rows.index.tolist(), wanted, list(members), others)
        order = np.argsort(np.array(found, dtype=object), kind="stable")
        labels = [names.normalized(x) for x in columns["label_column"]]
        class_names = sorted(set(labels))
        number = {name: label for label, name in enumerate(class_names)}
        parts = _parts(path, rows.index.tolist(), columns.get("split_column", []))
        groups = [names.normalized(x) for x in columns.get("group_column", [])]
        images = [found[row] for row in order]
        unnamed = sorted(set(members) - set(found))

        def image(index: int) -> BinaryIO:
            return members[images[index]].open()

        yield Source(
            class_names,
            np.array([number[labels[row]] for row in order], dtype=np.int64),
            images,
            image,
            [parts[row] for row in order] if parts else (),
            [groups[row] for row in order] if groups else (),
            [(name, f"no row of {path.name} names it") for name in unnamed] + contents.left_out,
            notes + _note_on_unnamed(path, unnamed),
        )


def _is_image(name: str, others: list[str]) -> bool:
    if not is_image_name(name):
        others.append(name)
        return False
    return True


def _images(
    files: dict[str, Path], rows: list[int], wanted: list[str], images: list[str], others: list[str]
) -> list[str]:
    """The path of the image of each row."""
    finder, path, where = table.Finder(images), files["table"], files["images"]
    matches = [finder.find(name) for name in wanted]
    several = [row for row, match in enumerate(matches) if len(match) > 1]
    if several:
        first = several[0]
        raise UserError(
            f"{path}: row {rows[first]} names '{wanted[first]}', and {where} holds several such "
            f"images: {', '.join(matches[first][:3])}. Write the whole path into the table."
        )
    missing = [row for row, match in enumerate(matches) if not match]
    if missing:
        raise UserError(
            f"{path}: {len(missing)} of {len(wanted)} images are not in {where}, first "
            f"'{wanted[missing[0]]}' (row {rows[missing[0]]}). "
            f"{_repair(wanted[missing[0]], images, others)}"
        )
    first: dict[str, int] = {}
    for row, (image,) in zip(rows, matches, strict=True):
        if image in first:
            raise UserError(
                f"{path}: rows {first[image]} and {row} name the same image '{image}', expected "
                f"one row an image: remove one."
            )
        first[image] = row
    return [image for (image,) in matches]


def _repair(name: str, images: list[str], others: list[str]) -> str:
    """What may help to find an image that is missing."""
    if table.Finder(others).find(name):
        return "It is there, in a format that cannot be read: convert it, or remove its rows."
    endings = {Path(x).suffix for x in images if Path(x).stem == name.rsplit("/", 1)[-1]}
    if len(endings) == 1:
        return f'Names lack their ending: set the option image_suffix: "{endings.pop()}".'
    return (
        f"Expected paths such as {images[0]!r}: correct the option image_column or image_suffix, "
        f"put the images there, or remove the rows."
        if images
        else "It holds no images: correct files.images."
    )


def _parts(path: Path, rows: list[int], words: list[str]) -> list[str]:
    """The part of each row; empty where there is no column of parts."""
    parts = {word: names.part_of(word) for word in set(words)}
    for row, word in zip(rows, words, strict=False):  # there are none without the option
        if parts[word] not in names.PARTS:
            raise UserError(
                f"{path}: row {row} has the part '{word}' (option split_column), expected train, "
                f"validation (or val) or test: correct it, or remove the row."
            )
    return [parts[word] for word in words]


def _note_on_unnamed(path: Path, unnamed: list[str]) -> list[str]:
    if not unnamed:
        return []
    return [f"Left out {len(unnamed)} images that no row of {path.name} names."]
