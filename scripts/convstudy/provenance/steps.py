"""What every step does around its work: log, take a record, look in the cache, keep the result.

A step imports its libraries inside its function, so one whose result is in the cache is back
before TensorFlow would have been imported.
"""

import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convstudy.foundation import (
    atomic_files,
    devices,
    environment,
    own_imports,
    plugin_files,
    warm_start,
)
from convstudy.foundation.errors import UserError, first_line
from convstudy.provenance import records, versions, watch
from convstudy.provenance.cache import Cache

log = logging.getLogger(__name__)
LOCKS = atomic_files.OWN / "locks"
SCRATCH = atomic_files.OWN / "scratch"
OTHERS = 2  # states of a step, other than today's, whose unfinished work is kept


@dataclass(frozen=True)
class Step:
    """What a job's work may need beside the job: its record, its key, and a folder of its own.

    The folder survives a step that fails or is killed, and is removed when the step is done. It is
    of this key alone: who tries another setting for a moment finds it as it was.
    """

    record: dict[str, Any]
    key: str
    scratch: Path


def run(job: Any, work: Callable[[Any, Step], None], keep: bool = True) -> None:
    """Do the work of a Snakemake job, unless the cache has its result already.

    Args:
        job: what Snakemake calls `snakemake` in a script.
        work: does it.
        keep: whether the cache keeps the result and gives it back.
    """
    notes: list[str] = []
    if not _try(job, work, keep, notes, may_hand_over=True):
        # outside of the lock, which the process that does the step takes
        with _logging_to(job.log[0]):
            warm_start.hand_over(notes.append)
        _try(job, work, keep, notes, may_hand_over=False)


def _try(
    job: Any, work: Callable[[Any, Step], None], keep: bool, notes: list[str], may_hand_over: bool
) -> bool:
    """Do or restore a step; False where another process had better do it.

    Args:
        job: see `run`.
        work: see `run`.
        keep: see `run`.
        notes: what its log is to say.
        may_hand_over: whether another process may do it.
    """
    outputs = list(job.output)
    with _logging_to(job.log[0]), _alone(outputs[0]):
        for note in notes:
            log.info(note)
        plugin_files.use(job.config.get("plugins"))
        record, sources = records.before(job)
        _check_script(work, record["code_of"][0], sources)
        key = records.key(record)
        scratch = SCRATCH / outputs[0] / key[:16]
        cache = Cache(job.config["cache"]["folder"], int(job.config["cache"]["max_gb"] * 1e9))
        known = cache.restore(key, outputs) if keep else None
        if known:
            log.info("restored from the cache (%s)", key[:12])
            record = record | {"outputs": known["outputs"]}
        else:
            if may_hand_over and warm_start.is_offered(set(record["versions"])):
                return False
            records.check_code_of_inputs(record)
            _drop_older(scratch)
            devices.take(record.get("device"), job.config)
            code = own_imports.pinned(sources, versions.is_installed)
            with code, watch.reads(job.input, outputs, sources):
                work(job, Step(record, key, scratch))
            records.check_inputs(record)
            record = records.finished(record, outputs)
            if keep:
                _keep(cache, key, record)
        records.write(record)
        shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):
            scratch.parent.rmdir()  # unless it has the unfinished work of another state
    return True


def run_uncached(job: Any, work: Callable[[Any], None]) -> None:
    """Do the work of a download: the cache would hold a second copy, and could replace a user's."""
    with _logging_to(job.log[0]):
        work(job)


def _check_script(work: Callable, script: str, sources: Mapping[str, bytes]) -> None:
    """Refuse a script that was edited after Snakemake had copied it: the copy is what runs.

    Raises:
        UserError: the copy has not the source that the record is of.
    """
    copy = work.__globals__.get("__real_file__")  # set by what Snakemake puts above the copy
    if copy and not Path(copy).read_bytes().endswith(sources[str(plugin_files.SCRIPTS / script)]):
        raise UserError(
            f"scripts/{script} was edited while this step was starting: run the same command again"
        )


def _drop_older(scratch: Path) -> None:
    """Of the unfinished work of other states of this step, keep the latest."""
    others = [x for x in scratch.parent.glob("*") if x != scratch]
    for old in sorted(others, key=lambda x: x.stat().st_mtime)[:-OTHERS]:
        shutil.rmtree(old) if old.is_dir() else old.unlink()


def _keep(cache: Cache, key: str, record: dict[str, Any]) -> None:
    """Keep a result for another time; whatever hinders that is no reason to lose it now."""
    try:
        cache.keep(key, record)
    except Exception as error:  # a full disk, or another process that keeps the same file
        cause = error.__cause__ or error
        why = getattr(cause, "strerror", None) or first_line(cause)
        log.warning(
            "cache %s: this result is not kept in it (%s), and is good itself", cache.folder, why
        )


@contextlib.contextmanager
def _logging_to(log_file: str) -> Iterator[None]:
    """Log to a file, all else that the process writes too; a `UserError` is one line there.

    The terminal is the main process's, which reads this file. TensorFlow's native code writes to
    the process's descriptors, and does so until its end: they are not put back.
    """
    environment.prepare()
    Path(log_file).write_text("")
    handler = logging.FileHandler(log_file)  # appends, as two processes of one step may write here
    handler.addFilter(_name_warnings)
    for descriptor in (1, 2):
        os.dup2(handler.stream.fileno(), descriptor)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", handlers=[handler], force=True
    )
    logging.captureWarnings(True)
    try:
        yield
    except UserError as error:
        logging.error("error: %s", error)
        sys.exit(1)
    except Exception:
        logging.exception("unexpected error")
        sys.exit(1)


def _name_warnings(record: logging.LogRecord) -> bool:
    """Mark our own warnings as what they are, for a reader and for the main process."""
    if record.levelno == logging.WARNING and record.name.startswith("convstudy."):
        record.msg = f"warning: {record.msg}"
    return True


@contextlib.contextmanager
def _alone(output: str) -> Iterator[None]:
    """Keep a second process from making the same files at the same time.

    Snakemake's own lock does not see a job that outlived a killed Snakemake. The lock ends with its
    process, however that ends.
    """
    path = LOCKS / f"{output}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as stream:
        atomic_files.lock(stream, output)
        yield
