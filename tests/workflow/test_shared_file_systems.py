"""Projects on file systems of a cluster: without locks, and with nodes whose clocks differ."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import projects
import pytest

METRICS = "results/runs/tiny_objects/base_net_whiten/seed0/metrics.json"


@pytest.fixture
def without_locks(tmp_path, monkeypatch):
    """Let every process that is started find that files cannot be locked."""
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler, which makes the file system refuse locks")
    library, source = tmp_path / "no_locks.so", projects.ROOT / "tests/support/no_locks.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    code = "import fcntl; fcntl.flock(open(__file__), fcntl.LOCK_EX)"
    refused = subprocess.run([sys.executable, "-c", code.replace("__file__", repr(str(source)))])
    assert refused.returncode != 0


def test_a_study_is_done_where_files_cannot_be_locked(copy, without_locks):
    projects.delete_results(copy)
    shutil.rmtree(copy / "results/.convstudy")
    run = projects.snakemake(copy, METRICS)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (copy / METRICS).is_file()
    log = Path(copy, "results/logs/train_model/tiny_objects/base_net_whiten/seed0.log").read_text()
    assert "no locks on this file system" in log
    assert (run.stdout + run.stderr).count("no locks on this file system") == 1


def test_a_step_of_a_node_whose_clock_is_behind_makes_what_follows_stale(copy):
    files = "files: {archive: results/demo/objects.tar.gz}\n"
    projects.edit(copy / "tiny.yaml", files, files + "    seed: 5\n")
    assert projects.snakemake(copy, "results/data/tiny_objects.h5").returncode == 0
    os.utime(copy / "results/data/tiny_objects.h5", (1e9, 1e9))
    jobs = projects.stale(copy)
    assert "Training base_net_whiten on tiny_objects, seed 0" in jobs
    assert not [job for job in jobs if "tiny_birds" in job]
    assert projects.snakemake(copy, METRICS).returncode == 0
    again = projects.snakemake(copy, "-n", METRICS)
    assert "Nothing to be done" in again.stdout + again.stderr
