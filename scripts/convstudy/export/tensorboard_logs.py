"""Finished runs as TensorBoard reads them: a folder a run, with its curves and settings."""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from convstudy.export import optional_libraries
from convstudy.export.run_records import RunRecord
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError

KEY = "convstudy.key"  # a file beside the events: whose they are
EVENTS = "events.out.tfevents.0.convstudy"  # TensorBoard looks for the second and third word
VERSION = "brain.Event:2"  # of the format, the first thing in such a file


def check() -> None:
    """Refuse to go on without TensorBoard; see `optional_libraries.check`."""
    optional_libraries.check("TensorBoard", ["tensorboard"])


def export(runs: Sequence[RunRecord], folder: Path) -> int:
    """Write each run into `folder/dataset/variant/seedN`, unless the same run is there already.

    Returns:
        How many were written.

    Raises:
        UserError: a run's folder holds what no export wrote, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / ".convstudy.lock", "w") as stream:
            atomic_files.lock(stream, f"logs in {folder}")
            return sum(_export(run, folder / run.name) for run in runs)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}). Free some space, correct the "
            f"folder's permissions, or name another folder, and run the same command again."
        ) from error


def _export(run: RunRecord, target: Path) -> bool:
    """Write a run's folder beside its place and move it there; whether it was needed."""
    if target.exists():
        if not (target / KEY).is_file():
            raise UserError(
                f"{target}: is there already, and no export of this run wrote it: move it away, "
                f"or name another folder"
            )
        if (target / KEY).read_text() == run.key:
            return False
    part = target.with_name(atomic_files.PART + target.name)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _write(run, part / EVENTS)
    (part / KEY).write_text(run.key)
    if target.exists():
        shutil.rmtree(target)
    os.rename(part, target)
    return True


def _write(run: RunRecord, path: Path) -> None:
    """Write the events of a run, dated as its metrics.json."""
    from tensorboard.compat.proto import event_pb2
    from tensorboard.summary.writer import record_writer

    time = run.files[0].stat().st_mtime
    with open(path, "wb") as stream:
        writer = record_writer.RecordWriter(stream)
        start = event_pb2.Event(wall_time=time, file_version=VERSION)
        writer.write(start.SerializeToString())
        for step, summary in _summaries(run, time):
            event = event_pb2.Event(wall_time=time, step=step, summary=summary)
            writer.write(event.SerializeToString())


def _summaries(run: RunRecord, time: float) -> Iterator[tuple[int, Any]]:
    """Settings, the figures of each epoch as `epochs/...`, and the metrics after the last one."""
    from tensorboard.plugins.hparams import summary_v2

    yield 0, summary_v2.hparams_pb(run.params, trial_id=run.name, start_time_secs=time)
    for row in run.epochs:
        figures = {f"epochs/{name}": value for name, value in row.items() if name != "epoch"}
        yield int(row["epoch"]), _scalars(figures)
    yield len(run.epochs), _scalars(run.metrics)


def _scalars(figures: dict[str, float]) -> Any:
    from tensorboard.compat.proto import summary_pb2

    values = [summary_pb2.Summary.Value(tag=k, simple_value=v) for k, v in figures.items()]
    return summary_pb2.Summary(value=values)
