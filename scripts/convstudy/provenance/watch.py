"""What code of the user's may read while its step runs: what is in the record.

A file, a folder's list of files, an answer from the network or a variable of the environment that
such code reads beside its inputs decides results, and no record would tell. Python reports them
(`sys.addaudithook`, PEP 578), but for HDF5 files, which h5py is asked for here; who asked is looked
up on the stack. Files that another library opens by its own C code (TensorFlow) are not reported.
"""

import contextlib
import importlib.metadata
import os
import posixpath
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from convstudy.foundation import atomic_files, plugin_files, system_files
from convstudy.foundation.errors import UserError

# Where the system and Python's libraries keep what every program reads.
SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr", "/lib", "/lib64", "/opt")
# What stands on the stack between who asks for a variable, or starts a program, and its doing.
BETWEEN = {
    *(os.getenv.__code__.co_filename, Mapping.get.__code__.co_filename),
    subprocess.Popen.__init__.__code__.co_filename,
}
EXPANDING = posixpath.expandvars.__code__  # its module also looks for HOME, of its own accord
# The frames of an import statement, and of looking up what is installed.
IMPORTING = {"<frozen importlib._bootstrap>", importlib.metadata.version.__code__.co_filename}
READS = {"open", "os.listdir", "os.scandir", "sqlite3.connect"}
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
NETWORK = {"socket.getaddrinfo": 0, "socket.connect": 1}  # which argument is the address

_allowed: "_Allowed | None" = None
_hooked = False
_read_variable = os._Environ.__getitem__


class _Allowed:
    """What may be read in one step."""

    def __init__(self, inputs: Iterable[str], outputs: Iterable[str], sources: Iterable[str]):
        self.files = {os.path.realpath(x) for x in [*outputs, *sources]}
        self.inputs = [os.path.realpath(x) for x in inputs]
        plugins = [str(x) for kind in plugin_files.KINDS for x in plugin_files.folders(kind)]
        package = [str(plugin_files.SCRIPTS / plugin_files.PACKAGE)]
        # the workflow's own code has rules of its own, which name what it reads
        self.watched = {
            x
            for x in sources
            if not _is_in(x, package)
            or (_is_in(x, plugins) and os.path.basename(x) != "__init__.py")
        }
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

    def refuse(self, reader: str, message: str) -> None:
        """Refuse what a file of code does."""
        label = plugin_files.label(Path(reader))
        self.refused = self.refused or UserError(f"{label} {message}")
        raise self.refused


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == x or path.startswith(x.rstrip(os.sep) + os.sep) for x in folders)


@contextlib.contextmanager
def reads(inputs: Iterable[str], outputs: Iterable[str], sources: Iterable[str]) -> Iterator[None]:
    """Refuse what models, generators, readers and their helpers read beside these, in the block.

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
        with _hdf5():
            yield
        if _allowed.refused:
            raise _allowed.refused
    finally:
        _allowed, os._Environ.__getitem__ = before, _read_variable


@contextlib.contextmanager
def _hdf5() -> Iterator[None]:
    """Hear of HDF5 files, too, in the block."""
    import h5py  # not for a step that is restored

    plain = h5py.File.__init__

    def opened(self, name, mode="r", *arguments, **named):
        if mode in ("r", "r+", "a"):
            _hear("open", (name, None, 0))
        plain(self, name, mode, *arguments, **named)

    h5py.File.__init__ = opened
    try:
        yield
    finally:
        h5py.File.__init__ = plain


def _hear(event: str, arguments: tuple) -> None:
    """The hook: what code of a model, generator or reader reads, or has others do."""
    if _allowed is None:
        return
    if event in READS:
        _hear_read(event, arguments)
    elif event in PROGRAMS and (starter := _asking(sys._getframe(1))):
        _allowed.refuse(
            starter,
            f"starts a program ({_short(arguments)}): what that reads is in no record, so an edit "
            f"of it would not be seen. Do its work in Python, or before the study, and name the "
            f"file that it makes under `files` of a data set.",
        )
    elif event in NETWORK and (reader := _watched_on(sys._getframe(1))):
        address = arguments[NETWORK[event]]
        host = address[0] if isinstance(address, tuple) else address
        if event == "socket.connect" and not isinstance(address, tuple):
            return  # another process on this machine
        _allowed.refuse(
            reader,
            f"asks {host} over the network, and what it answers is in no record: another answer "
            f"would not be seen. Fetch the file before the study, and name it under `files` of a "
            f"data set, or under `backbones` where it is a network.",
        )


def _hear_read(event: str, arguments: tuple) -> None:
    """Refuse a file or folder that is in no record."""
    path = "." if arguments[0] is None else arguments[0]
    if not isinstance(path, str | bytes | os.PathLike) or path == ":memory:":
        return
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_TRUNC | os.O_EXCL):
        return  # nothing of what was there before
    reader = _watched_on(sys._getframe(1))
    if reader is None:
        return
    real = os.path.realpath(os.fsdecode(path))
    why = _allowed.why_not(real)
    if why:
        _allowed.refuse(
            reader,
            f"reads {os.path.relpath(real)}, which {why}: an edit of it would not be seen. Put "
            f"its values into the Python file or into options, or name the file under `files` of "
            f"a data set, or under `backbones` where it is a network.",
        )


def _hear_variable(variables: os._Environ, name: str) -> str:
    """The value of a variable of the environment, unless a plugin's own code asks for it."""
    reader = _asking(sys._getframe(1)) if _allowed else None
    if reader:
        _allowed.refuse(
            reader,
            f"reads the variable {os.fsdecode(name)} of the environment, which is in no record: "
            f"another value would not be seen. Make it an option.",
        )
    return _read_variable(variables, name)


def _short(arguments: tuple) -> str:
    """What is started, in a few words."""
    command = arguments[1] if len(arguments) > 1 else arguments[0]
    words = command if isinstance(command, str | bytes) else b" ".join(map(os.fsencode, command))
    return os.fsdecode(words)[:60]


def _asking(frame: FrameType | None) -> str | None:
    """The watched file that asks for something itself; what a library needs is its own affair."""
    while frame and (frame.f_code.co_filename in BETWEEN or frame.f_code is EXPANDING):
        frame = frame.f_back
    file = frame.f_code.co_filename if frame else ""
    return file if file in _allowed.watched else None


def _watched_on(frame: FrameType | None) -> str | None:
    """The innermost watched file on the stack.

    What a library reads while it is imported is the library's own affair.
    """
    while frame and frame.f_code.co_filename not in IMPORTING:
        if frame.f_code.co_filename in _allowed.watched:
            return frame.f_code.co_filename
        frame = frame.f_back
    return None
