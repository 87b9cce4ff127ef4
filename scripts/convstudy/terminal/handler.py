"""Shows a run from the log records that Snakemake sends, in place of Snakemake's own lines."""

import logging
import re
import threading
import time
import traceback
from typing import Any

from snakemake.logging import get_event
from snakemake_interface_logger_plugins.common import LogEvent

from convstudy.cluster import endings
from convstudy.foundation.errors import UserError
from convstudy.terminal import ending, job_logs
from convstudy.terminal.progress import Job, Progress, duration
from convstudy.terminal.screen import Lines

POLL = 0.5  # seconds between two looks into the logs of the running jobs
NOTHING = "Nothing to be done"
SOME_JOB = "At least one job did not complete successfully."
CODE_LINE = re.compile(r'  File ".*", line \d+, in ')
# one sentence of ours from a function of a rule, within all that Snakemake puts around it
REFUSED_IN_A_RULE = re.compile(
    r"InputFunctionException.*\nError:\n +(?:User|Workflow)Error:\s+(.*)\nWildcards:", re.DOTALL
)
OWN = re.compile(r"^ *UserError: (.*)", re.MULTILINE)  # the same, elsewhere
STOPPING = ("Terminating processes on user request", "Will exit after finishing")
NOISE = (
    "Config file ",
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Updating checkpoint dependencies",
    "Using shell:",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Select jobs to execute",
    "Storing in storage:",
    "Finished upload.",
    "Retrieving from storage:",
    "Finished retrieval.",
    "Removing local copy of storage file:",
    "Skipped removing non-empty directory",
    "Removing output files of failed job",
    "Trying to restart job",
    "Shutting down, this might take some time",
    "Exiting because a job execution failed",
    "Complete log(s):",
    "Elapsed time:",
    "SLURM run ID:",
    "MinJobAge ",
    "Cleaning up SLURM log files",
    "Submitted job ",
    "Submitted group job ",
)
SUBMITTED = " has been submitted with SLURM jobid "


class RunHandler(logging.Handler):
    """Turns Snakemake's events into lines and a live view; its end is the end of the terminal.

    Where nothing is run (`--summary`, `--lint` ...) there are no events, only words, which are
    shown as they are.
    """

    def __init__(self, screen: Lines, workflow: Any, config: dict[str, Any]):
        super().__init__()
        self.screen, self.progress = screen, Progress()
        self._workflow, self._config = workflow, config
        self._began: float | None = None
        self._cores = ""
        self._up_to_date = self._stopped = False
        self._exceptions: dict[int, str] = {}  # by thread: of a job, if the job's event follows
        self._problems: list[str] = []
        self._warned: set[str] = set()
        self._failed: dict[int, str] = {}
        self._ended_by_slurm: dict[int, str] = {}  # by thread: of a job or of all in a group
        self._over = threading.Event()
        self._acts = {
            LogEvent.WORKFLOW_STARTED: self._on_start,
            LogEvent.RESOURCES_INFO: self._on_resources,
            LogEvent.RUN_INFO: self._on_plan,
            LogEvent.JOB_INFO: self._on_job,
            LogEvent.JOB_FINISHED: self._on_finish,
            LogEvent.JOB_ERROR: self._on_failure,
            LogEvent.ERROR: self._on_error,
            None: self._on_words,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Take one of Snakemake's records; those of other kinds are not shown."""
        try:
            self._acts.get(get_event(record), lambda record: None)(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Show how it ended. Snakemake closes its handlers after everything else."""
        if not self._over.is_set():
            self._over.set()
            try:
                self._end()
            except Exception:  # Snakemake passes over what a handler raises here
                traceback.print_exc()
        super().close()

    def _on_start(self, record: Any) -> None:
        self._began = record.created
        threading.Thread(target=self._watch, daemon=True).start()

    def _on_resources(self, record: Any) -> None:
        if hasattr(record, "cores"):
            self._cores = _counted(record.cores, "core")
        elif hasattr(record, "nodes"):
            self._cores = "a cluster"

    def _on_plan(self, record: Any) -> None:
        self.progress.plan({k: n for k, n in record.stats.items() if self._is_work(k)})
        where = f" on {self._cores}" if self._cores else ""
        steps = _counted(self.progress.total, "step")
        self.screen.line(f"Study '{self._config.get('study')}': {steps} to do{where}")

    def _is_work(self, rule_name: str) -> bool:
        """Whether jobs of that name do anything; `total` is the sum of all."""
        without_work = {rule.name for rule in self._workflow.rules if rule.norun} | {"total"}
        return rule_name not in without_work

    def _on_job(self, record: Any) -> None:
        if self._is_work(record.rule_name):
            self.progress.begin(record.jobid, Job.of(record))

    def _on_finish(self, record: Any) -> None:
        self._failed.pop(record.job_id, None)  # of an earlier attempt
        if record.job_id not in self.progress.running:
            return
        self._look()
        job, seconds, restored = self.progress.finish(record.job_id, record.created)
        notes = ["from the cache"] if restored else [duration(seconds)]
        if job.epoch and not restored:
            done, planned = job.epoch
            notes.append(f"{done} of {planned} epochs")
        total = str(self.progress.total)
        count = f"{self.progress.done:>{len(total)}}/{total}"
        self.screen.line(f"{count} {job.title} ({', '.join(notes)})")

    def _on_failure(self, record: Any) -> None:
        by_slurm = self._ended_by_slurm.get(record.thread, "")
        said = "" if by_slurm else self._exceptions.pop(record.thread, "")
        self._look()
        job = self.progress.fail(record.jobid, record.created)
        if job is None:  # counted already, as one of a group
            return
        logs = ", ".join(job_logs.paths(record)) or "it has none"
        if not self._stopped:
            end = f" ({by_slurm})" if by_slurm else ""
            self.screen.line(f"FAILED {job.title}{end}; its log: {logs}", "red")
        found = job_logs.error(job.log) if job.log else None
        how = f"did not end well: {by_slurm}" if by_slurm else job_logs.end(said)
        found = found or f"error: {job.title} {how}. Its log: {logs}"
        self._failed[record.jobid] = found

    def _on_error(self, record: Any) -> None:
        said = plain(record.getMessage())
        if said.startswith(endings.PREFIX):
            self._ended_by_slurm[record.thread] = said
            return
        self._ended_by_slurm.pop(record.thread, None)  # what follows is of another job
        if earlier := self._exceptions.pop(record.thread, None):
            self._problems.append(earlier)
        self._exceptions[record.thread] = said

    def _on_words(self, record: Any) -> None:
        said = str(record.msg and record.getMessage() or "")
        said_again = self._stopped and said.startswith(STOPPING)
        self._up_to_date |= said.startswith(NOTHING)
        self._stopped |= said.startswith(STOPPING)
        if not said or said_again or said.startswith((*NOISE, NOTHING)) or SUBMITTED in said:
            return
        self.screen.line(said, "yellow" if record.levelno >= logging.WARNING else "")

    def _watch(self) -> None:
        """Look into the logs of the running jobs again and again."""
        while not self._over.wait(POLL):
            with self.lock:
                if not self._over.is_set():
                    self._look()

    def _look(self) -> None:
        self.progress.follow()
        for job in self.progress.running.values():
            while job.log and job.log.warnings:
                warning = job.log.warnings.pop(0)
                if warning not in self._warned:  # many steps may have the same to say
                    self._warned.add(warning)
                    self.screen.line(f"{job.title}: warning: {warning}", "yellow")
        self.screen.update(self.progress, time.time())

    def _end(self) -> None:
        self.screen.stop()
        progress = self.progress
        problems = [*self._failed.values(), *self._problems, *self._exceptions.values()]
        problems = [x for x in problems if SOME_JOB not in x] or problems
        if self._began and not self._up_to_date and progress.done < progress.total:
            why = " as asked" if self._stopped else ""
            self.screen.line(
                f"Stopped{why} after {progress.done} of {_counted(progress.total, 'step')} "
                f"({duration(time.time() - self._began)}). The same command goes on from there."
            )
        elif self._began and not problems:
            cached = f" ({progress.restored} from the cache)" * bool(progress.restored)
            took = duration(time.time() - self._began)
            done = f"Done: {_counted(progress.total, 'step')}{cached} in {took}."
            self.screen.line(f"{NOTHING}: all is up to date." if self._up_to_date else done)
            try:
                if self._up_to_date:
                    ending.bring(self._workflow)
                ending.show(self.screen, ending.outputs(self._workflow))
            except UserError as error:  # a bucket that refuses by now
                problems.append(f"error: {error}")
        for problem in dict.fromkeys([] if self._stopped else problems):
            self.screen.line(problem, "bold red")


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def plain(said: str) -> str:
    """An error of Snakemake's without the lines of code that it passed through.

    An exception that Snakemake does not know stays as it is, with its traceback.
    """
    if said.startswith("Traceback"):
        return said
    if own := REFUSED_IN_A_RULE.match(said) or OWN.search(said):
        return f"error: {own[1]}"
    lines = [line for line in said.splitlines() if not CODE_LINE.match(line)]
    if len(lines) > 1 and re.match(r"(Workflow|User)Error( in .*)?:$", lines[0]):
        lines[:1] = []
        lines[0] = "error: " + lines[0].removeprefix("Error: ")
    return "\n".join(lines).strip()


class PlainErrors(logging.Formatter):
    """Snakemake's own formatter, but for errors."""

    def __init__(self, inner: logging.Formatter):
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        if get_event(record) is LogEvent.ERROR:
            return plain(record.getMessage())
        return self._inner.format(record)
