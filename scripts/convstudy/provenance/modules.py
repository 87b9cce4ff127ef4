"""Our modules and the user's, found by their dotted names, and what a dotted name means."""

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from importlib import util
from pathlib import Path

from convstudy.foundation import plugin_files
from convstudy.provenance.syntax import Module

Unit = tuple[str, str]  # dotted module (or script file), name of the definition
WHOLE = "as a whole"  # all that a module has, where it is used as a value


def files() -> list[Path]:
    """All files of code, ours and the user's; no hidden ones: editors keep locks under such names.

    A user's folder may hold much else, so only folders that hold code are looked into.
    """
    pattern, own = "[!.]*.py", plugin_files.own_folder()
    deep = [plugin_files.SCRIPTS, *(_code_folders(own) if own else [])]
    found = [file for folder in deep for file in folder.rglob(pattern)]
    return sorted([*found, *(own.glob(pattern) if own else [])], key=os.fspath)


def _code_folders(own: Path) -> list[Path]:
    folders = [Path(entry.path) for entry in os.scandir(own) if os.path.isdir(entry.path)]
    return [x for x in folders if x.name in plugin_files.KINDS or any(x.glob("*.py"))]


@cache
def sources() -> dict[Path, bytes]:
    """The source of each of these files, but for what cannot be read: whoever needs it says why."""
    found = {}
    for path in filter(os.path.isfile, files()):
        with contextlib.suppress(OSError):
            found[path] = path.read_bytes()
    return found


def roots() -> list[Path]:
    """Folders from which Python imports our code, and the user's where there is any."""
    own = plugin_files.own_folder()
    return [plugin_files.SCRIPTS, *([own] if own else [])]


def forget() -> None:
    """Read all files again."""
    sources.cache_clear()
    module.cache_clear()
    is_ours.cache_clear()


@cache
def module(name: str) -> Module | None:
    """The module of a dotted name or of a script's file; None where there is no such file."""
    for place, package in _places(name):
        for path in (place, place / "__init__.py", place.with_name(place.name + ".py")):
            if os.path.isfile(path):  # false, and no error, where a name can be no file's
                inner = (*package, place.name) if path.name == "__init__.py" else package
                return Module(path, sources().get(path), inner, is_ours)
    return None


def _places(name: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Paths without an ending that a module may have, and the package that it lies in."""
    parts = (name,) if name.endswith(".py") else tuple(name.split("."))
    for root in roots():
        yield root.joinpath(*parts), parts[:-1]
    own = plugin_files.own_folder()
    if own and parts[0] == plugin_files.PACKAGE and parts[1:2] and parts[1] in plugin_files.KINDS:
        yield own.joinpath(*parts[1:]), parts[:-1]


@cache
def is_ours(dotted: str) -> bool:
    """Whether a dotted name begins with a module or folder of code of ours or the user's.

    A folder without `__init__.py` is not what Python imports where a package of its name is
    installed.
    """
    name = dotted.split(".")[0]
    for root in roots():
        if os.path.isfile(root / f"{name}.py") or os.path.isfile(root / name / "__init__.py"):
            return True
        if name and any((root / name).rglob("*.py")) and not _is_installed(name):
            return True
    return False


def _is_installed(name: str) -> bool:
    spec = util.find_spec(name)
    return spec is not None and spec.origin is not None


def loaded_by(dotted: str) -> list[str]:
    """Modules of ours that Python runs to import a dotted name: its packages and itself."""
    parts = dotted.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return [name for name in names if module(name)]


def meaning(dotted: str, seen: frozenset[str] = frozenset()) -> tuple[list[Unit], tuple[str, ...]]:
    """The units that a dotted name means, by way of all modules that hand it on.

    Returns:
        The unit, or several where it may be either, the likelier first; a module as a whole where
        it has no definition of that name. And the attributes that follow in the name.
    """
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        name, names = ".".join(parts[:length]), tuple(parts[length:])
        if module(name) is None:
            continue
        found, left = in_module(name, names[0], names[1:], seen) if names else ([], ())
        if not found:
            found, left = [(name, WHOLE)], names
        above, last = ".".join(parts[: length - 1]), parts[length - 1]
        if length > 1 and module(above) and last in module(above).bound:
            # a package that binds the name of one of its modules to something else
            found += [x for x in in_module(above, last, names, seen)[0] if x not in found]
        return found, left
    return [], ()


def in_module(
    name: str, first: str, rest: tuple[str, ...] = (), seen: frozenset[str] = frozenset()
) -> tuple[list[Unit], tuple[str, ...]]:
    """The same for a name within a module, and attributes of it."""
    holder, here = module(name), f"{name}:{first}"
    if here in seen or holder is None:
        return [], ()
    seen |= {here}
    found: list[Unit] = []
    left = rest
    if first in holder.units and not hands_on(holder, first):
        found.append((name, first))
    for origin in holder.bound.get(first, []):
        units, after = meaning(".".join([origin, *rest]), seen)
        left = left if found else after
        found += [unit for unit in units if unit not in found]
    if first not in holder.units and first not in holder.bound:
        for star in reversed(holder.stars):  # the last one wins
            units, after = in_module(star, first, rest, seen)
            left = left if found else after
            found += [unit for unit in units if unit not in found]
    return found, left


def hands_on(holder: Module, name: str) -> bool:
    """Whether a name of a module is nothing but an import of ours."""
    return holder.only_imports(name) and all(map(is_ours, holder.bound.get(name, [])))
