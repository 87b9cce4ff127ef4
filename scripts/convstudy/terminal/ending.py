"""The end of a run that succeeded: the summary's table, and where to look."""

import csv
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from convstudy import buckets
from convstudy.report import shown
from convstudy.terminal.screen import Lines

SUMMARY = "results/summary.csv"
REPORT = "results/report.html"
SHOWING = ("show_summary", "show_report")


def show(screen: Lines, made: Collection[str]) -> None:
    """Show the summary and name the results, as far as they belong to what this run was asked for.

    Args:
        screen: where to.
        made: the outputs of all the steps that the targets need.
    """
    if SUMMARY in made:
        with open(SUMMARY, newline="") as stream:
            rows = list(csv.DictReader(stream))
        screen.console.print("", table(rows), "", sep="\n")
        screen.line(f"Tables    {SUMMARY}  results/summary.md")
        screen.line("Pictures  results/plots/")
    if REPORT in made:
        screen.line(f"Report    {REPORT}")
    elif SUMMARY in made:
        screen.line(f"Report    not made yet; name {REPORT} in the command, and it is")


def table(rows: list[Mapping[str, str]]) -> Table:
    """The results of a study; of a sweep the value that its validation images chose."""
    shown = [row for row in rows if row["selected"] == "True"]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    made.add_column("variant", overflow="fold")
    made.add_column("data set", overflow="fold")
    for name in ("test accuracy %", "95 % interval", "loss", "epochs", "seconds"):
        made.add_column(name, justify="right")
    for row in shown:
        deviation = _figure(row["test_accuracy_std"], 100, 1)
        interval = [_figure(row[f"test_accuracy_ci_{end}"], 100, 1) for end in ("low", "high")]
        made.add_row(
            row["variant"],
            row["dataset"],
            _figure(row["test_accuracy_mean"], 100, 1) + (f" ± {deviation}" if deviation else ""),
            f"[{', '.join(interval)}]" if all(interval) else "",
            _figure(row["test_loss_mean"], 1, 3),
            _figure(row["epochs_mean"], 1, 1).removesuffix(".0"),
            _figure(row["train_seconds_mean"], 1, 1),
        )
    return made


def _figure(text: str, factor: float, digits: int) -> str:
    """A figure of the table for machines; nothing where it has none."""
    value = float(text or "nan")
    return "" if math.isnan(value) else f"{factor * value:.{digits}f}"


def bring(workflow: Any) -> None:
    """Show in `results/` what a bucket has, where nothing was to be done.

    Raises:
        UserError: the bucket does not answer, or refuses.
    """
    jobs = list(workflow.dag.jobs)
    seen = [x for job in jobs for x in job.output if x.startswith("results/studies/")]
    if any(file.is_storage for file in seen):
        buckets.bring(seen)
        for job in jobs:
            if job.rule.name in SHOWING:
                shown.show(list(job.input), list(job.output))


def outputs(workflow: object) -> set[str]:
    """All that Snakemake's steps for the asked targets make, done now or before."""
    return {str(Path(path)) for job in workflow.dag.jobs for path in job.output}
