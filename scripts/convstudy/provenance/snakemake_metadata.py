"""Snakemake's memory of finished steps, brought in line with the records beside the results.

Snakemake keeps the settings of finished steps in `.snakemake`, and without them it takes a result
for good whatever was edited since. Results travel without that folder, or to a project that
remembers others; the records travel with them. What a record of another format was made of is not
known, so its step is done again; so is that of a result without a record. What Snakemake remembers
may be cut, foreign, or of another version of Snakemake's, which would end its run or keep it from
comparing: that is written anew.

Snakemake compares the times of inputs and outputs, which clocks that differ can turn round. So a
step is done again, too, whose record names other content of an input than the step that made that
input has recorded.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests, records


def restore(folder: Path, named: Callable[[str], str] = str) -> int:
    """Correct what Snakemake remembers of every recorded file; returns of how many it was wrong.

    Args:
        folder: Snakemake's folder in the project, `.snakemake`.
        named: how Snakemake calls a file of this path.

    Raises:
        UserError: the folder cannot be read or written.
    """
    try:
        return _restore(folder, named)
    except OSError as error:
        raise UserError(
            f"{error.filename or folder}: cannot be read or written ({error.strerror}). Correct "
            f"the permissions, or delete {folder / 'metadata'}: it is made again from the records "
            f"beside the results."
        ) from error


def _restore(folder: Path, named: Callable[[str], str]) -> int:
    known = _good_memories(folder / "metadata")
    persistence = FilePersistence(path=folder, warn_only=True)
    memories, made = {}, {}
    for output, path in records.all_paths():
        record = _read(path)
        memories[output] = _memory(record, named) if record else UNKNOWN
        if record:
            made[output] = _checksum(record["outputs"].get(output))
    there = map(str, records.all_results(records.RESULTS))
    memories |= {path: UNKNOWN for path in there if path not in memories}
    count = 0
    for output, memory in memories.items():
        memory = memory if _is_of(made, memory) else UNKNOWN
        path = persistence._record_path(persistence._metadata_path, named(output))
        if not _agree(known.get(path), memory):
            persistence._write_record(named(output), memory)
            count += 1
    return count


def _good_memories(folder: Path) -> dict[str, MetadataRecord]:
    """All that Snakemake remembers, by the path of its file; what it could not use is removed."""
    found = {}
    for above, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(above, name)
            memory = _memory_at(path)
            if memory:
                found[path] = memory
            else:
                Path(path).unlink(missing_ok=True)
    return found


def _memory_at(path: str) -> MetadataRecord | None:
    """What a file of Snakemake's says, or None where Snakemake would stumble over it."""
    try:
        memory = MetadataRecord.model_validate(json.loads(Path(path).read_bytes()))
    except (ValueError, RecursionError, FileNotFoundError):  # or gone meanwhile
        return None
    checksums = (memory.input_checksums or {}).values()
    texts = [*(memory.params or []), *(x for x in checksums if x is not None)]
    return memory if all(isinstance(x, str) for x in texts) else None


def _agree(known: MetadataRecord | None, memory: MetadataRecord) -> bool:
    """Whether Snakemake judges a file by what it remembers as it would by the file's record."""
    if known is None or known.record_format_version != RECORD_FORMAT_VERSION:
        return False
    right = memory.input_checksums or {}
    checksums = {path: x for path, x in (known.input_checksums or {}).items() if path in right}
    same = all(x is None or right[path].endswith(x) for path, x in checksums.items())
    return same and (known.params, known.input) == (memory.params, memory.input)


def _read(path: Path) -> dict[str, Any] | None:
    """A record, or None where it says nothing that can be relied on."""
    try:
        return records.read(path)
    except UserError:
        return None


def _is_of(made: dict[str, str], memory: MetadataRecord) -> bool:
    """Whether a step read its inputs as the steps that made them have left them."""
    inputs = memory.input_checksums or {}
    return all(made.get(path, checksum) == checksum for path, checksum in inputs.items())


def _checksum(sha256: str | None) -> str:
    """A digest as Snakemake writes it; one that fits no file where a record has none."""
    return f"sha256:{sha256}"


def _memory(record: dict[str, Any], named: Callable[[str], str] = str) -> MetadataRecord:
    """What Snakemake would remember of a recorded step."""
    inputs = records.inputs_of(record)
    code = records.code_param(
        code_digests.Code(record["code_of"], record["code"], record["code_digest"])
    )
    return MetadataRecord(
        rule=record["rule"],
        input=sorted(map(named, inputs)),
        params=sorted(map(repr, [*record["params"].values(), code])),
        input_checksums={name: _checksum(sha256) for name, sha256 in inputs.items()},
        record_format_version=RECORD_FORMAT_VERSION,
        incomplete=False,
    )


# of a step that is done again, because nothing is known of its settings
UNKNOWN = MetadataRecord(params=[], record_format_version=RECORD_FORMAT_VERSION)
