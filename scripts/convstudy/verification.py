"""Do the files in `results/` fit what was recorded when they were made?"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from convstudy import files, folders, records
from convstudy.errors import UserError

# Not made by a step, or not a result.
UNRECORDED = ("README.md", "logs", files.OWN.name)
AGAIN = "delete it and run snakemake again"


def problems(results: Path) -> Iterator[str]:
    """Each file that does not fit, in one sentence.

    A file must have the bytes that its step left, and a step must have read the bytes that its
    inputs have now: a table made from other runs than those that lie beside it is named, too.
    """
    project, digest = results.parent, cache(folders.of_any)
    recorded = set()
    for output, path in records.all_paths(project):
        recorded.add(project / output)
        try:
            record = records.read(path)
        except UserError as error:
            yield str(error)
            continue
        if output not in record["outputs"]:
            yield f"{path}: is the record of other files than {output}; {AGAIN}"
        elif not (project / output).is_file():
            yield f"{output}: is gone since {record['rule']} made it; run snakemake with its name"
        elif digest(project / output) != record["outputs"][output]:
            yield f"{output}: has other bytes than {record['rule']} left; {AGAIN}"
        else:
            yield from _inputs(project, output, record, digest)
    for path in sorted(_files_in(results)):
        if path not in recorded:
            left = path.name.startswith(files.PART)
            reason = "was left half-written by a killed step" if left else "has no record"
            yield f"{path}: {reason}; {AGAIN}"


def _files_in(results: Path) -> Iterator[Path]:
    """What looks like a result, or like part of one; hidden files of other programs do not."""
    for top in results.iterdir():
        if top.name not in UNRECORDED:
            for path in (top, *top.rglob("*")):
                if path.is_file() and (path.name[0] != "." or path.name.startswith(files.PART)):
                    yield path


def _inputs(
    project: Path, output: str, record: dict[str, Any], digest: Callable[[Path], str]
) -> Iterator[str]:
    for path, sha256 in records.inputs_of(record).items():
        if not os.path.exists(project / path):
            continue  # an archive may be put away when the data set is made
        if digest(project / path) != sha256:
            yield (
                f"{output}: was made from another {path} than the one that is there now; "
                f"run snakemake again"
            )
