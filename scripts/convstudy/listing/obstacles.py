"""What is in the way of reading folders as parts and classes; each is refused by its first path.

`top` is a folder that holds class folders, `tops` that of each part. Of `placed` images the part is
known, "" where there are no parts. All raise `UserError`.
"""

from convstudy.foundation.errors import UserError
from convstudy.listing import names
from convstudy.listing.tree import Listing, Path, children, direct, parts_apart


def several_folders(listing: Listing, paths: list[Path], top: Path) -> None:
    """Refuse images that lie in a single folder with a table beside it."""
    if listing.tables and len(children(paths, top)) == 1 and not direct(paths, top):
        raise UserError(
            f"{listing.where}: all images, such as '{listing.images[0]}', lie in one folder, and "
            f"'{listing.tables[0]}' beside it. If that table has their labels, use the reader "
            f"'table' (files: table and images); if not, sort the images into one folder a class."
        )


def no_part_as_class(listing: Listing, paths: list[Path], top: Path) -> None:
    """Refuse a would-be class that holds class folders and has a part in its name."""
    for folder in sorted(children(paths, top)):
        within = (*top, folder)
        if (
            names.mentions_part(folder)
            and len(children(paths, within)) > 1
            and not direct(paths, within)
        ):
            first = next("/".join(p) for p in paths if p[: len(within)] == within)
            raise UserError(
                f"{listing.where}: '{first}' lies in a folder with the name of a part, and no "
                f"other part stands beside '{folder}'. Expected train/<class>/* and "
                f"test/<class>/*, or <class>/*: rename the folders, or leave out those beside it "
                f"with the option exclude."
            )


def no_stray(listing: Listing, paths: list[Path], top: Path, part: str) -> None:
    """Refuse an image that lies in no class folder."""
    stray = direct(paths, top)
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


def no_part_within(listing: Listing, placed: dict[Path, str], tops: dict[str, Path]) -> None:
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
        if part and parts_apart(children(placed, top)):
            first = next("/".join(p) for p in placed if p[: len(top)] == top)
            raise UserError(
                f"{listing.where}: '{first}' lies in a part inside a part. Expected "
                f"train/<class>/*, validation/<class>/* and test/<class>/* beside each other: move "
                f"the folders."
            )


def no_empty_class(listing: Listing, placed: dict[Path, str], tops: dict[str, Path]) -> None:
    """Refuse a class folder without images, which would vanish in silence."""
    full = {p[: len(tops[part]) + 1] for p, part in placed.items()}
    for name in sorted(listing.folders):
        folder = tuple(name.split("/"))
        if folder[:-1] in tops.values() and folder not in full and not listing.excluded(name):
            raise UserError(
                f"{listing.where}: the class folder '{name}' holds no images. Put them there, "
                f'remove the folder, or leave it out with the option exclude: ["{name}/**"].'
            )


def one_folder_a_class(listing: Listing, placed: dict[Path, str], tops: dict[str, Path]) -> None:
    """Refuse two class folders beside each other that have one normalized name."""
    for top in tops.values():
        found: dict[str, str] = {}
        for folder in sorted(children(placed, top)):
            other = found.setdefault(names.normalized(folder), folder)
            if other != folder:
                raise UserError(
                    f"{listing.where}: the class folders {ascii(other)} and {ascii(folder)} have "
                    f"one name, but for blanks around it or the code points of its letters. "
                    f"Expected one folder a class: join them, or rename one."
                )


def same_classes(
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
