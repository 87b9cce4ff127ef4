"""What is missing on a cluster, said before the first job is submitted.

Slurm itself accepts a job that asks for more time than its partition allows, and lets it wait for
ever; a node without the project's folder or Python fails each job of a study in turn.
"""

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from convstudy.cluster import slurm
from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError

PLUGIN = "snakemake-executor-plugin-slurm"
REQUIREMENTS = plugin_files.SCRIPTS.parent / "requirements-cluster.txt"
INSTALL = f"pip install -r {REQUIREMENTS}"
WAIT = 30.0  # seconds in the queue for a look at a node
MEMORY = "`resources: mem_mb` in the profile to the memory of its nodes"
THREADS = "`threads` in the config to the processors of its nodes"
GPUS = "`gpu` in the profile, or slurm_partition to one with GPUs"
NO_FOLDER, OTHER_FOLDER, NO_PYTHON = 71, 72, 73
_LOOK = """
cd {folder} 2>/dev/null || exit {no_folder}
[ "$(cat {token} 2>/dev/null)" = {secret} ] || exit {other_folder}
{python} -c 'import snakemake' || exit {no_python}
"""


@dataclass(frozen=True)
class Request:
    """The most that jobs of one rule ask for.

    Attributes:
        rule: the rule, or the group of several.
        partition: empty for the cluster's own choice.
        account: empty for the cluster's own choice.
        minutes: the time; None if nothing is asked for.
        mem_mb: the memory, in megabytes; None if nothing is asked for.
        cpus: threads.
        gpus: graphics processors.
    """

    rule: str
    partition: str = ""
    account: str = ""
    minutes: int | None = None
    mem_mb: int | None = None
    cpus: int = 1
    gpus: int = 0

    def where(self) -> list[str]:
        """The options of `sbatch` and `srun` that say where it runs, and at whose cost."""
        return [
            *(["--partition", self.partition] if self.partition else []),
            *(["--account", self.account] if self.account else []),
        ]


def check(requests: Iterable[Request], folder: Path) -> list[str]:
    """Refuse to start what could not run; where no job is asked for, nothing is looked at.

    Args:
        requests: what the jobs of this run will ask for.
        folder: the project's.

    Returns:
        What could not be looked at, in sentences.

    Raises:
        UserError: something is missing; the message has a sentence for each thing.
    """
    requests = list(requests)
    if not requests:
        return []
    check_plugin()
    if shutil.which("sbatch") is None:
        raise UserError(
            "there is no sbatch on this machine: start the study on a login node of the cluster "
            "(where Slurm is a module: module load slurm), or without --workflow-profile to run "
            "it here"
        )
    try:
        found = slurm.partitions()
        running = slurm.jobs_of(str(folder))
    except slurm.Unanswered as error:
        raise UserError(
            f"Slurm does not answer ({error}): nothing was submitted. Try again when `sinfo` shows "
            f"the partitions"
        ) from None
    check_alone(running)
    accounts = slurm.accounts()
    problems = dict.fromkeys(x for one in requests for x in _problems(one, found, accounts))
    if problems:
        raise UserError("\n".join(problems))
    return _look_at_nodes(requests, folder)


def check_plugin() -> None:
    """Refuse another version of the plug-in than the one that this project is tested with.

    Raises:
        UserError: its version is not that of requirements-cluster.txt.
    """
    found, wanted = metadata.version(PLUGIN), pinned()[PLUGIN]
    if found.split(".")[:2] != wanted.split(".")[:2]:
        raise UserError(
            f"{PLUGIN} {found} is installed, and profiles/slurm is written for {wanted}: {INSTALL}"
        )


def pinned() -> dict[str, str]:
    """The versions of requirements-cluster.txt, by package."""
    return dict(line.split("==") for line in REQUIREMENTS.read_text().split() if "==" in line)


def check_alone(running: dict[str, list[str]]) -> None:
    """Refuse to start beside jobs of an earlier run, which would write the same files.

    Args:
        running: numbers of the jobs that Snakemake submitted from this folder, by run.

    Raises:
        UserError: there are any.
    """
    for run, numbers in running.items():
        few = ", ".join(numbers[:5]) + (f" and {len(numbers) - 5} more" if numbers[5:] else "")
        raise UserError(
            f"jobs of another run still wait or work in this folder (Slurm job {few}). Wait "
            f"until `squeue --me` shows them no more, and nothing that they make is lost; or end "
            f"them (scancel --name={run}), and a training goes on from its last epoch"
        )


def _problems(
    request: Request, partitions: dict[str, slurm.Partition], accounts: set[str]
) -> Iterable[str]:
    """What hinders the jobs of one rule."""
    names = ", ".join(sorted(partitions))
    if request.partition and request.partition not in partitions:
        yield (
            f"the cluster has no partition '{request.partition}'; it has: {names}. Set "
            f"slurm_partition in the profile"
        )
        return
    partition = slurm.partition_of(request.partition, partitions)
    if partition is None:
        yield f"the cluster has no default partition: set slurm_partition in the profile ({names})"
        return
    if request.account and accounts and request.account.lower() not in accounts:
        yield (
            f"you may not use the account '{request.account}'; yours are: "
            f"{', '.join(sorted(accounts))}. Set slurm_account in the profile"
        )
        return
    if partition.minutes and (request.minutes or 0) > partition.minutes:
        yield (
            f"{request.rule} asks for {request.minutes} minutes, and partition "
            f"'{partition.name}' gives {partition.minutes} at most: its jobs would wait for ever. "
            f"Set `resources: runtime: {partition.minutes}` in the profile (a training that needs "
            f"longer goes on from its last epoch, `retries` times), or another slurm_partition"
        )
        return
    yield from _refused(request, partition)


def _refused(request: Request, partition: slurm.Partition) -> Iterable[str]:
    """What Slurm has against a job, beyond what was looked at."""
    where = request.where()
    needs = [
        (f"--{option}={value}", words, repair)
        for option, value, words, repair in (
            ("mem", request.mem_mb, f"{request.mem_mb} MB of memory", MEMORY),
            ("cpus-per-task", request.cpus, f"{request.cpus} threads", THREADS),
            ("gpus", request.gpus, f"{request.gpus} GPU", GPUS),
        )
        if value
    ]
    said = slurm.refusal([*where, *(option for option, *_ in needs)])
    if said is None:
        return
    # which of them it is, the message of Slurm does not say
    guilty = [need for need in needs if slurm.refusal([*where, need[0]])] or needs
    yield (
        f"{request.rule} asks for {' and '.join(words for _, words, _ in guilty)}, which no node "
        f"of partition '{partition.name}' has ({said}). Set "
        f"{' and '.join(repair for *_, repair in guilty)}"
    )


def _look_at_nodes(requests: list[Request], folder: Path) -> list[str]:
    """Look from a node of each partition whether the project and its Python are there."""
    notes = []
    token = folder / ".snakemake" / f"seen_from_nodes.{os.getpid()}"
    secret = secrets.token_hex(8)
    token.parent.mkdir(exist_ok=True)
    token.write_text(secret)
    look = _LOOK.format(
        folder=shlex.quote(str(folder)),
        token=shlex.quote(str(token)),
        secret=secret,
        python=shlex.quote(sys.executable),
        no_folder=NO_FOLDER,
        other_folder=OTHER_FOLDER,
        no_python=NO_PYTHON,
    )
    try:
        for where in dict.fromkeys(tuple(request.where()) for request in requests):
            notes += _look_at_node(list(where), look, folder)
    finally:
        token.unlink()
    return notes


def _look_at_node(where: list[str], look: str, folder: Path) -> list[str]:
    """Look from one node; what could not be seen, in sentences.

    Raises:
        UserError: something is missing there.
    """
    name = where[1] if "--partition" in where else "the default partition"
    try:
        status, said = slurm.run_once([*where, "--mem=400", "--time=3"], look, WAIT)
    except slurm.Unanswered as error:
        return [
            f"No node of {name} was free for a look whether it sees this folder ({error}): the "
            f"first job will show it."
        ]
    if status in (NO_FOLDER, OTHER_FOLDER):
        raise UserError(
            f"the nodes of {name} do not see this folder, {folder}: the project must lie on a file "
            f"system that the nodes share with this machine"
        )
    if status == NO_PYTHON:
        raise UserError(
            f"the nodes of {name} cannot run Snakemake with {sys.executable} ({said}): the "
            f"environment must lie on a file system that the nodes share with this machine, and "
            f"its Python must run there"
        )
    return []
