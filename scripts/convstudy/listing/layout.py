"""Which folders are parts and which are classes, told by the paths of images.

Understood are `<class>/*`, and `train/<class>/*` with `test/`, `validation/` or both beside it,
under the names that `names.parts_among` knows. Folders that all images share may lie above, and
stand twice (`seg_train/seg_train/<class>`). What lies deeper belongs to the class. A folder with
the name of a part is never a class at the top.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from convstudy.foundation.errors import UserError
from convstudy.listing import names

Path = tuple[str, ...]


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


def find_layout(listing: Listing) -> Layout:
    """Find parts and classes.

    Raises:
        UserError: an image in the way, a part of two meanings or none, a class folder without
            images, or parts with different classes; the first path in the way is named.
    """
    paths = [tuple(image.split("/")) for image in listing.images]
    top = _top(paths)
    folders = names.parts_among(_children(paths, top))
    if not folders:
        _several_folders(listing, paths, top)
        tops = {"": top}
        beside: list[str] = []
    else:
        tops = _tops(listing, paths, top, folders)
        beside = sorted(_children(paths, top) - set(folders))
        _no_stray(listing, paths, top, "")
    for part in ("train", "", "validation", "test"):
        if part in tops:
            _no_stray(listing, paths, tops[part], part)
    placed = {p: part for part, start in tops.items() for p in paths if p[: len(start)] == start}
    placed = {p: placed[p] for p in paths if p in placed}
    _no_part_within(listing, placed, tops)
    _no_empty_class(listing, placed, tops)
    classes = {p: names.normalized(p[len(tops[part])]) for p, part in placed.items()}
    _one_folder_a_class(listing, placed, tops)
    _same_classes(listing, placed, classes, tops)
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


def _children(paths: Iterable[Path], above: Path) -> set[str]:
    """Names of the folders right below a folder that hold images at any depth."""
    depth = len(above)
    return {p[depth] for p in paths if p[:depth] == above and len(p) > depth + 1}


def _direct(paths: Iterable[Path], above: Path) -> list[Path]:
    return [p for p in paths if len(p) == len(above) + 1 and p[:-1] == above]


def _top(paths: Sequence[Path]) -> Path:
    """The folder, below those that all images share, that holds the parts or the classes."""
    top: Path = ()
    while not _direct(paths, top):
        (child, *others) = sorted(_children(paths, top))
        inner = (*top, child)
        deeper = _children(paths, inner)
        # One part alone is a part, unless it is a folder around several ("test data/train").
        alone = names.parts_among([child]) and not _parts_apart(deeper)
        if others or not deeper or alone:
            break
        top = inner
    return top


def _parts_apart(folders: Iterable[str]) -> bool:
    return len(set(names.parts_among(folders).values())) > 1


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
    shared: set[str] = set()
    for part in sorted(found, key=("train", "validation", "test").index):
        while len(inner := _children(paths, found[part])) == 1:
            (child,) = inner
            again = child == found[part][-1] or names.part_of(child) == part
            again = again or names.is_filler(child) or child in shared
            folder = (*found[part], child)
            if _direct(paths, found[part]) or not (again or part == "train"):
                break
            # The unlabelled images of test/test/ are no class 'test', those of cat/ are.
            if not _children(paths, folder) and not again:
                break
            found[part] = folder
            if part == "train":
                shared.add(child)
    return found


def _several_folders(listing: Listing, paths: list[Path], top: Path) -> None:
    """Refuse images that lie in a single folder with a table beside it."""
    if listing.tables and len(_children(paths, top)) == 1 and not _direct(paths, top):
        raise UserError(
            f"{listing.where}: all images, such as '{listing.images[0]}', lie in one folder, and "
            f"'{listing.tables[0]}' beside it. If that table has their labels, use the reader "
            f"'table' (files: table and images); if not, sort the images into one folder a class."
        )


def _no_stray(listing: Listing, paths: list[Path], top: Path, part: str) -> None:
    """Refuse an image that lies in no class folder."""
    stray = _direct(paths, top)
    if not stray:
        return
    first, folder = "/".join(stray[0]), "/".join(top)
    said = f"{listing.where}: the image '{first}' lies in no class folder"
    count = f" ({len(stray)} such images)" if len(stray) > 1 else ""
    pattern = f"{folder}/*" if folder else stray[0][-1] if len(stray) == 1 else "*"
    leave = f'exclude: ["{pattern}"]'
    if part in ("validation", "test"):
        drawn = f"the {part} part is then drawn from train"
        raise UserError(
            f"{said}{count}, expected {folder}/<class>/*. Images without labels cannot be a {part} "
            f"part: leave them out with the option {leave}, {drawn}."
        )
    if listing.tables:
        raise UserError(
            f"{said}{count}, and '{listing.tables[0]}' lies beside the images. If that table has "
            f"their labels, use the reader 'table' (files: table and images); if not, sort the "
            f"images into one folder a class, or leave them out with the option {leave}."
        )
    raise UserError(
        f"{said}{count}. Expected <class>/*, or train/<class>/* and test/<class>/*: move it, or "
        f"leave it out with the option {leave}."
    )


def _no_part_within(listing: Listing, placed: dict[Path, str], tops: dict[str, Path]) -> None:
    """Refuse folders of parts below the level of classes, whose parts would be mixed."""
    known: dict[str, str | None] = {}
    for p, part in placed.items():
        for name in p[len(tops[part]) + 1 : -1]:
            if name not in known:
                known[name] = names.part_of(name)
            if known[name]:
                raise UserError(
                    f"{listing.where}: '{'/'.join(p)}' lies in the folder '{name}', which has the "
                    f"name of a part, inside another folder. Expected train/<class>/* and "
                    f"test/<class>/*: name the folder that holds them, or move or rename it, or "
                    f"leave it out with the option exclude."
                )
    for part, top in tops.items():
        if part and _parts_apart(_children(placed, top)):
            first = next("/".join(p) for p in placed if p[: len(top)] == top)
            raise UserError(
                f"{listing.where}: '{first}' lies in a part inside a part. Expected "
                f"train/<class>/*, validation/<class>/* and test/<class>/* beside each other: move "
                f"the folders."
            )


def _no_empty_class(listing: Listing, placed: dict[Path, str], tops: dict[str, Path]) -> None:
    """Refuse a class folder without images, which would vanish in silence."""
    full = {p[: len(tops[part]) + 1] for p, part in placed.items()}
    for name in sorted(listing.folders):
        folder = tuple(name.split("/"))
        if folder[:-1] in tops.values() and folder not in full and not listing.excluded(name):
            raise UserError(
                f"{listing.where}: the class folder '{name}' holds no images. Put them there, "
                f'remove the folder, or leave it out with the option exclude: ["{name}/**"].'
            )


def _one_folder_a_class(listing: Listing, placed: dict[Path, str], tops: dict[str, Path]) -> None:
    for top in tops.values():
        found: dict[str, str] = {}
        for folder in sorted(_children(placed, top)):
            other = found.setdefault(names.normalized(folder), folder)
            if other != folder:
                raise UserError(
                    f"{listing.where}: the class folders {ascii(other)} and {ascii(folder)} have "
                    f"one name, but for blanks around it or the code points of its letters. "
                    f"Expected one folder a class: join them, or rename one."
                )


def _same_classes(
    listing: Listing, placed: dict[Path, str], classes: dict[Path, str], tops: dict[str, Path]
) -> None:
    """Refuse a class that is in one part and not in another."""
    own = {part: {classes[p] for p, x in placed.items() if x == part} for part in tops if part}
    for part in own:
        for one, other in ((part, "train"), ("train", part)):
            lacking = sorted(own[one] - own[other])
            if lacking:
                folders = ["/".join(tops[x]) for x in (one, other)]
                near = names.near_miss(lacking[0], own[other] - own[one])
                raise UserError(
                    f"{listing.where}: the class '{lacking[0]}' is in '{folders[0]}' and not in "
                    f"'{folders[1]}' ({len(lacking)} such classes), expected the same classes in "
                    f"both.{near} Rename it, add images, or leave it out with the option exclude: "
                    f'["{folders[0]}/{lacking[0]}/**"].'
                )


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
