"""Clusters of another kind than Slurm, by their own commands."""

import os
import subprocess
import sys

import projects
import pytest

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


@pytest.mark.parametrize(
    "state, status, said",
    [("R", None, "running"), ("F", 0, "success"), ("F", 10, "failed"), ("F", 271, "failed")],
)
def test_the_state_of_a_pbs_job_is_told(tmp_path, state, status, said):
    lines = [
        f"    job_state = {state}",
        *([f"    Exit_status = {status}"] if status is not None else []),
    ]
    command = tmp_path / "qstat"
    command.write_text("#!/bin/sh\ncat <<END\nJob Id: 7\n" + "\n".join(lines) + "\nEND\n")
    command.chmod(0o755)
    done = subprocess.run(
        [projects.ROOT / "profiles/generic/status.sh", "7"],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{said}\n"


def test_a_job_that_fails_there_is_tried_again_and_then_named(project, monkeypatch):
    monkeypatch.setenv("BATCH_SYSTEM", str(project.folder / "jobs"))
    projects.edit(project.folder / "scripts/prepare_data.py", "    from", "    0 / 0\n    from")
    status, said = project.run(DATA, "--retries", "1", profile="generic", options=COMMANDS)
    assert status == 1
    assert said.count("FAILED Reading and splitting tiny_objects") == 2
    assert "ZeroDivisionError" in said
