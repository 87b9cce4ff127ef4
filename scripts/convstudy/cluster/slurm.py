"""What a Slurm cluster says of itself, by its own commands."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS = 60.0  # until a command counts as unanswered
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)$")


class Unanswered(Exception):
    """A command of Slurm's failed; the message is its last line."""


def ask(*command: str) -> str:
    """What a command of Slurm's writes.

    Raises:
        Unanswered: it failed, or took longer than a minute.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise Unanswered(f"there is no {command[0]} on this machine") from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{command[0]} gave no answer within {SECONDS:g} s") from None
    if done.returncode:
        raise Unanswered(_last_line(done.stderr) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


@dataclass(frozen=True)
class Partition:
    """A partition and what it allows.

    Attributes:
        name: its name.
        is_default: whether a job that names none comes here.
        minutes: the longest time a job may ask for; None without a limit.
    """

    name: str
    is_default: bool
    minutes: int | None


def partitions() -> dict[str, Partition]:
    """The partitions of the cluster, by name."""
    found = {}
    for line in ask("scontrol", "--oneliner", "show", "partition").splitlines():
        told = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if "PartitionName" in told:
            name = told["PartitionName"]
            found[name] = Partition(
                name, told.get("Default") == "YES", _minutes(told.get("MaxTime", ""))
            )
    return found


def _minutes(limit: str) -> int | None:
    """A time limit as Slurm writes it (1-00:00:00, UNLIMITED), in minutes."""
    time = _TIME.match(limit)
    if not time:
        return None
    days, hours, minutes = (int(time[name] or 0) for name in ("days", "hours", "minutes"))
    return (days * 24 + hours) * 60 + minutes


def has_accounting() -> bool:
    """Tell whether the cluster keeps the states of finished jobs (`sacct`)."""
    try:
        ask("sacct", "--noheader", "--allocations", "--user", str(os.getuid()))
    except Unanswered:
        return False
    return True


def accounts() -> set[str]:
    """The accounts that this user may charge; none where the cluster does not say."""
    try:
        told = ask(
            "sacctmgr", "-n", "-P", "show", "assoc", f"user={_user()}", "format=account"
        )
    except Unanswered:
        return set()
    return {name.strip().lower() for name in told.splitlines() if name.strip()}


def _user() -> str:
    import getpass

    return getpass.getuser()


def jobs_of(folder: str) -> dict[str, list[str]]:
    """Jobs that Snakemake has submitted from a folder and that are not over: numbers by run."""
    found: dict[str, list[str]] = {}
    told = ask("squeue", "-h", "--me", "-o", "%i|%j|%k|%Z")
    for line in told.splitlines():
        number, run, comment, workdir = line.split("|", 3)
        if comment.startswith("rule_") and os.path.realpath(workdir) == os.path.realpath(folder):
            found.setdefault(run, []).append(number)
    return found


def known(numbers: Sequence[str]) -> set[str]:
    """Which of these jobs Slurm knows, running or over.

    Raises:
        Unanswered: it does not say.
    """
    wanted = ",".join(numbers)
    try:
        told = ask("sacct", "-n", "-P", "-X", "-j", wanted, "-o", "JobID")
    except Unanswered:
        told = ""
    queue = ask("squeue", "-h", "-t", "all", "--me", "-r", "-o", "%i")
    return set(told.split()) | set(queue.split())


def refusal(options: Sequence[str]) -> str | None:
    """Why the cluster would not take a job with these options of `sbatch`; None if it would.

    Slurm itself decides (`sbatch --test-only`); nothing is submitted.
    """
    try:
        ask("sbatch", "--test-only", *options, "--wrap", "true")
    except Unanswered as error:
        return str(error).removeprefix("allocation failure: ")
    return None


def run_once(options: Sequence[str], command: str, seconds: float) -> tuple[int, str]:
    """Run a command on a node.

    Args:
        options: of `srun`, which say where.
        command: for the shell of the node.
        seconds: how long to wait in the queue.

    Returns:
        Its exit status, and the first line that it wrote as an error.

    Raises:
        Unanswered: no node took it.
    """
    words = ["srun", "--quiet", f"--immediate={seconds:.0f}", "--ntasks=1", *options]
    try:
        done = subprocess.run(
            [*words, "/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unanswered(f"no end within {seconds + SECONDS:g} s") from None
    if done.returncode and "srun: error: Unable to" in done.stderr:
        raise Unanswered(_last_line(done.stderr).removeprefix("srun: error: "))
    lines = [x for x in done.stderr.splitlines() if not x.startswith(("srun:", "slurmstepd"))]
    return done.returncode, lines[-1] if lines else ""
