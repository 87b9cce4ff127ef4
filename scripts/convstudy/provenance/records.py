"""Records: what a step was made of, taken before it runs, and what it left.

A record has the step's `rule`, `wildcards`, `params`, `plugins` (the folder of the user's code),
`code_of` (its script, models, generators and readers), `code_digest` (of all the code that they
use), `code` (the digest of each unit of it, by where it stands), `inputs` (path and SHA-256),
`versions` (of Python and the libraries; their switches), `threads` of TensorFlow, of a step with
these its `device`, and, once it is done, its `outputs` (path to SHA-256). Its key, by which the
cache knows a step, is the digest of all but paths, places of code and outputs. Records lie beside
the results and travel with them; `./convstudy verify` and `./convstudy why` read them, and
`snakemake_metadata` tells Snakemake of them.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from convstudy.foundation import (
    atomic_files,
    devices,
    digests,
    folder_digests,
    plugin_files,
    system_files,
)
from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests
from convstudy.provenance.versions import versions

FORMAT = 3
RESULTS = atomic_files.OWN.parent
UNRECORDED = ("README.md", "logs", atomic_files.OWN.name)  # there, and made by no step
FOLDER = atomic_files.OWN / "records"


def before(job: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The record of a Snakemake job that is about to run, and the source of the code that it is of.

    Raises:
        UserError: its code was edited since Snakemake planned it, or an input is not what the step
            that made it left, or was made from other inputs than there are now.
    """
    params = {name: value for name, value in job.params.items() if name != "code"}
    code = code_digests.of(*json.loads(job.params.code)["of"])
    if code_param(code) != job.params.code:
        raise UserError(
            f"the code of {job.rule} was edited while the workflow was running: run the same "
            f"command again"
        )
    record = {
        "format": FORMAT,
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "params": params,
        "plugins": _relative(plugin_files.own_folder()),
        "code_of": list(code.of),
        "code_digest": code.digest,
        "code": code.units,
        "inputs": [{"path": path, "sha256": _checked(path)} for path in job.input],
        "versions": versions(code.libraries),
        "threads": job.resources.get("compute_threads"),
    }
    # a record of another step is as it was before there were devices, and so is its key
    if record["threads"] is not None:
        record["device"] = devices.of_step(job.resources, job.config)
    return record, code.sources


def _relative(folder: Path | None) -> str | None:
    """A folder as it is named from the project."""
    return folder and os.path.relpath(folder)


def code_param(code: code_digests.Code) -> str:
    """What a rule's parameter `code` says: whose code it is, and the digest that shows an edit."""
    return digests.canonical({"of": code.of, "digest": code.digest})


def key(record: dict[str, Any]) -> str:
    """The digest of all that decides a step's result: equal keys, equal results."""
    told = ("outputs", "code", "plugins")  # where the code stands decides nothing
    decisive = {name: value for name, value in record.items() if name not in told}
    decisive["inputs"] = [x["sha256"] for x in record["inputs"]]
    return digests.of_text(digests.canonical(decisive))


def check_code_of_inputs(record: dict[str, Any]) -> None:
    """Refuse inputs that other code made than there is now.

    A step whose result is in the cache need not ask: the cache has results of such inputs alone as
    a step that asked has read.

    Raises:
        UserError: the code of a step that made an input was edited since.
    """
    for path in filter(lambda path: path_of(path).is_file(), inputs_of(record)):
        made = read(path_of(path))
        if code_digests.of(*made["code_of"]).digest != made["code_digest"]:
            raise UserError(
                f"{path} was made by code that has been edited since, while the workflow was "
                f"running: run the same command again"
            )


def check_inputs(record: dict[str, Any]) -> None:
    """Refuse a result whose inputs changed while it was made.

    Raises:
        UserError: an input has other bytes than before the step.
    """
    for path in changed_inputs(record):
        raise UserError(
            f"{path} was changed or removed while {record['rule']} was reading it: the result is "
            f"dropped; run the same command again"
        )


def finished(record: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    """The record with the digests of the files that the step left."""
    return record | {"outputs": {path: digests.of_file(path) for path in outputs}}


def provenance(record: dict[str, Any], data_file: str) -> dict[str, Any]:
    """What a run's metrics say of its making: digests of data, code and config; the environment."""
    inputs = inputs_of(record)
    return {
        "data": inputs[data_file],
        "inputs": inputs,
        "code": record["code_digest"],
        "config": digests.of_text(digests.canonical(record["params"])),
        "versions": record["versions"],
        "threads": record["threads"],
        "device": record["device"],
    }


def inputs_of(record: dict[str, Any]) -> dict[str, str]:
    """The inputs of a recorded step: SHA-256 by path."""
    return {entry["path"]: entry["sha256"] for entry in record["inputs"]}


def changed_inputs(record: dict[str, Any]) -> Iterator[str]:
    """The inputs of a recorded step that have other bytes now, or are gone."""
    for path, sha256 in inputs_of(record).items():
        if not Path(path).exists() or folder_digests.of_any(Path(path)) != sha256:
            yield path


def path_of(output: str) -> Path:
    """Where the record of the step that made a file lies."""
    return FOLDER / f"{output}.json"


def all_paths(project: Path = Path()) -> list[tuple[str, Path]]:
    """The recorded files of a project, and where their records lie."""
    folder = project / FOLDER
    paths = sorted(folder.rglob("*.json"))
    return [(str(path.relative_to(folder).with_suffix("")), path) for path in paths]


def all_results(folder: Path) -> Iterator[Path]:
    """What looks like a result in a folder `results`, or like part of one.

    Hidden files of other programs do not.
    """
    tops = (path for path in folder.glob("*") if not path.is_symlink())
    for top in tops:
        for path in (top, *top.rglob("*")) if top.name not in UNRECORDED else ():
            hidden = system_files.is_system_file(path.relative_to(folder).as_posix())
            if path.is_file() and (not hidden or path.name.startswith(atomic_files.PART)):
                yield path


def read(path: Path) -> dict[str, Any]:
    """Read the record of a finished step.

    Raises:
        UserError: it is missing or damaged, or another version of the workflow wrote it.
    """
    record = atomic_files.read_json(path)
    if record.get("format") != FORMAT:
        raise UserError(
            f"{path}: format {record.get('format')}, expected {FORMAT}: it was written by another "
            f"version of this workflow; delete what it records and run snakemake again"
        )
    return _whole(record, path)


def _whole(record: dict[str, Any], path: Path) -> dict[str, Any]:
    """The record, unless something is missing or of another kind than all of this format have."""
    for key, fits in FIELDS.items():
        if key not in record:
            raise atomic_files.damaged(path, f"it has no '{key}'")
        if not fits(record[key]):
            raise atomic_files.damaged(path, f"its '{key}' is not what a step has recorded")
    if not isinstance(record.get("device", ""), str):
        raise atomic_files.damaged(path, "its 'device' is not what a step has recorded")
    return record


def _is_table(value: Any) -> bool:
    """Whether a value is texts by name."""
    return isinstance(value, dict) and all(isinstance(x, str) for x in value.values())


def _are_inputs(value: Any) -> bool:
    """Whether a value is a list of paths and digests."""
    return isinstance(value, list) and all(
        _is_table(x) and "path" in x and digests.is_digest(x.get("sha256")) for x in value
    )


FIELDS: dict[str, Callable[[Any], bool]] = {
    "rule": lambda value: isinstance(value, str),
    "wildcards": _is_table,
    "params": lambda value: isinstance(value, dict),
    "plugins": lambda value: value is None or isinstance(value, str),
    "code_of": lambda value: isinstance(value, list) and all(isinstance(x, str) for x in value),
    "code_digest": digests.is_digest,
    "code": _is_table,
    "inputs": _are_inputs,
    "versions": _is_table,
    "threads": lambda value: value is None or isinstance(value, int),
    "outputs": lambda value: _is_table(value) and all(map(digests.is_digest, value.values())),
}


def write(record: dict[str, Any]) -> None:
    """Write a finished record, once for each of its files."""
    for output in record["outputs"]:
        atomic_files.write_json(path_of(output), record)


def _checked(path: str) -> str:
    """The digest of an input, which must be what its own step left, of today's inputs.

    Snakemake looks at a plan's begin, and at dates: it does not see what is edited or put in place
    of something else while it runs.
    """
    found = folder_digests.of_any(Path(path))
    if not Path(path).is_relative_to(RESULTS):
        return found
    again = "Delete it and run the same command again"
    if not path_of(path).is_file():
        raise UserError(
            f"{path} has no record, so no step of this project made it: it is a copy from "
            f"elsewhere, or {FOLDER} was lost. {again}; files of your own belong outside results/"
        )
    made = read(path_of(path))
    if made["outputs"].get(path) != found:
        raise UserError(
            f"{path} is not the file that {made['rule']} left there: it is damaged or comes "
            f"from elsewhere. {again}"
        )
    for source, sha256 in inputs_of(made).items():
        if path_of(source).is_file() and read(path_of(source))["outputs"].get(source) != sha256:
            raise UserError(f"{path} was made from another {source} than the one there. {again}")
    return found
