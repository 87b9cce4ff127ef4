"""Clusters of another kind than Slurm, by their own commands."""

import sys

import projects

SYSTEM = f"{sys.executable} {projects.ROOT / 'tests/support/batch_system.py'}"
COMMANDS = (
    *("--cluster-generic-submit-cmd", f"{SYSTEM} submit"),
    *("--cluster-generic-status-cmd", f"{SYSTEM} status"),
    *("--cluster-generic-cancel-cmd", f"{SYSTEM} cancel"),
    *("--seconds-between-status-checks", "1"),
)
DATA = "results/data/tiny_objects.h5"


def test_a_study_runs_by_a_submit_command(project, built, monkeypatch):
    monkeypatch.setenv("BATCH_SYSTEM", str(project.folder / "jobs"))
    status, said = project.run(DATA, profile="generic", options=COMMANDS)
    assert status == 0, said
    assert len(list((project.folder / "jobs").glob("*.end"))) == 2
    assert (project.folder / DATA).read_bytes() == (built / DATA).read_bytes()


def test_a_job_that_fails_there_is_tried_again_and_then_named(project, monkeypatch):
    monkeypatch.setenv("BATCH_SYSTEM", str(project.folder / "jobs"))
    projects.edit(project.folder / "scripts/prepare_data.py", "    from", "    0 / 0\n    from")
    status, said = project.run(DATA, "--retries", "1", profile="generic", options=COMMANDS)
    assert status == 1
    assert said.count("FAILED Reading and splitting tiny_objects") == 2
    assert "ZeroDivisionError" in said
