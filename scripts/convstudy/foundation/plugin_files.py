"""Models, generators and readers: one file each, found by its name, ours and the user's.

A project's own files lie in a folder that its config names (`plugins:`), in sub-folders called as
ours. They become part of our packages, so `from convstudy.models.improved_net import build` works
in them, and `from . import _blocks` finds a helper beside them. A module in the folder itself is
imported by its own name.

The Snakefile reads this too: no package of plugins is imported before one of its files is loaded.
"""

import ast
import os
import re
import sys
import warnings
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

from convstudy.foundation import own_imports
from convstudy.foundation.errors import UserError

SCRIPTS = Path(__file__).parents[2]
PACKAGE = "convstudy"
# Folders, and the function that makes a file of them one of its kind; others are helpers.
KINDS = {
    "models": "build",
    "generators": "make",
    "augmentation": "make",
    "readers": "open_reader",
}

_own: Path | None = None


def use(folder: Path | str | None) -> None:
    """Take the user's files from a folder from now on; from none where it is None.

    Raises:
        UserError: there is no such folder, or one of its files has a name that is taken.
    """
    global _own
    if _own is not None and str(_own) in sys.path:
        sys.path.remove(str(_own))
        own_imports.give_back(str(_own))
        for kind in KINDS:
            own_imports.shrink(f"{PACKAGE}.{kind}", str(_own / kind))
    # what is no path is refused with all else that the config's schema refuses
    _own = Path(os.path.realpath(folder)) if folder and isinstance(folder, str | Path) else None
    if _own is None:
        return
    if not os.path.isdir(_own):
        raise UserError(
            f"config: plugins: there is no folder '{folder}'. It is looked for beside the config "
            f"file that names it, and has the sub-folders {', '.join(KINDS)}."
        )
    _check_names(_own)
    sys.path.append(str(_own))
    own_imports.take_over(str(_own))
    for kind in KINDS:  # one of the user's files may import another, so for all of them at once
        own_imports.widen(f"{PACKAGE}.{kind}", str(_own / kind))


def own_folder() -> Path | None:
    """The user's folder, absolute; None without one."""
    return _own


def names(kind: str) -> list[str]:
    """Names of all models, generators or readers, which are the values that a config may give."""
    files = [file for folder in folders(kind) for file in folder.glob("[!_.]*.py")]
    entry = re.compile(rf"^def\s+{KINDS[kind]}\b", re.M)
    return sorted({file.stem for file in files if entry.search(_text(file))})


def path(kind: str, name: str) -> Path:
    """The file of a model, generator or reader."""
    places = [folder / f"{name}.py" for folder in folders(kind)]
    return next((place for place in places if place.is_file()), places[0])


def load(kind: str, name: str) -> ModuleType:
    """Import the file of a model, generator or reader."""
    return import_module(f"{PACKAGE}.{kind}.{name}")


def parsed(file: Path, source: bytes | None = None) -> tuple[bytes, ast.Module]:
    """The source and syntax tree of a file of code, in whatever encoding Python reads.

    Args:
        file: the file.
        source: its bytes, where they were read already.

    Raises:
        UserError: it cannot be read, or Python would refuse it.
    """
    try:
        source = file.read_bytes() if source is None else source
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python gives them when it runs the file
            tree = ast.parse(source, str(file))
            if file.parent.name in KINDS or (_own and file.is_relative_to(_own)):
                compile(source, str(file), "exec", dont_inherit=True)  # sees more than the parser
    except OSError as error:
        raise UserError(
            f"{label(file)}: cannot be read ({error.strerror}), expected a file of Python. Correct "
            f"its permissions, or put another one in its place."
        ) from None
    except (RecursionError, MemoryError):
        raise UserError(f"{label(file)}: is nested too deeply for Python.") from None
    except (SyntaxError, ValueError) as error:
        line = f"line {error.lineno} " if getattr(error, "lineno", None) else ""
        reason = getattr(error, "msg", str(error)).removeprefix("(unicode error) ")
        if re.search("codec|encoding|null bytes", reason):
            reason += "; save it as UTF-8, or name its encoding in line 1, as # coding: latin-1"
        raise UserError(f"{label(file)}: {line}is not Python ({reason}).") from None
    return source, tree


def label(file: Path) -> str:
    """A source file as messages name it: from the folder of the Snakefile, or from the user's."""
    for root in (SCRIPTS.parent, *([_own.parent] if _own else [])):
        if file.is_relative_to(root):
            return file.relative_to(root).as_posix()
    return str(file)


def folders(kind: str) -> list[Path]:
    """The folders of all models, generators or readers: ours, then the user's."""
    return [SCRIPTS / PACKAGE / kind, *([_own / kind] if _own else [])]


def _text(file: Path) -> str:
    """What a file says, roughly; nothing where it is none, or cannot be read."""
    try:
        return file.read_text("utf-8-sig", errors="replace")
    except OSError:
        return ""


def _check_names(folder: Path) -> None:
    """Refuse files in whose place Python would import another of the same name, or see none."""
    for place in (folder, *(folder / kind for kind in KINDS)):
        if place.is_dir() and not os.access(place, os.R_OK | os.X_OK, effective_ids=True):
            raise UserError(
                f"{place}: this folder of the config's plugins: may not be read. Correct its "
                f"permissions (chmod u+rx)."
            )
    for kind in KINDS:
        for file in sorted((folder / kind).glob("*.py")):
            if file.stem != "__init__" and (SCRIPTS / PACKAGE / kind / file.name).exists():
                raise UserError(
                    f"{folder.name}/{kind}/{file.name}: '{file.stem}' is the name of one of the "
                    f"{kind} that come with convstudy. Choose another name."
                )
    for file in sorted(folder.glob("*.py")) + sorted(
        x.parent for x in folder.glob("*/__init__.py")
    ):
        if not file.stem.isidentifier() or file.stem.startswith("__"):
            continue  # nothing that an import could name
        if file.name in KINDS:
            raise UserError(f"{folder.name}/{file.name}/__init__.py: not needed here. Delete it.")
        spec = util.find_spec(file.stem)
        if spec is not None and (
            spec.origin is None or not Path(spec.origin).is_relative_to(folder)
        ):
            raise UserError(
                f"{folder.name}/{file.name}: Python has a module '{file.stem}' already and would "
                f"import that one. Choose another name."
            )
