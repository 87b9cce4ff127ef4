"""How a job of Slurm's ended, in words, from its state and from what Slurm wrote into its log."""

import re
from pathlib import Path

PREFIX = "Slurm job "  # by which the terminal knows these words
FORGOTTEN = "FORGOTTEN"  # not Slurm's word
WORDS = {
    "FAILED": "failed",
    "TIMEOUT": "ran longer than its time limit (TIMEOUT)",
    "CANCELLED": "was cancelled (scancel, or an administrator)",
    "NODE_FAIL": "lost its node (NODE_FAIL)",
    "BOOT_FAIL": "got a node that did not start (BOOT_FAIL)",
    "DEADLINE": "passed its deadline (DEADLINE)",
    "OUT_OF_MEMORY": "ran out of memory",
    "PREEMPTED": "had to make room for another (PREEMPTED)",
    FORGOTTEN: "is unknown to Slurm, which has forgotten it",
}
# After these Slurm starts a job again by itself, where a cluster is set up so.
REQUEUED = ("NODE_FAIL", "PREEMPTED", "BOOT_FAIL")
_REFUSED = re.compile(r"sbatch failed\. The error message was '(.*?)'\.?\n", re.S)
_MEMORY = re.compile(r"exceeded memory limit|oom[-_ ]kill", re.I)
_OF_SLURM = re.compile(r"(?:srun|slurmstepd[\w.-]*|slurmd): (?:error|fatal): (.*)")
_ORDINARY = ("Exited with exit code", "Job step aborted", "STEP ", "JOB ", "Terminating", "Killed")


def words(number: str | None, state: str, log: Path | None) -> str:
    """Say how a job ended.

    Args:
        number: Slurm's number of the job; None if it was never submitted.
        state: one of `WORDS`; of a job that was never submitted what the plug-in says.
        log: where Slurm wrote what the job said.
    """
    if number is None:
        refused = _REFUSED.search(state)
        why = refused[1].removeprefix("sbatch: error: ") if refused else state
        return f"{PREFIX}was not taken: {' '.join(why.split())}"
    text = log.read_text(errors="replace") if log and log.is_file() else ""
    return f"{PREFIX}{number} {_how(state, text, log)}"


def _how(state: str, text: str, log: Path | None) -> str:
    if state != "FAILED":
        return WORDS[state]
    if _MEMORY.search(text):
        return WORDS["OUT_OF_MEMORY"]
    complaints = [x for x in _OF_SLURM.findall(text) if not any(y in x for y in _ORDINARY)]
    if complaints:
        return f"failed: {complaints[-1]}"
    if not text:
        return f"failed before it wrote a word: its node could not start it, or not write to {log}"
    return WORDS["FAILED"]
