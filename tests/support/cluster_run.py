"""Runs of a tiny study on the small cluster, and what tests do with them."""

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import projects

# What this small cluster allows: a job a step, and with the groups of the profile.
SINGLY = ("--resources", "runtime=60", "mem_mb=6000")
FITTING = (*SINGLY, "turns=1")
QUICK = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10")
PAUSES = {"PATIENCE = 30": "PATIENCE = 2", "LONGEST_PAUSE = 60": "LONGEST_PAUSE = 2"}


def environment(folder: Path, *requirements: str) -> Path:
    """The Python of a new environment that has ours, and what these files of the root add."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    files = [x for name in requirements for x in ("-r", projects.ROOT / name)]
    subprocess.run([*pip, *files], check=True)
    return folder / "bin/python"


class Run:
    """A run of Snakemake that a test watches."""

    def __init__(self, command: list[str], folder: Path):
        self._output = folder / "run.txt"
        with open(self._output, "w") as stream:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=stream, stderr=stream, start_new_session=True
            )

    def said(self) -> str:
        return self._output.read_text()

    def end(self, seconds: float = 300) -> tuple[int, str]:
        """Wait for the end; its exit status and all that it said."""
        try:
            return self.process.wait(seconds), self.said()
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill Snakemake, not what it submitted."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class OnCluster:
    """A project whose jobs go to Slurm."""

    def __init__(self, folder: Path, python: Path):
        folder.mkdir(exist_ok=True)
        self.folder, self.python = folder, python
        projects.put_sources(folder)
        for ours, shorter in PAUSES.items():  # the cluster is here, and is not asked too often
            projects.edit(folder / "scripts/convstudy/cluster/executor.py", ours, shorter)

    def command(
        self, *arguments: str, profile: str = "slurm", options: tuple[str, ...] = FITTING
    ) -> list[str | Path]:
        study = ("--configfile", "tiny.yaml", "--workflow-profile", profile)
        return [self.python, "-m", "snakemake", *arguments, *study, *options, *QUICK]

    def start(self, *arguments: str, **how) -> Run:
        return Run(self.command(*arguments, **how), self.folder)

    def run(self, *arguments: str, **how) -> tuple[int, str]:
        return self.start(*arguments, **how).end()

    def log(self, step: str) -> str:
        path = self.folder / "results/logs" / f"{step}.log"
        return path.read_text() if path.is_file() else ""
