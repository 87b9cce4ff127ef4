"""A study's tables and pictures in a folder that can be committed and read by others.

The page ends in a comment with the digest of each file. By that it is known what may be replaced
when the study is published again; all else in the folder is somebody's own.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from convstudy.data import facts
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.provenance import records
from convstudy.report import summary

SUMMARY = "results/summary.csv"
# They show the data itself, which may not be the author's to publish.
LEFT_OUT = ("Sample images", "Augmented images")


PAGE = "README.md"
TABLES = ("summary.csv", "comparisons.csv", PAGE)
MARK = "\n<!-- Written by ./convstudy publish, which replaces them while they stay as they are:\n"


def publish(folder: Path, made_by: str, replace: bool = False) -> list[Path]:
    """Write tables, README.md and plots/*.png of the selected study; run in the project.

    Tables are computed again from the runs that the summary was made of; every file appears whole,
    and none before all are made.

    Args:
        folder: where to; it is created.
        made_by: the command, which the page names.
        replace: replace files of others, too.

    Returns:
        The files.

    Raises:
        UserError: there is no summary, a file that it was made of is another now, or a file would
            be replaced that `publish` did not write.
    """
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        names = _make(made, made_by)
        check(folder, names, replace)
        told = "".join(f"{_digest(made / name)}  {quote(name)}\n" for name in names)
        with open(made / PAGE, "a") as page:
            page.write(f"{MARK}{told}-->\n")
        return [_copied(made / name, folder / name) for name in names]


def check(folder: Path, names: Iterable[str] = TABLES, replace: bool = False) -> None:
    """Refuse to replace what `publish` has not written, or what was edited since.

    Raises:
        UserError: a file of these names in the folder is somebody's own, or is no file.
    """
    left = _left(folder)
    for name in sorted(names, key=lambda x: x != PAGE):  # whose loss loses the marks of all
        path = folder / name
        for above in path.parents[: len(Path(name).parts)]:
            if os.path.lexists(above) and not above.is_dir():
                raise UserError(f"{above}: is a file, expected a folder: name another one.")
        if path.is_dir():
            raise UserError(f"{path}: is a folder, where a file is to be written: move it away.")
        if path.exists() and not replace and _digest(path) != left.get(name):
            what = "was edited since it was" if name in left else "is not marked as"
            raise UserError(
                f"{path}: is there already and {what} written by ./convstudy publish. Move it "
                f"away, name another folder, or give --replace to lose it; nothing was written."
            )


def _left(folder: Path) -> dict[str, str]:
    """The digests of what `publish` wrote into a folder before, by name."""
    try:
        page = (folder / PAGE).read_text(errors="replace")
    except OSError:
        return {}
    told = page.partition(MARK)[2]
    return {name: digest for digest, name in re.findall("^([0-9a-f]{64})  (.+)$", told, re.M)}


def _digest(path: Path) -> str:
    """The digest of a file, of the page without its last comment; git may change line ends."""
    content = path.read_bytes().replace(b"\r\n", b"\n").partition(MARK.encode())[0]
    return hashlib.sha256(content).hexdigest()


def _make(folder: Path, made_by: str) -> list[str]:
    """Make all files in a folder of ours; their names, that of the page last."""
    record = _record(next(iter(records.inputs_of(_record(SUMMARY)))))
    spec = json.loads(record["params"]["spec"])
    words = [spec["study"]["description"], f"*Made by `{made_by}`; do not edit.*"]
    spec["study"]["description"] = "\n\n".join(filter(None, words))
    shown = {k: entries for k, entries in spec["pictures"].items() if k not in LEFT_OUT}
    pictures = [Path(path) for entries in shown.values() for _, path in entries]
    for path in pictures:
        _copied(path, folder / "plots" / path.name)
    spec["pictures"] = {
        heading: [(title, str(folder / "plots" / Path(path).name)) for title, path in entries]
        for heading, entries in shown.items()
    }
    inputs = records.inputs_of(record)
    metrics = [path for path in inputs if path.endswith("metrics.json")]
    predictions = [path for path in inputs if path.endswith("predictions.h5")]
    data = facts.read(x for x in inputs if x.startswith("results/data/"))
    table, comparisons, page = (folder / name for name in TABLES)
    runs = list(zip(metrics, predictions, strict=True))
    summary.of_study(spec, runs, data, table, page, comparisons)
    return [*(f"plots/{path.name}" for path in pictures), *TABLES]


def _record(output: str) -> dict[str, Any]:
    """The record of a file whose inputs are what they were."""
    record = atomic_files.read_json(records.path_of(output))
    for path in records.changed_inputs(record):
        raise UserError(f"{path}: is not what {output} was made of: see ./convstudy verify")
    return record


def _copied(source: Path, target: Path) -> Path:
    with atomic_files.whole_file(target) as temporary:
        shutil.copyfile(source, temporary)
    return target
