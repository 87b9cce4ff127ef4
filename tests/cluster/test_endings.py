"""What the parts of this room say, each alone and without a cluster."""

import pytest

from convstudy.cluster import endings, preflight, profiles, slurm
from convstudy.foundation.errors import UserError

MEMORY = (
    "slurmstepd: error: StepId=25.0 exceeded memory limit (460963840 > 262144000), being killed"
)
CGROUP = "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0. Some of the step tasks ..."
COMMAND = "srun: error: node1: task 0: Exited with exit code 1"
CONFIG = "srun: fatal: Could not establish a configuration source"


@pytest.mark.parametrize(
    "state, log, words",
    [
        ("FAILED", MEMORY, "ran out of memory"),
        ("FAILED", CGROUP, "ran out of memory"),
        ("OUT_OF_MEMORY", "", "ran out of memory"),
        ("TIMEOUT", "anything", "ran longer than its time limit (TIMEOUT)"),
        ("CANCELLED", "", "was cancelled (scancel, or an administrator)"),
        ("FAILED", f"{CONFIG}\n{COMMAND}\n", "failed: Could not establish a configuration source"),
        ("FAILED", f"hello\n{COMMAND}\n", "failed"),
        ("FAILED", "", "failed before it wrote a word: its node could not start it"),
    ],
)
def test_the_end_of_a_job_is_told_by_its_state_and_its_log(tmp_path, state, log, words):
    (tmp_path / "log").write_text(log)
    said = endings.words("7", state, tmp_path / "log")
    assert said.startswith(f"Slurm job 7 {words}")
    assert log or endings.words("7", state, tmp_path / "none").startswith(f"Slurm job 7 {words}")


def test_a_job_that_slurm_refuses_is_told_in_slurms_words():
    said = "SLURM sbatch failed. The error message was 'sbatch: error: invalid account'.\n    call"
    assert endings.words(None, said, None) == "Slurm job was not taken: invalid account"
    assert endings.words(None, "no\nidea", None) == "Slurm job was not taken: no idea"


def test_states_of_accounts_and_queue_are_one_language(monkeypatch):
    told = "1|CANCELLED by 1000\n2|TIMEOUT\n3_4|RUNNING\nnoise\n"
    monkeypatch.setattr(slurm, "ask", lambda *command: told)
    assert slurm.states_in_accounts("run") == {"1": "CANCELLED", "2": "TIMEOUT", "3_4": "RUNNING"}


@pytest.mark.parametrize(
    "limit, minutes",
    [("01:00:00", 60), ("1-12:30:00", 36 * 60 + 30), ("UNLIMITED", None), ("00:05:00", 5)],
)
def test_time_limits_are_read(monkeypatch, limit, minutes):
    told = f"PartitionName=main Default=YES MaxTime={limit} State=UP\n"
    monkeypatch.setattr(slurm, "ask", lambda *command: told)
    assert slurm.partitions()["main"] == slurm.Partition("main", True, minutes)


def test_a_profile_whose_plug_in_is_missing_is_refused_with_the_repair(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.yaml").write_text("executor: nosuch\njobs: 3\n")
    with pytest.raises(UserError, match="snakemake-executor-plugin-nosuch: pip install -r"):
        profiles.check("mine", [tmp_path], set())
    profiles.check("other", [tmp_path], set())
    (tmp_path / "mine/config.yaml").write_text("executor: local\n")
    profiles.check("mine", [tmp_path], set())


def test_jobs_of_an_earlier_run_are_named_and_so_is_what_ends_them():
    preflight.check_alone({})
    with pytest.raises(UserError) as refused:
        preflight.check_alone({"run-1": [str(x) for x in range(8)]})
    assert "0, 1, 2, 3, 4 and 3 more" in str(refused.value)
    assert "scancel --name=run-1" in str(refused.value)
