"""What all fuzz targets share: a watched folder, and what must hold for every single case."""

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis.strategies import SearchStrategy

from convstudy.foundation.errors import UserError

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod"}
_RUNS_CODE = {
    *("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "code.__new__"),
    *("socket.connect", "socket.getaddrinfo", "urllib.Request", "pickle.find_class"),
}


@dataclass(frozen=True)
class Target:
    """Code under test.

    Attributes:
        name: what the table calls it.
        cases: makes the strategy of its inputs.
        check: gives one input to the code; `path` is where it may write it to. Returns normally
            where the input is accepted.
        ending: how the file's name ends.
        share: part of the asked number of cases that it runs; below 1 where a case is slow.
        memory: MiB that one case may take.
        names: what a refusal must hold; None is the path of the file.
    """

    name: str
    cases: Callable[[], SearchStrategy[bytes]]
    check: Callable[[bytes, Path], None]
    ending: str = ""
    share: float = 1.0
    memory: int = 100
    names: str | None = None


@dataclass
class Sandbox:
    """A folder that a case may write to; whatever else it does to the system is recorded."""

    folder: Path
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("input", "temporary", "current"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def run(self, target: Target, case: bytes) -> str:
        """Run one case; return "accepted", or what the refusal says without its particulars."""
        path = self.folder / "input" / f"case{target.ending}"
        outcome = "accepted"
        try:
            with self._watched():
                target.check(case, path)
        except UserError as error:
            outcome = _kind(str(error))
            named = re.escape(str(path.parent)) if target.names is None else target.names
            assert re.search(named, str(error)), f"the message names no file: {error}"
            assert "\n" not in str(error), f"more than one line: {error}"
        assert not self.wrong, f"not allowed: {self.wrong}"
        for name in ("temporary", "current"):
            left = os.listdir(self.folder / name)
            assert not left, f"left in the {name} folder: {left}"
        return outcome

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        global _watching
        before = tempfile.tempdir, os.getcwd()
        tempfile.tempdir = str(self.folder / "temporary")
        os.chdir(self.folder / "current")
        self.wrong.clear()
        _watching = self
        try:
            yield
        finally:
            _watching = None
            tempfile.tempdir = before[0]
            os.chdir(before[1])
            shutil.rmtree(self.folder / "input")
            (self.folder / "input").mkdir()

    def audit(self, event: str, arguments: tuple) -> None:
        if event in _RUNS_CODE:
            self.wrong.append(f"{event} {arguments!r:.200}")
        elif event in _CHANGES or (event == "open" and arguments[2] & _WRITING):
            path = arguments[0]
            if isinstance(path, int) or os.fsdecode(path) == os.devnull:
                return
            if not os.path.abspath(os.fsdecode(path)).startswith(str(self.folder)):
                self.wrong.append(f"{event} {arguments!r:.200}")


_watching: Sandbox | None = None


def _audit(event: str, arguments: tuple) -> None:
    if _watching is not None:
        _watching.audit(event, arguments)


sys.addaudithook(_audit)  # cannot be taken away again, and does nothing outside `_watched`


def _kind(message: str) -> str:
    """A refusal without paths, quoted texts, numbers and the words of the libraries."""
    text = re.sub(r"/[^ ]*case[^ :]*:? ?", "", message)
    text = re.sub(r"\([^()]*\)|'[^']*'|\[[^]]*\]|[\d,.]+", "", text)
    return " ".join(text.split()[:7])
