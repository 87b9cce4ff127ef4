"""Snakemake's memory of finished steps, brought in line with the records beside the results.

Snakemake keeps the settings of finished steps in `.snakemake`, and without them it takes a result
for good whatever was edited since. Results travel without that folder, or to a project that
remembers others; the records travel with them. What a record of another format was made of is not
known, so its step is done again.

Snakemake compares the times of inputs and outputs, which clocks that differ can turn round. So a
step is done again, too, whose record names other content of an input than the step that made that
input has recorded.
"""

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
    """
    persistence = FilePersistence(path=folder, warn_only=True)
    memories, made = {}, {}
    for output, path in records.all_paths():
        record = _read(path)
        memories[output] = _memory(record, named) if record else UNKNOWN
        if record:
            made[output] = _checksum(record["outputs"].get(output))
    count = 0
    for output, memory in memories.items():
        memory = memory if _is_of(made, memory) else UNKNOWN
        known = persistence._read_record(named(output))
        if not known or (known.params, known.input) != (memory.params, memory.input):
            persistence._write_record(named(output), memory)
            count += 1
    return count


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
