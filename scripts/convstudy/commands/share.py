"""Hand a study's finished runs to programs that keep records of runs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from convstudy.commands import _snakemake
from convstudy.foundation.errors import UserError


@click.command(context_settings=_snakemake.CONTEXT)
@click.option("--mlflow", type=click.Path(path_type=Path), help="Write to mlflow.db in a folder.")
@click.option("--tensorboard", type=click.Path(path_type=Path), help="Write logs to a folder.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(mlflow: Path | None, tensorboard: Path | None, arguments: tuple[str, ...]) -> None:
    """Write a study's finished runs to MLflow's store in a folder, or to TensorBoard's logs.

    ARGUMENTS are those of `run`, as a config file or `--config study=NAME`. Nothing is computed: a
    run that is not finished, or stale, is named and left out. What is there already is left as it
    is. Both need requirements-records.txt.
    """
    if mlflow is None and tensorboard is None:
        raise UserError("share: where to? Name --mlflow FOLDER, --tensorboard FOLDER, or both")
    from convstudy.export import mlflow_store, tensorboard_logs

    if mlflow:
        mlflow_store.check()
        mlflow = mlflow.absolute()
    if tensorboard:
        tensorboard_logs.check()
        tensorboard = tensorboard.absolute()
    given = _snakemake.arguments(arguments)
    studies = _runs(_snakemake.graph(given))
    os.chdir(_snakemake.project(given))
    for study, jobs in studies.items():
        runs = list(_finished(jobs))
        if not runs:
            raise UserError(f"study '{study}' has no finished run yet: ./convstudy run makes them")
        if mlflow:
            _say(mlflow, study, len(runs), mlflow_store.export(runs, mlflow, study))
        if tensorboard:
            _say(tensorboard, study, len(runs), tensorboard_logs.export(runs, tensorboard))


def _runs(graph: Any) -> dict[str, dict[str, bool]]:
    """Folders of the runs of each study whose table is asked for, and whether they are current."""
    found = {
        job.wildcards.study: {
            os.path.dirname(run.output.metrics): not graph.needrun(run)
            # also of those by which it is decided whether there will be more
            for run in graph.bfs(graph.dependencies, job)
            if run.rule.name in ("evaluate_model", "combine_runs")
        }
        for job in graph.jobs
        if job.rule.name == "summarize"
    }
    if not found:
        raise UserError(
            "share: no study's table is among the targets. Leave them out, or name "
            "results/studies/NAME/summary.csv"
        )
    return found


def _finished(runs: dict[str, bool]) -> Iterator[Any]:
    """Records of the runs that are finished; each of the others is named."""
    from convstudy.export import finished_run, run_records

    for folder, current in sorted(runs.items()):
        try:
            if not current:
                there = Path(folder, "metrics.json").is_file()
                raise UserError(f"is {'stale' if there else 'not finished'}: see ./convstudy why")
            yield run_records.of_run(finished_run.FinishedRun(Path(folder)))
        except UserError as error:
            click.echo(f"left out {folder}: {error}")


def _say(folder: Path, study: str, count: int, new: int) -> None:
    click.echo(f"{folder}: {study}, {count} runs, {new} of them new")
