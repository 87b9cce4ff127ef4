"""Do the files in `results/` fit what was recorded when they were made?"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from convstudy.foundation import atomic_files, folder_digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import records

AGAIN = "delete it and run snakemake again"


def problems(results: Path) -> Iterator[str]:
    """Each file that does not fit, in one sentence.

    A file must have the bytes that its step left, and a step must have read the bytes that its
    inputs have now: a table made from other runs than those that lie beside it is named, too.

    Args:
        results: the folder `results` of a project.

    Raises:
        UserError: it is another folder, or has no records.
    """
    project, digest = results.parent, cache(folder_digests.of_any)
    own = project / atomic_files.OWN
    if own.parent != results or not own.is_dir():
        raise UserError(
            f"{results}: has no records of this workflow ({atomic_files.OWN.name}), so nothing can "
            f"be checked. Give the folder '{atomic_files.OWN.parent}' of a project."
        )
    recorded = set()
    for output, path in records.all_paths(project):
        recorded.add(project / output)
        try:
            yield from _of_record(project, output, path, digest)
        except UserError as error:
            yield str(error)
        except OSError as error:
            yield f"{error.filename}: cannot be read ({error.strerror})"
    for path in sorted(records.all_results(results)):
        if path not in recorded and path.name.startswith(atomic_files.PART):
            yield f"{path}: was left half-written by a killed step; delete it"
        elif path not in recorded:
            yield f"{path}: has no record, so no step made it; move it away or delete it"


def _of_record(
    project: Path, output: str, path: Path, digest: Callable[[Path], str]
) -> Iterator[str]:
    """What does not fit between a file, its record at `path`, and the inputs that it names."""
    record = records.read(path)
    if output not in record["outputs"]:
        yield f"{path}: is the record of other files than {output}; {AGAIN}"
    elif not (project / output).is_file():
        yield (
            f"{output}: is gone since {record['rule']} made it; run snakemake with its name, or "
            f"delete its record {path}"
        )
    elif digest(project / output) != record["outputs"][output]:
        yield f"{output}: has other bytes than {record['rule']} left; {AGAIN}"
    else:
        for name, sha256 in records.inputs_of(record).items():
            # an archive may be put away when the data set is made
            if os.path.exists(project / name) and digest(project / name) != sha256:
                yield (
                    f"{output}: was made from another {name} than the one that is there now; "
                    f"run snakemake again"
                )
