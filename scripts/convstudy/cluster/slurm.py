"""What a Slurm cluster says of itself, by its own commands."""

import getpass
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from convstudy.foundation.errors import UserError

SECONDS = 60.0  # until a command counts as unanswered
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)$")


class Unanswered(UserError):
    """A command of Slurm's failed; the message is its last line."""


def ask(*command: str) -> str:
    """What a command of Slurm's writes.

    Raises:
        Unanswered: it failed, or took longer than a minute.
    """
    done = _run(command, SECONDS)
    if done.returncode:
        raise Unanswered(_last_line(done.stderr) or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever that is; raise `Unanswered` where it has none in time."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise Unanswered(f"there is no {command[0]} on this machine") from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{command[0]} gave no answer within {seconds:g} s") from None


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
            "sacctmgr", "-n", "-P", "show", "assoc", f"user={getpass.getuser()}", "format=account"
        )
    except Unanswered:
        return set()
    return {name.strip().lower() for name in told.splitlines() if name.strip()}


def jobs_of(folder: str) -> dict[str, list[str]]:
    """Jobs that Snakemake has submitted from a folder and that are not over: numbers by run."""
    found: dict[str, list[str]] = {}
    told = ask("squeue", "-h", "-o", "%i|%j|%k|%Z")
    for line in told.splitlines():
        number, run, comment, workdir = line.split("|", 3)
        if comment.startswith("rule_") and os.path.realpath(workdir) == os.path.realpath(folder):
            found.setdefault(run, []).append(number)
    return found


def states_in_queue(run: str) -> dict[str, str]:
    """The states of a run's jobs by number, as long as the controller keeps those that are over.

    Raises:
        Unanswered: it does not say.
    """
    return _states(ask("squeue", "-h", "-r", "-t", "all", "-n", run, "-o", "%i|%T"))


def states_in_accounts(run: str) -> dict[str, str]:
    """The states of a run's jobs by number, those that were over days ago too.

    Raises:
        Unanswered: the accounting does not say.
    """
    options = ("-X", "-n", "-P", "-S", "now-7days", "--name", run, "-o", "JobID,State")
    return _states(ask("sacct", *options))


def _states(told: str) -> dict[str, str]:
    """States by number; `sacct` says "CANCELLED by 1000"."""
    rows = [line.split("|") for line in told.splitlines() if "|" in line]
    return {number: state.split()[0] for number, state in rows}


def may_know(number: str) -> bool:
    """Whether Slurm knows a job, running or over, or does not say."""
    try:
        queue = ask("squeue", "-h", "-r", "-t", "all", "--me", "-o", "%i").split()
    except Unanswered:
        return True
    try:
        accounts = ask("sacct", "-X", "-n", "-P", "-j", number, "-o", "JobID").split()
    except Unanswered:
        return number in queue or has_accounting()
    return number in queue or number in accounts


def nodes_of(number: str) -> set[str]:
    """The node on which a job was, as far as the accounting says."""
    try:
        told = ask("sacct", "-X", "-n", "-P", "-j", number, "-o", "NodeList").split()
    except Unanswered:
        return set()
    return {node for node in told if node not in ("None", "assigned", "")}


def partition_of(name: str, found: dict[str, Partition]) -> Partition | None:
    """The partition of that name; the default for an empty one; None if there is none."""
    default = next((x for x in found.values() if x.is_default), None)
    return found.get(name) if name else default


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
    done = _run([*words, "/bin/sh", "-c", command], seconds + SECONDS)
    if done.returncode and "srun: error: Unable to" in done.stderr:
        raise Unanswered(_last_line(done.stderr).removeprefix("srun: error: "))
    lines = [x for x in done.stderr.splitlines() if not x.startswith(("srun:", "slurmstepd"))]
    return done.returncode, lines[-1] if lines else ""
