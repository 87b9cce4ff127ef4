"""What the log file of a job says, while the job runs and after it ended.

The files are read, not the jobs' output, so that jobs on the nodes of a cluster are seen too.
"""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ENTRY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (.*)")
_NATIVE = re.compile(r"[IWEF]\d{4} \d\d:")  # what TensorFlow's C++ writes
_EPOCH = re.compile(r"epoch (\d+)/(\d+) .*\bval_accuracy (\S+)")
_AMOUNT = re.compile(r"(?:.*: )?(\d.* (?:MB/s|images \(.*\)))")
_SIGNAL = re.compile(r"died with <Signals\.(\w+)")
_STATUS = re.compile(r"returned non-zero exit status (\d+)")
IN_BUCKET = " (send to storage)"  # what Snakemake adds to the path of such a file
RESTORED = "restored from the cache"


class JobLog:
    """A job's log file, of which only what this job writes is read.

    Attributes:
        epoch: (epochs done, epochs planned) of a training; None before its first.
        state: the last line about progress, for people; empty before the first.
        warnings: warnings that no one has taken from here yet.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.epoch: tuple[int, int] | None = None
        self.state = ""
        self.warnings: list[str] = []
        self._read = 0
        self._earlier = self._stamp()  # an earlier run's file lies there until the job begins

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:  # not there yet, or not yet seen from this node
            return None
        return stat.st_mtime_ns, stat.st_size

    def text(self) -> str:
        """All that the job has written so far."""
        if self._stamp() in (None, self._earlier):
            return ""
        return self.path.read_text(errors="replace")

    def follow(self) -> None:
        """Read on, and keep what is new in the attributes."""
        if self._stamp() in (None, self._earlier):
            return
        with open(self.path, "rb") as stream:
            stream.seek(self._read)
            lines = stream.read().rpartition(b"\n")[0]
        if not lines:
            return
        self._read += len(lines) + 1
        for line in lines.decode(errors="replace").split("\n"):
            if entry := _ENTRY.match(line):
                self._take(entry[1])

    def _take(self, message: str) -> None:
        if epoch := _EPOCH.match(message):
            self.epoch = int(epoch[1]), int(epoch[2])
            self.state = f"epoch {epoch[1]}/{epoch[2]}, validation accuracy {epoch[3]}"
        elif amount := _AMOUNT.fullmatch(message):
            self.state = amount[1]
        elif message.startswith("warning: "):
            self.warnings.append(message.removeprefix("warning: "))


def paths(record: Any) -> list[str]:
    """The log files of the job that a record of Snakemake's speaks of."""
    return [path.removesuffix(IN_BUCKET) for path in record.log]


def error(log: JobLog) -> str | None:
    """What a failed job said last about why: its own sentence, or the exception's; or None."""
    found = None
    for message, rest in _entries(log.text()):
        if message.startswith("error: "):
            found = "\n".join([message, *rest]).strip()
        elif message.startswith("unexpected error"):
            exception = _exception(rest)
            found = f"error: {exception} (not expected; its traceback is in {log.path})"
    return found


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Messages, each with the lines that follow it."""
    message, rest = "", []
    for line in text.splitlines():
        if entry := _ENTRY.match(line):
            yield message, rest
            message, rest = entry[1], []
        elif not _NATIVE.match(line):
            rest.append(line)
    yield message, rest


def _exception(lines: list[str]) -> str:
    """The last exception's line of a traceback, or of several that led to one another."""
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent")]
    after = lines[starts[-1] + 1 :] if starts else lines
    return next((x for x in after if x and not x.startswith(" ")), "an exception without a name")


def end(said: str) -> str:
    """How a process ended that left no word in its log, from what Snakemake says of it."""
    by_name, status = _SIGNAL.search(said), _STATUS.search(said)
    name = by_name[1] if by_name else None
    if status and int(status[1]) > 128:  # a shell's way to say so
        name = signal.Signals(int(status[1]) - 128).name
    if name == "SIGKILL":
        return (
            "was killed (SIGKILL), which the system does to a process when memory runs out. Give "
            "the machine fewer steps at once (-c), or a smaller batch_size or image_size"
        )
    if name:
        return f"was ended by a signal ({name})"
    return f"ended with exit status {status[1]}" if status else "failed"
