"""What code of a model, generator or reader may read while its step runs: what is in the record.

A file or a variable of the environment that such code reads beside its inputs decides results, and
no record would tell. Python reports each opened file (`sys.addaudithook`, PEP 578); who opened it
is looked up on the stack. Files that a library opens by its own C code (HDF5, TensorFlow) are not
reported.
"""

import contextlib
import os
import site
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from convstudy.foundation import atomic_files, plugin_files, system_files
from convstudy.foundation.errors import UserError

# Where the system and Python's libraries keep what every program reads.
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib64", "/opt")
# What stands on the stack between who asks for a variable and its value.
MAPPING = {os.getenv.__code__.co_filename, Mapping.get.__code__.co_filename}

IMPORTING = "<frozen importlib._bootstrap>"  # the frames of an import statement

_allowed: "_Allowed | None" = None
_hooked = False
_read_variable = os._Environ.__getitem__


class _Allowed:
    """What may be read in one step."""

    def __init__(self, inputs: Iterable[str], outputs: Iterable[str], sources: Iterable[str]):
        self.files = {os.path.realpath(x) for x in [*outputs, *sources]}
        self.inputs = [os.path.realpath(x) for x in inputs]
        self.plugins = [str(x) for kind in plugin_files.KINDS for x in plugin_files.folders(kind)]
        own = plugin_files.own_folder()
        # what lies here is the study's, wherever a temporary folder or an environment may be
        self.project = [str(plugin_files.SCRIPTS), os.getcwd(), *([str(own)] if own else [])]
        libraries = [sys.prefix, sys.base_prefix, site.getuserbase(), *SYSTEM]
        self.elsewhere = [os.path.realpath(x) for x in [*libraries, tempfile.gettempdir()]]
        self.own = [os.path.realpath(atomic_files.OWN), os.path.realpath("results/logs")]
        self.refused: UserError | None = None

    def why_not(self, path: str) -> str | None:
        """Why a file may not be read; None where it may."""
        for given in self.inputs:
            if path == given:
                return None
            if _is_in(path, [given]):
                hidden = system_files.is_system_file(os.path.relpath(path, given))
                return "is hidden or a system's own, so it is not in the record" if hidden else None
        if path in self.files or _is_in(path, [*self.own]):
            return None
        libraries = [sys.prefix, sys.base_prefix]
        if _is_in(path, self.project) and not _is_in(path, libraries):
            return "is no input of this step, so it is not in the record"
        if _is_in(path, self.elsewhere):
            return None
        return "is no input of this step, so it is not in the record"

    def is_plugin(self, file: str) -> bool:
        """Whether a file is a model, generator or reader, or a helper beside them."""
        return _is_in(file, self.plugins) and os.path.basename(file) != "__init__.py"

    def refuse(self, message: str) -> None:
        self.refused = self.refused or UserError(message)
        raise self.refused


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == x or path.startswith(x.rstrip(os.sep) + os.sep) for x in folders)


@contextlib.contextmanager
def reads(inputs: Iterable[str], outputs: Iterable[str], sources: Iterable[str]) -> Iterator[None]:
    """Refuse what code of models, generators and readers reads beside these, in the block.

    Args:
        inputs: files and folders that the record has.
        outputs: files that the step makes.
        sources: files of code that the record has.

    Raises:
        UserError: such code read something else, even where it went on after the refusal.
    """
    global _allowed, _hooked
    if not _hooked:
        sys.addaudithook(_hear)  # Python takes none back
        _hooked = True
    before, _allowed = _allowed, _Allowed(inputs, outputs, sources)
    os._Environ.__getitem__ = _hear_variable
    try:
        yield
        if _allowed.refused:
            raise _allowed.refused
    finally:
        _allowed, os._Environ.__getitem__ = before, _read_variable


def _hear(event: str, arguments: tuple) -> None:
    """The hook: what is opened for reading by code of a model, generator or reader."""
    if event != "open" or _allowed is None:
        return
    path, _, flags = arguments
    if not isinstance(path, str | bytes | os.PathLike) or flags & (os.O_WRONLY | os.O_RDWR):
        return
    reader = _plugin_on(sys._getframe(1))
    if reader is None:
        return
    real = os.path.realpath(os.fsdecode(path))
    why = _allowed.why_not(real)
    if why:
        _allowed.refuse(
            f"{plugin_files.label(Path(reader))} reads {os.path.relpath(real)}, which {why}: "
            f"an edit of it would not be seen. Put its values into the Python file or into "
            f"options, or name the file under `files` of a data set."
        )


def _hear_variable(variables: os._Environ, name: str) -> str:
    """The value of a variable of the environment, unless a plugin's own code asks for it."""
    frame = sys._getframe(1)
    while frame and frame.f_code.co_filename in MAPPING:
        frame = frame.f_back
    if _allowed and frame and _allowed.is_plugin(frame.f_code.co_filename):
        _allowed.refuse(
            f"{plugin_files.label(Path(frame.f_code.co_filename))} reads the variable {name} of "
            f"the environment, which is in no record: another value would not be seen. Make it an "
            f"option."
        )
    return _read_variable(variables, name)


def _plugin_on(frame: FrameType | None) -> str | None:
    """The file of the innermost model, generator or reader on the stack.

    What a library reads while it is imported is the library's own affair.
    """
    while frame and frame.f_code.co_filename != IMPORTING:
        if _allowed.is_plugin(frame.f_code.co_filename):
            return frame.f_code.co_filename
        frame = frame.f_back
    return None
