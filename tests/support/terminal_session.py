"""A run whose log records a test sends to the terminal's handler."""

import io
import logging
from pathlib import Path
from types import SimpleNamespace

from snakemake_interface_logger_plugins.common import LogEvent

from convstudy.terminal import screen
from convstudy.terminal.handler import RunHandler

STAMP = "2026-01-02 03:04:05,678 "
EPOCH = STAMP + "epoch {}/{}  loss 3.2  accuracy 0.1  val_loss 3.1  val_accuracy 0.4100\n"


class Session:
    """A run whose records a test sends, and what it shows."""

    def __init__(self, made: tuple[str, ...] = ()):
        self.stream = io.StringIO()
        rules = [SimpleNamespace(name="all", norun=True)]
        dag = SimpleNamespace(jobs=[SimpleNamespace(output=list(made))])
        workflow = SimpleNamespace(rules=rules, dag=dag)
        self.handler = RunHandler(screen.Lines(self.stream), workflow, {"study": "tiny"})

    def send(self, event: LogEvent | None, message: str = "", **values) -> None:
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, message, (), None)
        record.__dict__.update(values, event=event)
        self.handler.handle(record)

    def plan(self, **steps: int) -> None:
        self.send(LogEvent.WORKFLOW_STARTED)
        self.send(LogEvent.RESOURCES_INFO, cores=2)
        self.send(LogEvent.RUN_INFO, stats=steps | {"all": 1, "total": 1 + sum(steps.values())})

    def begin(self, jobid: int, log: Path, **values) -> None:
        wildcards = {"variant": "base_net", "dataset": "objects", "seed": str(jobid)}
        said = {"rule_name": "train_model", "rule_msg": f"Training {jobid}", "wildcards": wildcards}
        self.send(LogEvent.JOB_INFO, jobid=jobid, log=[str(log)], **(said | values))

    def fail(self, jobid: int, log: Path, ended: str) -> None:
        self.send(LogEvent.ERROR, f"CalledProcessError in file x, line 1:\nCommand 'y' {ended}")
        self.send(LogEvent.JOB_ERROR, jobid=jobid, log=[str(log)])

    def end(self) -> list[str]:
        self.handler.close()
        self.handler.close()  # as Python's own logging does at exit
        return self.stream.getvalue().splitlines()
