"""A run whose jobs share one import of TensorFlow."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from projects import edit, snakemake

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the warm process is of Linux")
RUN = "results/runs/tiny_birds/features_one_layer/seed0"
FILES = ("model.keras", "history.csv", "predictions.h5")


def processes(folder: Path) -> dict[int, str]:
    """The processes that work in a folder, with their command lines."""
    found = {}
    for path in Path("/proc").iterdir():
        try:
            if path.name.isdigit() and os.readlink(path / "cwd") == str(folder.resolve()):
                found[int(path.name)] = (path / "cmdline").read_text()
        except OSError:
            pass  # it has ended, or is another user's
    return found


def wait_for_the_end_of_all(folder: Path) -> None:
    """Within seconds no process may work in the folder any more."""
    end = time.monotonic() + 10
    while processes(folder):
        assert time.monotonic() < end, processes(folder)
        time.sleep(0.05)


def run_again(folder: Path) -> dict[str, bytes]:
    shutil.rmtree(folder / RUN)
    done = snakemake(folder, f"{RUN}/metrics.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: (folder / RUN / name).read_bytes() for name in FILES}


def test_the_bytes_are_those_of_jobs_that_import_it_themselves(copy):
    with open(copy / "tiny.yaml", "a") as stream:
        stream.write("cache: {max_gb: 0}\n")
    shared = run_again(copy)
    wait_for_the_end_of_all(copy)
    edit(copy / "rules/start.smk", "    warm_start.offer()", "    warm_start.withdraw()")
    assert run_again(copy) == shared


def test_nothing_outlives_a_killed_snakemake(copy):
    with open(copy / "tiny.yaml", "a") as stream:
        stream.write("cache: {max_gb: 0}\n")
    shutil.rmtree(copy / RUN)
    command = [sys.executable, "-m", "snakemake", "-c2", f"{RUN}/metrics.json"]
    running = subprocess.Popen([*command, "--configfile", "tiny.yaml"], cwd=copy)
    end = time.monotonic() + 60
    while not any("warm_process" in x for x in processes(copy).values()):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(2)
    running.send_signal(signal.SIGKILL)
    running.wait()
    wait_for_the_end_of_all(copy)
