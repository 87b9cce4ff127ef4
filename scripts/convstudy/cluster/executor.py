"""Snakemake's executor for Slurm, made to check before the first job and to lose none.

The plug-in asks Slurm again and again for the states of all jobs. When that fails (a controller
that is restarted, an accounting daemon that is away) it forgets every job, and the run waits for
ever without a word. Here such jobs stay, and the run says why it waits. A job that Slurm itself has
forgotten is taken for failed, so that it is tried again.
"""

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
FORGOTTEN = 300  # seconds after which a job that Slurm does not know is taken for lost
MEGABYTES = "mem_mb"


class Executor(PluginExecutor):
    """The plug-in's executor, which knows what it was given and what became of it."""

    def __init__(self, workflow: Any, logger: Any):
        try:
            cores = workflow.resource_settings.cores
            if cores is not None:
                raise UserError(
                    f"this run is held to {cores} cores, and on a cluster that is a limit for the "
                    f"threads of each job: start it with --workflow-profile in place of --profile "
                    f"(profiles/default has `cores: all`, of this machine), and without -c"
                )
            for note in preflight.check(requests(workflow), Path.cwd()):
                logger.warning(note)
        except UserError as error:
            raise WorkflowError(str(error)) from None
        self._settled: set[int] = set()
        self._seen: dict[str, float] = {}  # when a job was submitted, or last known to Slurm
        self._silent_since: float | None = None
        self._accounting = slurm.has_accounting()
        # the default first
        self._partitions_found = sorted(slurm.partitions().values(), key=lambda x: not x.is_default)
        super().__init__(workflow, logger)

    def get_status_command(self) -> str:
        """`squeue` where the cluster keeps no accounts of finished jobs."""
        return super().get_status_command() if self._accounting else "squeue"

    def report_job_submission(self, job_info: Any, register_job: bool = True) -> None:
        """Note when a job was handed over."""
        self._seen[job_info.external_jobid] = time.monotonic()
        super().report_job_submission(job_info, register_job=register_job)

    def report_job_success(self, job_info: Any) -> None:
        """Note that a job is over."""
        self._settled.add(id(job_info))
        super().report_job_success(job_info)

    def report_job_error(self, job_info: Any, msg: str = "", **about: Any) -> None:
        """Note that a job is over, and say how it ended and what happens now."""
        self._settled.add(id(job_info))
        job, log = job_info.job, (job_info.aux or {}).get("slurm_logfile")
        how = endings.words(job_info.external_jobid, msg, log and Path(log))
        if job.restart_times >= job.attempt:
            how += f"; it is tried again (attempt {job.attempt + 1} of {job.restart_times + 1})"
        self.logger.error(how, extra={"event": LogEvent.ERROR})
        super().report_job_error(job_info, msg=msg, **about)

    def get_account_arg(self, job: Any) -> Iterator[str]:
        """The account that the profile names; the plug-in would guess one, which Slurm does, too."""
        return super().get_account_arg(job) if job.resources.get("slurm_account") else iter([""])

    def run_job(self, job: Any) -> None:
        """Hold a job to the time that its partition gives, and submit it.

        Snakemake adds up the times of a group's steps and holds the sum to no limit; Slurm takes
        such a job and lets it wait for ever.
        """
        name = str(job.resources.get("slurm_partition") or "")
        limit = next((x.minutes for x in self._partitions_found if name in ("", x.name)), None)
        if limit and (job.resources.get("runtime") or 0) > limit:
            if job.is_group():
                job._resources["runtime"] = limit
            else:
                job.resources.runtime = limit
        super().run_job(job)

    async def check_active_jobs(self, active_jobs: list[Any]) -> AsyncGenerator[Any, None]:
        """Keep all jobs of which Slurm has not said that they are over."""
        self._settled.clear()
        kept = [job async for job in super().check_active_jobs(active_jobs)]
        answered = {id(job) for job in kept} | self._settled
        if all(id(job) in answered for job in active_jobs):
            self._note_answer()
            kept = [job for job in kept if not self._is_lost(job)]
        else:
            kept = [job for job in active_jobs if id(job) not in self._settled]
            self._note_silence(len(kept))
        for job in kept:
            yield job

    def _note_answer(self) -> None:
        if self._silent_since is not None:
            self.logger.warning("Slurm answers again; the run goes on.")
            self._silent_since = None

    def _note_silence(self, count: int) -> None:
        now = time.monotonic()
        since = self._silent_since
        self._silent_since = since or now
        self.next_seconds_between_status_checks = PATIENCE
        waited = f" for {(now - since) / 60:.0f} min" if since else ""
        self.logger.warning(
            f"Slurm does not say how the {count} jobs are that were submitted{waited} "
            f"({_reason()}). They are not lost: asking again every {PATIENCE} s."
        )

    def _is_lost(self, job_info: Any) -> bool:
        """Whether Slurm has forgotten a job, which is then reported as failed."""
        number, now = job_info.external_jobid, time.monotonic()
        if now - self._seen[number] < FORGOTTEN:
            return False
        try:
            is_known = number in slurm.known([number])
        except slurm.Unanswered:
            return False
        self._seen[number] = now
        if not is_known:
            self.report_job_error(job_info, msg=f"Slurm has forgotten job {number}. ")
        return not is_known


def _reason() -> str:
    """Why Slurm does not answer, in its own words."""
    for command in (("scontrol", "show", "partition"), ("sacct", "-n", "-X")):
        try:
            slurm.ask(*command)
        except slurm.Unanswered as error:
            return str(error)
    return "the question failed; by now it answers"


def requests(workflow: Any) -> set[preflight.Request]:
    """What the jobs of a run that are not done here will ask for.

    What follows from files that are not made yet is taken to be the most that the run allows.
    """
    limits = {x: workflow.global_resources.get(x) for x in ("runtime", MEGABYTES)}
    found = set()
    for job in workflow.dag.needrun_jobs():
        if job.is_local or job.is_norun:
            continue

        def number(name: str, resources: Any = job.resources) -> int | None:
            value = resources.get(name)
            if isinstance(value, str):  # not known yet
                value = getattr(limits.get(name), "value", limits.get(name))
            return value

        found.add(
            preflight.Request(
                job.rule.name,
                str(job.resources.get("slurm_partition") or ""),
                str(job.resources.get("slurm_account") or ""),
                number("runtime"),
                number(MEGABYTES),
                job.threads,
                number("gpu") or 0,
            )
        )
    return found
