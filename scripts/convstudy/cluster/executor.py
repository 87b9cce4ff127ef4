"""Snakemake's executor for Slurm, made to check before the first job and to lose none.

Submission is the plug-in's. What became of the jobs is asked here: the plug-in forgets every job
when Slurm fails to answer once, and waits for ever; and it does not understand `sacct`'s word for a
job that somebody cancelled.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError
from snakemake_executor_plugin_slurm import Executor as PluginExecutor
from snakemake_interface_logger_plugins.common import LogEvent

from convstudy.cluster import endings, preflight, slurm
from convstudy.foundation.errors import UserError

PATIENCE = 30  # seconds between two questions while Slurm does not answer
LONGEST_PAUSE = 60  # seconds between two questions
FORGOTTEN = 300  # seconds after which a job that Slurm does not know is taken for lost


class Executor(PluginExecutor):
    """The plug-in's executor, with a watch of our own over the jobs."""

    def __init__(self, workflow: Any, logger: Any):
        try:
            cores = workflow.resource_settings.cores
            if cores is not None:
                raise UserError(
                    f"this run is held to {cores} cores, and on a cluster that is a limit for the "
                    f"threads of each job: start it with --workflow-profile in place of --profile "
                    f"(profiles/default has `cores: all`, of this machine), and without -c"
                )
            wanted = requests(workflow)
            for note in preflight.check(wanted, Path.cwd()):
                logger.warning(note)
            self._watched_partitions = slurm.partitions() if wanted else {}
        except UserError as error:
            raise WorkflowError(str(error)) from None
        self._seen: dict[str, float] = {}  # when a job was submitted, or last known to Slurm
        self._silent_since: float | None = None
        self._without_accounts = False
        self._sources = _sources(workflow.executor_settings.status_command)
        super().__init__(workflow, logger)

    def get_account_arg(self, job: Any) -> Iterator[str]:
        """The account that the profile names; without one Slurm takes the user's default."""
        return super().get_account_arg(job) if job.resources.get("slurm_account") else iter([""])

    def additional_general_args(self) -> str:
        """How Snakemake is started in a job: to do its steps one after the other, in one process.

        The plug-in lets it start each step by `srun`, with another Snakemake, which a step on
        several nodes would need, and which takes longer than many a step of ours.
        """
        return "--executor local --jobs 1"

    def run_job(self, job: Any) -> None:
        """Hold a job to the time that its partition gives, and submit it.

        Snakemake adds up the times of a group's steps and holds the sum to no limit; Slurm takes
        such a job and lets it wait for ever.
        """
        name = str(job.resources.get("slurm_partition") or "")
        partition = slurm.partition_of(name, self._watched_partitions)
        limit = partition and partition.minutes
        if limit and (job.resources.get("runtime") or 0) > limit:
            if job.is_group():
                job._resources["runtime"] = limit
            else:
                job.resources.runtime = limit
        super().run_job(job)

    def report_job_submission(self, job_info: Any, register_job: bool = True) -> None:
        """Note when a job was handed over."""
        self._seen[job_info.external_jobid] = time.monotonic()
        super().report_job_submission(job_info, register_job=register_job)

    def report_job_error(self, job_info: Any, msg: str = "", **about: Any) -> None:
        """Say how a job ended and what happens now, and hand it back to Snakemake."""
        job, log = job_info.job, _log(job_info)
        how = endings.words(job_info.external_jobid, msg, log)
        if job.restart_times >= job.attempt:
            how += f"; it is tried again (attempt {job.attempt + 1} of {job.restart_times + 1})"
        self.logger.error(how, extra={"event": LogEvent.ERROR})
        super().report_job_error(job_info, msg=msg, aux_logs=[str(log)] if log else [])

    async def check_active_jobs(self, active_jobs: list[Any]) -> AsyncGenerator[Any, None]:
        """Ask Slurm for the states of all jobs; those that are not over come back."""
        first = self.workflow.executor_settings.init_seconds_before_status_checks
        if not active_jobs:
            self.next_seconds_between_status_checks = first
            return
        try:
            states = self._states()
        except slurm.Unanswered as error:
            self._note_silence(len(active_jobs), str(error))
            for job_info in active_jobs:
                yield job_info
            return
        self._note_answer()
        left = [x for x in active_jobs if not self._settle(x, states.get(x.external_jobid))]
        pause = self.next_seconds_between_status_checks + 10
        is_quiet = len(left) == len(active_jobs)
        self.next_seconds_between_status_checks = min(pause, LONGEST_PAUSE) if is_quiet else first
        for job_info in left:
            yield job_info

    def _states(self) -> dict[str, str]:
        """States by number of job, from the part of Slurm that answers.

        Raises:
            Unanswered: none does.
        """
        first, *others = self._sources
        try:
            found = first(self.run_uuid)
        except slurm.Unanswered as error:
            if not others:
                raise
            found = others[0](self.run_uuid)
            if not self._without_accounts:
                self.logger.warning(f"sacct does not answer ({error}): squeue is asked instead.")
            self._without_accounts = True
        else:
            self._without_accounts = False
        return found

    def _settle(self, job_info: Any, state: str | None) -> bool:
        """Report a job that is over; whether it is."""
        number, now = job_info.external_jobid, time.monotonic()
        if state is None:
            if now - self._seen[number] < FORGOTTEN or slurm.may_know(number):
                return False
            self.report_job_error(job_info, msg=endings.FORGOTTEN)
            return True
        self._seen[number] = now
        if state == "COMPLETED":
            self.report_job_success(job_info)
            log = _log(job_info)
            if log and not self.workflow.executor_settings.keep_successful_logs:
                log.unlink(missing_ok=True)
            return True
        if state not in endings.WORDS or (
            state in endings.REQUEUED and self.workflow.executor_settings.requeue
        ):
            return False
        if state in endings.REQUEUED:  # by Slurm too, on many clusters: there must not be two
            with contextlib.suppress(slurm.Unanswered):
                slurm.ask("scancel", number)
            self._failed_nodes |= slurm.nodes_of(number)
        self.report_job_error(job_info, msg=state)
        return True

    def _note_answer(self) -> None:
        if self._silent_since is not None:
            self.logger.warning("Slurm answers again; the run goes on.")
            self._silent_since = None

    def _note_silence(self, count: int, reason: str) -> None:
        now = time.monotonic()
        waited = f" for {(now - self._silent_since) / 60:.0f} min" if self._silent_since else ""
        self._silent_since = self._silent_since or now
        self.next_seconds_between_status_checks = PATIENCE
        self.logger.warning(
            f"Slurm does not say{waited} how the {count} jobs are that were submitted ({reason}). "
            f"They are not lost: asking again every {PATIENCE} s."
        )


def _sources(preferred: str | None) -> list[Any]:
    """Whom to ask for the states, first of all who knows finished jobs longest."""
    if preferred == "squeue" or not slurm.has_accounting():
        return [slurm.states_in_queue]
    return [slurm.states_in_accounts, slurm.states_in_queue]


def _log(job_info: Any) -> Path | None:
    """Where Slurm writes what a job says."""
    path = (job_info.aux or {}).get("slurm_logfile")
    return path and Path(path)


def requests(workflow: Any) -> list[preflight.Request]:
    """The most that the jobs of a run which are not done here will ask for, by rule and place.

    What follows from files that are not made yet is taken to be the most that the run allows.
    """
    allowed = {"runtime": None, "mem_mb": None}
    allowed |= {
        x: workflow.global_resources[x].value for x in allowed if x in workflow.global_resources
    }
    most: dict[tuple[str, str, str], dict[str, int]] = {}
    for job in workflow.dag.needrun_jobs():
        if job.is_local or job.is_norun:
            continue
        asked = job.resources
        place = (asked.get("slurm_partition") or "", asked.get("slurm_account") or "")
        found = most.setdefault((job.rule.name, *map(str, place)), {"cpus": 1})
        for name, key in ARGUMENTS.items():
            value = asked.get(key)
            value = allowed[key] if isinstance(value, str) else value  # not known yet
            if value is not None:
                found[name] = max(value, found.get(name, 0))
    return [preflight.Request(*where, **what) for where, what in sorted(most.items())]


ARGUMENTS = {"minutes": "runtime", "mem_mb": "mem_mb", "cpus": "_cores", "gpus": "gpu"}
