"""Which folders are parts and which are classes, told by the paths of images.

Understood are `<class>/*`, and `train/<class>/*` with `test/`, `validation/` or both beside it,
under the names that `names.parts_among` knows. Folders that all images share may lie above, and
stand twice (`seg_train/seg_train/<class>`). What lies deeper belongs to the class. A folder with
the name of a part is never a class at the top.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from convstudy.foundation.errors import UserError
from convstudy.listing import names, obstacles
from convstudy.listing.tree import Listing, Path, children, direct, parts_apart


@dataclass(frozen=True)
class Layout:
    """Where the images of a data set lie.

    Attributes:
        parts: the part of each image by its path, in the order given; "" where there are none.
        classes: the class of each image, normalized.
        below: the folders between the class folder and the image.
        left_out: (path, why) of images in folders beside the parts.
        notes: sentences on what was assumed.
    """

    parts: dict[str, str]
    classes: dict[str, str]
    below: dict[str, Path]
    left_out: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_layout(listing: Listing) -> Layout:
    """Find parts and classes.

    Raises:
        UserError: an image in the way, a part of two meanings or none, a class folder without
            images, or parts with different classes; the first path in the way is named.
    """
    paths = [tuple(image.split("/")) for image in listing.images]
    top = _top(paths)
    folders = names.parts_among(children(paths, top))
    if not folders:
        obstacles.several_folders(listing, paths, top)
        obstacles.no_part_as_class(listing, paths, top)
        tops = {"": top}
        beside: list[str] = []
    else:
        tops = _tops(listing, paths, top, folders)
        beside = sorted(children(paths, top) - set(folders))
        obstacles.no_stray(listing, paths, top, "")
    for part in ("train", "", "validation", "test"):
        if part in tops:
            obstacles.no_stray(listing, paths, tops[part], part)
    placed = {p: part for part, start in tops.items() for p in paths if p[: len(start)] == start}
    placed = {p: placed[p] for p in paths if p in placed}
    obstacles.no_part_within(listing, placed, tops)
    obstacles.no_empty_class(listing, placed, tops)
    classes = {p: names.normalized(p[len(tops[part])]) for p, part in placed.items()}
    obstacles.one_folder_a_class(listing, placed, tops)
    obstacles.same_classes(listing, placed, classes, tops)
    left = [p for p in paths if p not in placed]
    return Layout(
        {"/".join(p): part for p, part in placed.items()},
        {"/".join(p): name for p, name in classes.items()},
        {"/".join(p): p[len(tops[part]) + 1 : -1] for p, part in placed.items()},
        [("/".join(p), f"lies beside the parts, in '{p[len(top)]}'") for p in left],
        [
            *_notes_on_parts(tops, top, left, beside),
            *_notes_above(listing, top),
            *_notes_on_names(placed, tops),
        ],
    )


def _top(paths: Sequence[Path]) -> Path:
    """The folder, below those that all images share, that holds the parts or the classes."""
    top: Path = ()
    while not direct(paths, top):
        (child, *others) = sorted(children(paths, top))
        inner = (*top, child)
        deeper = children(paths, inner)
        # One part alone is a part, unless it is a folder around several ("test data/train").
        alone = names.parts_among([child]) and not parts_apart(deeper)
        if others or not deeper or alone:
            break
        top = inner
    return top


def _tops(
    listing: Listing, paths: list[Path], top: Path, folders: dict[str, str]
) -> dict[str, Path]:
    """The folder of each part that holds its class folders."""
    where, found = listing.where, {}
    for folder, part in folders.items():
        path = "/".join((*top, folder))
        if part == names.SEVERAL:
            raise UserError(
                f"{where}: the folder '{path}' has the name of two parts, expected one, such as "
                f"'train' or 'test': rename it, or leave it out with exclude: [\"{path}/**\"]."
            )
        if part in found:
            raise UserError(
                f"{where}: the folders '{'/'.join(found[part])}' and '{path}' both mean the {part} "
                f'part, expected one: join them, or leave one out with exclude: ["{path}/**"].'
            )
        found[part] = (*top, folder)
    if "train" not in found:
        first = "/".join(next(p for p in paths if p[: len(top) + 1] in found.values()))
        raise UserError(
            f"{where}: '{first}' lies in a folder with the name of a part, and there is no folder "
            f"'train' beside it, expected train/<class>/*: rename the folder, or leave it out with "
            f"the option exclude."
        )
    return _inner(paths, found)


def _inner(paths: list[Path], tops: dict[str, Path]) -> dict[str, Path]:
    """The folders of parts without those within that hold all their images and are no class."""
    inner, shared = dict(tops), set()
    for part in sorted(tops, key=names.PARTS.index):
        while len(found := children(paths, inner[part])) == 1 and not direct(paths, inner[part]):
            (child,) = found
            folder = (*inner[part], child)
            again = child == inner[part][-1] or names.part_of(child) == part
            again = again or names.is_filler(child) or child in shared
            # The unlabelled images of test/test/ are no class 'test', those of test/cat/ are one.
            if not again and (part != "train" or not children(paths, folder)):
                break
            inner[part] = folder
            if part == "train":
                shared.add(child)
    return inner


def _notes_on_parts(
    tops: dict[str, Path], top: Path, left: list[Path], beside: list[str]
) -> list[str]:
    notes = []
    if "" not in tops:
        told = ", ".join(f"'{'/'.join(tops[x])}' is {x}" for x in names.PARTS if x in tops)
        drawn = [x for x in names.PARTS if x not in tops]
        rest = f"; {' and '.join(drawn)} images are drawn from train" if drawn else ""
        notes.append(f"The parts are those of the folders: {told}{rest}.")
    if left:
        counts = Counter(p[len(top)] for p in left)
        listed = ", ".join(f"'{folder}' ({counts[folder]})" for folder in beside)
        notes.append(f"Left out images in folders beside the parts: {listed}.")
    return notes


def _notes_above(listing: Listing, top: Path) -> list[str]:
    """A sentence on folders without images beside those that all images share."""
    beside = [
        f"'{name}'"
        for name in sorted(listing.folders)
        for folder in [tuple(name.split("/"))]
        if len(folder) <= len(top) and folder[:-1] == top[: len(folder) - 1]
        if folder != top[: len(folder)]
    ]
    if not beside:
        return []
    return [
        f"All images lie in '{'/'.join(top)}', whose folders are the parts or classes; folders "
        f"without images beside it: {', '.join(beside[:5])}."
    ]


def _notes_on_names(placed: dict[Path, str], tops: dict[str, Path]) -> list[str]:
    found = {p[len(tops[part])] for p, part in placed.items()}
    changed = sorted(x for x in found if names.normalized(x) != x)
    notes = []
    if changed:
        notes.append(
            f"Names of classes are without outer blanks and in Unicode's composed form: the folder "
            f"{ascii(changed[0])} is the class '{names.normalized(changed[0])}'."
        )
    cases: dict[str, str] = {}
    for name in sorted({names.normalized(x) for x in found}):
        other = cases.setdefault(name.casefold(), name)
        if other != name:
            notes.append(f"The classes '{other}' and '{name}' differ in upper and lower case only.")
    return notes
