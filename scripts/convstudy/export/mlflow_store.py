"""Finished runs in a local store of MLflow: one experiment a study, one run a training.

A run of MLflow is whole once its status is FINISHED: what an export left unfinished is deleted by
the next one. Of the same data set, variant and seed the run with the current key is the valid one;
others are tagged with its id. Nothing here makes a request to a network.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from convstudy.export import optional_libraries
from convstudy.export.run_records import RunRecord
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError, first_line

KEY = "convstudy.key"
RUN = "convstudy.run"
SUPERSEDED = "convstudy.superseded_by"
# MLflow's own limits: of what one call takes, and of a value's characters
BATCH = {"metrics": 1000, "params": 100}
LONGEST = {"param": 6000, "tag": 8000}
# read by MLflow when it is imported: no usage statistics, no lines about each step
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def check() -> None:
    """Refuse to go on without MLflow; see `optional_libraries.check`."""
    optional_libraries.check("MLflow", ["mlflow", "sqlalchemy", "alembic"])


def export(runs: Sequence[RunRecord], folder: Path, study: str) -> int:
    """Write each run that the store in `folder` does not have.

    Args:
        runs: the runs.
        folder: where `mlflow.db` and `artifacts/` lie; it is created.
        study: the name of the experiment.

    Returns:
        How many were written.

    Raises:
        UserError: the folder was moved since, or MLflow cannot use it.
    """
    folder = folder.absolute()
    with _store(folder) as client:
        experiment = _experiment(client, folder, study)
        return sum(_export(client, experiment, run) for run in runs)


@contextlib.contextmanager
def _store(folder: Path) -> Iterator[Any]:
    """MLflow's client of the store in a folder, for this process alone."""
    os.environ.update(ENVIRONMENT)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if set(str(folder)) & set("?#%"):  # they mean something in the address of a database
        raise UserError(
            f"{folder}: MLflow takes no folder with ?, # or % in its path: name another"
        )
    address = f"sqlite:///{folder}/mlflow.db"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / ".convstudy.lock", "w") as stream:
            atomic_files.lock(stream, f"records in {folder}")
            yield MlflowClient(tracking_uri=address, registry_uri=address)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise UserError(
            f"{folder}: MLflow cannot keep records there ({first_line(error)}). Correct that, or "
            f"name another folder, and run the same command again."
        ) from error


def _experiment(client: Any, folder: Path, study: str) -> str:
    """The id of a study's experiment, whose artifacts lie in the folder."""
    artifacts = (folder / "artifacts" / study).as_uri()
    found = client.get_experiment_by_name(study)
    if found is None:
        return client.create_experiment(study, artifact_location=artifacts)
    if found.artifact_location != artifacts:
        raise UserError(
            f"{folder}: was made at another place, and MLflow would go on to write files of "
            f"'{study}' to {found.artifact_location}: move the folder back, or name another one"
        )
    return found.experiment_id


def _export(client: Any, experiment: str, run: RunRecord) -> bool:
    """Write a run unless it is there, and tag those of other keys; whether it was needed."""
    found = client.search_runs([experiment], f"tags.`{RUN}` = '{run.name}'", max_results=1000)
    whole = [x for x in found if x.info.status == "FINISHED"]
    for cut in (x for x in found if x not in whole):
        client.delete_run(cut.info.run_id)
    same = [x.info.run_id for x in whole if x.data.tags[KEY] == run.key]
    current = same[0] if same else _written(client, experiment, run)
    for other in whole:
        tagged = other.data.tags.get(SUPERSEDED)
        if other.info.run_id != current and tagged != current:
            client.set_tag(other.info.run_id, SUPERSEDED, current)
        elif other.info.run_id == current and tagged:
            client.delete_tag(current, SUPERSEDED)  # an edit was undone
    return not same


def _written(client: Any, experiment: str, run: RunRecord) -> str:
    """The id of a new run with all that its record holds."""
    from mlflow.entities import Metric, Param

    tags = {name: text[: LONGEST["tag"]] for name, text in run.texts.items()}
    tags |= {RUN: run.name, KEY: run.key}
    run_id = client.create_run(experiment, tags=tags, run_name=run.name).info.run_id
    time = int(1000 * run.files[0].stat().st_mtime)
    metrics = [Metric(name, value, time, 0) for name, value in run.metrics.items()]
    metrics += [
        Metric(f"epochs/{name}", value, time, int(row["epoch"]))
        for row in run.epochs
        for name, value in row.items()
        if name != "epoch"
    ]
    params = [Param(name, str(value)[: LONGEST["param"]]) for name, value in run.params.items()]
    for kind, entries in {"metrics": metrics, "params": params}.items():
        for first in range(0, len(entries), BATCH[kind]):
            client.log_batch(run_id, **{kind: entries[first : first + BATCH[kind]]})
    for path in run.files:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
    return run_id
