"""How many threads a job of TensorFlow has where the config leaves that to the study.

The bits of a result depend on the threads inside an operation, so `auto` must not follow the cores
that happen to be free: it is fixed by the first finished run of a study, whose record says how many
it had. Before that the cores are shared out among the runs, so that one long training uses them all
and many trainings have one each.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Callable

from convstudy.study.schema import Block
from convstudy.study.studies import Study

AUTO = "auto"
# fewest and most by what a network takes: small networks gain little from more
USUAL = {"images": 1, "features": 1, "backbone": 2}
MOST = {"images": 4, "features": 1, "backbone": 16}


def of_study(
    asked: Block, study: Study, cores: int | None, recorded: Callable[[str], int | None]
) -> dict[str, int]:
    """The threads of a job, by what its network takes: images, features or a backbone.

    Args:
        asked: the config's block `threads`: a number or `auto`.
        study: whose runs are counted.
        cores: that all jobs together may use; None where each has a machine of its own, on which
            `auto` is as few as are usual.
        recorded: how many threads the step had that made a file; None where none has made it.
    """
    found = {}
    for kind, count in asked.items():
        if count == AUTO:
            files = _made(study, kind)
            known = next(filter(None, map(recorded, files)), None)
            count = known or share(kind, cores, len(files))
        found[kind] = count
    return found


def _made(study: Study, kind: str) -> list[str]:
    """A file of each step that has the threads of a kind: of trainings, and of extractions."""
    rows = study.trained()
    files = study.files("run.json", [row for row in rows if row["input"] == kind])
    if kind != "backbone":
        return files
    extracted = [
        f"results/features/{row['dataset']}/{row['backbone_name']}.h5"
        for row in rows
        if row["input"] == "features"
    ]
    return files + list(dict.fromkeys(extracted))


def share(kind: str, cores: int | None, runs: int) -> int:
    """The threads of each of some runs that share the cores."""
    if cores is None:
        return USUAL[kind]
    return min(max(USUAL[kind], cores // max(1, runs)), MOST[kind])
