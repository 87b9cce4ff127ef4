"""What the executor makes of the states that Slurm tells, without a cluster."""

import asyncio
import logging
import shutil
import sys
from types import SimpleNamespace

import pytest

from convstudy.cluster import endings, slurm


@pytest.fixture(scope="module")
def executor_module(python, tmp_path_factory):
    """Our executor, with the plug-in from the environment that has it."""
    commands = tmp_path_factory.mktemp("commands")
    (commands / "which").symlink_to(shutil.which("which"))
    (packages,) = python.parents[1].glob("lib/*/site-packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(commands))  # the plug-in asks for Slurm on import
        patch.syspath_prepend(str(packages))
        from convstudy.cluster import executor

        yield executor
    for name in [x for x in sys.modules if x.startswith("snakemake_executor_plugin")]:
        del sys.modules[name]
    del sys.modules["convstudy.cluster.executor"]


class Watched:
    """An executor that watches jobs of given states."""

    def __init__(self, module, monkeypatch, states, requeue=False):
        self.ended, self.cancelled = {}, []
        executor = object.__new__(module.Executor)
        settings = SimpleNamespace(
            init_seconds_before_status_checks=2, keep_successful_logs=False, requeue=requeue
        )
        executor.workflow = SimpleNamespace(executor_settings=settings)
        executor.logger = logging.getLogger("watched")
        executor.run_uuid, executor._failed_nodes, executor._silent_since = "run", set(), None
        executor._next_seconds_between_status_checks = 2
        executor._without_accounts, executor._sources = False, [states]
        monkeypatch.setattr(module.PluginExecutor, "report_job_success", self.succeed)
        monkeypatch.setattr(module.PluginExecutor, "report_job_error", self.fail)
        monkeypatch.setattr(slurm, "ask", self.ask)
        self.executor = executor

    def succeed(self, job_info):
        self.ended[job_info.external_jobid] = "COMPLETED"

    def fail(self, job_info, msg, **about):
        self.ended[job_info.external_jobid] = msg

    def ask(self, *command):
        if command[0] == "scancel":
            self.cancelled.append(command[1])
        return "node3\n" if command[-1] == "NodeList" else ""

    def check(self, *numbers, seen=0.0) -> list[str]:
        """The numbers of the jobs that are not over."""
        job = SimpleNamespace(restart_times=3, attempt=1)
        jobs = [SimpleNamespace(external_jobid=x, job=job, aux={}) for x in numbers]
        self.executor._seen = dict.fromkeys(numbers, seen)

        async def left():
            return [x.external_jobid async for x in self.executor.check_active_jobs(jobs)]

        return asyncio.run(left())


def test_jobs_are_over_when_slurm_says_so(executor_module, monkeypatch):
    states = {"1": "RUNNING", "2": "COMPLETED", "3": "CANCELLED", "4": "PENDING", "5": "SUSPENDED"}
    watched = Watched(executor_module, monkeypatch, lambda run: states)
    assert watched.check("1", "2", "3", "4", "5") == ["1", "4", "5"]
    assert watched.ended == {"2": "COMPLETED", "3": "CANCELLED"}


def test_no_job_is_lost_when_slurm_does_not_answer(executor_module, monkeypatch, caplog):
    def silent(run):
        raise slurm.Unanswered("nobody there")

    watched = Watched(executor_module, monkeypatch, silent)
    assert watched.check("1", "2") == ["1", "2"] and not watched.ended
    assert "how the 2 jobs are that were submitted (nobody there)" in caplog.text
    assert watched.executor.next_seconds_between_status_checks == executor_module.PATIENCE
    watched.executor._sources = [lambda run: {"1": "COMPLETED", "2": "COMPLETED"}]
    assert watched.check("1", "2") == [] and "Slurm answers again" in caplog.text


def test_a_job_that_slurm_has_forgotten_is_failed_and_one_that_is_new_is_not(
    executor_module, monkeypatch
):
    watched = Watched(executor_module, monkeypatch, lambda run: {})
    monkeypatch.setattr(slurm, "may_know", lambda number: number == "2")
    now = executor_module.time.monotonic()
    assert watched.check("1", "2", seen=now) == ["1", "2"]
    assert watched.check("1", "2", seen=now - executor_module.FORGOTTEN) == ["2"]
    assert watched.ended == {"1": endings.FORGOTTEN}


def test_what_slurm_might_start_again_is_cancelled_first(executor_module, monkeypatch):
    states = {"1": "NODE_FAIL", "2": "TIMEOUT"}
    watched = Watched(executor_module, monkeypatch, lambda run: states)
    assert watched.check("1", "2") == []
    assert watched.cancelled == ["1"] and watched.executor._failed_nodes == {"node3"}
    by_slurm = Watched(executor_module, monkeypatch, lambda run: states, requeue=True)
    assert by_slurm.check("1") == ["1"] and not by_slurm.cancelled


def test_the_queue_is_asked_where_the_accounts_are_silent(executor_module, monkeypatch, caplog):
    def silent(run):
        raise slurm.Unanswered("no database")

    watched = Watched(executor_module, monkeypatch, silent)
    watched.executor._sources.append(lambda run: {"1": "COMPLETED"})
    assert watched.check("1") == [] and "squeue is asked instead" in caplog.text
