"""How Python imports our modules and the user's: always from their source, and from one place each.

Python's own way may run a `__pycache__` that belongs to earlier code (it compares size and second),
another module of that name that lies earlier on the path, or a file that was edited a moment ago.
Here a module that lies in `scripts/` or in the project's `plugins` is found there and nowhere else,
is compiled from its source, and what was executed is known. Within `pinned`, what is imported is
the code that a record was taken of, whatever the disk says by then.
"""

import contextlib
import hashlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from convstudy.foundation.errors import UserError

_executed: dict[str, str] = {}  # path of a module that was imported: SHA-256 of its source
_pinned: Mapping[str, bytes] | None = None
_is_installed: Callable[[str], bool] | None = None
# Where Python and what is installed for it lie.
_SYSTEM = tuple(
    os.path.realpath(folder) + os.sep
    for folder in {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
)


class _Loader(SourceFileLoader):
    """Compiles the source, never takes compiled code from the disk, and notes what it was."""

    def path_stats(self, path: str) -> dict:
        raise OSError("no compiled code is used")

    def get_data(self, path: str) -> bytes:
        if _pinned is None:
            return super().get_data(path)
        if path not in _pinned:
            raise UserError(
                f"{path}: is imported by this step, but its code is not in the step's record, so "
                f"an edit of it would not be seen. Name it in an import statement in the file that "
                f"uses it (`from . import other`), not by a name made at run time."
            )
        return _pinned[path]

    def source_to_code(self, data: bytes, path: str) -> CodeType:
        _executed[path] = hashlib.sha256(data).hexdigest()
        return super().source_to_code(data, path)


class _Finder(MetaPathFinder):
    """Finds what lies in our folder or the user's before anything else of that name."""

    def __init__(self) -> None:
        self.roots: list[str] = []
        self.wider: dict[str, list[str]] = {}  # further folders of a package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        for folder in self.roots if path is None else path:
            if not any(folder == x or folder.startswith(x + os.sep) for x in self.roots):
                continue
            package = os.path.join(folder, name)
            for file, inside in (
                (os.path.join(package, "__init__.py"), [package, *self.wider.get(fullname, [])]),
                (package + ".py", None),
            ):
                if os.path.isfile(file):
                    return spec_from_file_location(
                        fullname,
                        file,
                        loader=_Loader(fullname, file),
                        submodule_search_locations=inside,
                    )
        if path is None and _is_installed is not None:
            _check_installed(fullname)
        return None


def _check_installed(name: str) -> None:
    """Refuse a module that lies somewhere on Python's path, and that nothing has installed."""
    found = PathFinder.find_spec(name)
    file = found.origin if found else None
    if not file or os.path.realpath(file).startswith(_SYSTEM) or _is_installed(name):
        return
    raise UserError(
        f"{file}: is imported by this step, but lies neither in the project's plugins nor was "
        f"installed with a version, so an edit of it would not be seen. Put it in the folder that "
        f"`plugins` names, or install it as a package (pip install)."
    )


_finder = _Finder()


def take_over(root: str) -> None:
    """Import all that lies in a folder this way from now on; the first folder comes first."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    if root not in _finder.roots:
        _finder.roots.append(root)


def give_back(root: str) -> None:
    """Leave a folder to Python again."""
    _finder.roots.remove(root)


def widen(package: str, folder: str) -> None:
    """Let a package have the modules of a further folder, too."""
    _finder.wider.setdefault(package, []).append(folder)
    if package in sys.modules:
        sys.modules[package].__path__.append(folder)


def shrink(package: str, folder: str) -> None:
    """Take the folder from the package again."""
    _finder.wider[package].remove(folder)
    if package in sys.modules:
        sys.modules[package].__path__.remove(folder)


@contextlib.contextmanager
def pinned(
    sources: Mapping[str, bytes], is_installed: Callable[[str], bool] | None = None
) -> Iterator[None]:
    """Import exactly these sources, and none of ours or the user's beside them, in the block.

    Args:
        sources: the source of each module by its path.
        is_installed: tells of a module that lies elsewhere whether it has a version; one that has
            none is refused. Without it, all others are libraries.

    Raises:
        UserError: one of them was imported already, from another source.
    """
    global _pinned, _is_installed
    for path, source in sources.items():
        if _executed.get(path, digest := hashlib.sha256(source).hexdigest()) != digest:
            raise UserError(
                f"{path} was edited while this step was starting: run the same command again"
            )
    before, _pinned, _is_installed = (_pinned, _is_installed), sources, is_installed
    try:
        yield
    finally:
        _pinned, _is_installed = before
