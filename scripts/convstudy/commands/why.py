"""What a run would do, and for which reasons."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from convstudy.commands import _snakemake
from convstudy.foundation.errors import UserError
from convstudy.provenance import records, staleness


@click.command(context_settings=_snakemake.CONTEXT)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Tell what is stale and why, without running anything.

    ARGUMENTS are those of `run`: config files, then targets and options of snakemake such as
    `--config study=NAME`. The target is results/summary.csv if none is named.
    """
    dag = _snakemake.graph(_snakemake.arguments(arguments))
    stale = [job for job in dag.jobs if dag.needrun(job) and job.rule.name != "all"]
    if not stale:
        click.echo("nothing is stale")
        return
    causes: dict[str, list[Any]] = defaultdict(list)
    following = []
    for job in sorted(stale, key=lambda job: job.jobid):
        found = _causes(dag, job)
        for cause in found:
            causes[cause].append(job)
        if not found:
            following.append(job)
    for cause, jobs in causes.items():
        click.echo(cause)
        _list(jobs)
    if following:
        click.echo("made again because what they read is")
        _list(following)
    click.echo(f"{len(stale)} steps; what the cache holds of them is restored, not computed")


def _list(jobs: list[Any]) -> None:
    """A line a rule, with what its steps are about."""
    rules: dict[str, list[Any]] = defaultdict(list)
    for job in jobs:
        rules[job.rule.name].append(job.wildcards)
    for rule, wildcards in rules.items():
        about = staleness.grouped([dict(x.items()) for x in wildcards])
        click.echo(f"    {rule}" + (f": {about}" if about else ""))


def _causes(dag: Any, job: Any) -> list[str]:
    """Reasons of a step's own, not those of the steps before it."""
    reason = dag.reason(job)
    outputs = list(map(str, job.output))
    missing = [str(path) for path in job.output if path in reason.missing_output]
    path = records.path_of((missing or outputs)[0])
    if missing and not path.is_file():
        return ["not made yet"]
    found = [_told_missing(missing, outputs)] if missing else []
    try:
        record = records.read(path)
        found += staleness.changes(record, dict(job.params.items()))
        made = {str(path) for path in reason.updated_input_run}
        newer = sorted({str(path) for path in reason.updated_input} - made)
        found += staleness.newer_inputs(record, newer)
        found += staleness.other_inputs(record)
    except UserError as error:
        if path.is_file() or reason.params_changed:
            found.append(_told_unknown(path, error))
    if reason.input_changed:
        found.append("the list of its inputs changed")
    if reason.software_stack_changed:
        found.append("its software environment changed")
    if dag.unfinished.intersection(outputs):
        found.append("the earlier run was not finished")
    elif reason.forced:
        found.append("asked for by an option (--force, --forceall, --forcerun)")
    return found


def _told_missing(missing: list[str], outputs: list[str]) -> str:
    """What is said of files that a step has made once."""
    if len(missing) == len(outputs):
        return "was made before, and is missing now"
    return f"{', '.join(missing)} missing, though the rest of the result is there"


def _told_unknown(path: Path, error: UserError) -> str:
    """What is said of a step whose record says nothing, in words that are the same for many."""
    if not path.is_file():
        return "there is no record of the earlier run, so what it was made of is not known"
    what = re.split(r"\. |: it was", str(error).removeprefix(f"{path}: "))[0]
    return f"there is no good record of the earlier run: {what}"
