"""A study's tables and pictures in a folder that can be committed and read by others."""

import json
import shutil
from pathlib import Path
from typing import Any

from convstudy.data import facts
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.provenance import records
from convstudy.report import summary

SUMMARY = "results/summary.csv"
# They show the data itself, which may not be the author's to publish.
LEFT_OUT = ("Sample images",)


def publish(folder: Path, made_by: str) -> list[Path]:
    """Write tables, README.md and plots/*.png of the selected study; run in the project.

    Tables are computed again from the runs that the summary was made of; every file appears whole.

    Args:
        folder: where to; it is created.
        made_by: the command, which the page names.

    Returns:
        The files.

    Raises:
        UserError: there is no summary, or a file that it was made of is another now.
    """
    record = _record(next(iter(records.inputs_of(_record(SUMMARY)))))
    spec = json.loads(record["params"]["spec"])
    words = [spec["study"]["description"], f"*Made by `{made_by}`; do not edit.*"]
    spec["study"]["description"] = "\n\n".join(filter(None, words))
    shown = {k: entries for k, entries in spec["pictures"].items() if k not in LEFT_OUT}
    spec["pictures"] = {
        heading: [(title, str(_copied(Path(path), folder / "plots"))) for title, path in entries]
        for heading, entries in shown.items()
    }
    inputs = records.inputs_of(record)
    metrics = [path for path in inputs if path.endswith("metrics.json")]
    predictions = [path for path in inputs if path.endswith("predictions.h5")]
    written = [folder / name for name in ("summary.csv", "README.md", "comparisons.csv")]
    data = facts.read(x for x in inputs if x.startswith("results/data/"))
    summary.of_study(spec, list(zip(metrics, predictions, strict=True)), data, *written)
    return written + [Path(path) for entries in spec["pictures"].values() for _, path in entries]


def _record(output: str) -> dict[str, Any]:
    """The record of a file whose inputs are what they were."""
    record = atomic_files.read_json(records.path_of(output))
    for path in records.changed_inputs(record):
        raise UserError(f"{path}: is not what {output} was made of: see ./convstudy verify")
    return record


def _copied(picture: Path, folder: Path) -> Path:
    with atomic_files.whole_file(folder / picture.name) as temporary:
        shutil.copyfile(picture, temporary)
    return folder / picture.name
