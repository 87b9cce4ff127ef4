"""What a run would do, and for which reasons."""

import os
from collections import defaultdict
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
    if reason.missing_output and not reason.updated_input_run:
        there = [path for path in job.output if os.path.exists(path)]
        return ["parts of the result are missing" if there else "not made yet"]
    found = []
    try:
        record = records.read(records.path_of(str(job.output[0])))
        found += staleness.changes(record, dict(job.params.items()))
    except UserError:
        if reason.params_changed:
            found.append("settings or code changed (there is no good record of the earlier run)")
    made = {str(path) for path in reason.updated_input_run}
    for path in sorted({str(path) for path in reason.updated_input} - made):
        found.append(f"{path} is newer and has other content")
    if reason.input_changed:
        found.append("the list of its inputs changed")
    if reason.software_stack_changed:
        found.append("its software environment changed")
    if reason.forced:
        found.append("asked for by an option (--force, --forceall, --forcerun)")
    if reason.incomplete_output:
        found.append("the earlier run was not finished")
    return found
