"""Snakemake's memory of finished steps, brought in line with the records beside the results.

Snakemake keeps the settings of finished steps in `.snakemake`, and without them it takes a result
for good whatever was edited since. Results travel without that folder, or to a project that
remembers others; the records travel with them. What a record of another format was made of is not
known, so its step is done again.

Snakemake compares the times of inputs and outputs, which clocks that differ can turn round. So a
step is done again, too, whose record names other content of an input than the step that made that
input has recorded.
"""

from pathlib import Path
from typing import Any

from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence

from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests, records


def restore(folder: Path) -> int:
    """Correct what Snakemake remembers of every recorded file; returns of how many it was wrong.

    Args:
        folder: Snakemake's folder in the project, `.snakemake`.
    """
    persistence = FilePersistence(path=folder, warn_only=True)
    found = {output: _read(path) for output, path in records.all_paths()}
    made = {output: record["outputs"].get(output) for output, record in found.items() if record}
    count = 0
    for output, record in found.items():
        memory = _memory(record) if record and _is_of(made, record) else UNKNOWN
        known = persistence._read_record(output)
        if not known or (known.params, known.input) != (memory.params, memory.input):
            persistence._write_record(output, memory)
            count += 1
    return count


def _read(path: Path) -> dict[str, Any] | None:
    """A record, or None where it says nothing that can be relied on."""
    try:
        return records.read(path)
    except UserError:
        return None


def _is_of(made: dict[str, str | None], record: dict[str, Any]) -> bool:
    """Whether a step read its inputs as the steps that made them have left them."""
    return all(
        made.get(path, sha256) == sha256 for path, sha256 in records.inputs_of(record).items()
    )


def _memory(record: dict[str, Any]) -> MetadataRecord:
    """What Snakemake would remember of a recorded step."""
    inputs = records.inputs_of(record)
    code = records.code_param(
        code_digests.Code(record["code_of"], record["code"], record["code_digest"])
    )
    return MetadataRecord(
        rule=record["rule"],
        input=sorted(inputs),
        params=sorted(map(repr, [*record["params"].values(), code])),
        input_checksums={name: f"sha256:{sha256}" for name, sha256 in inputs.items()},
        record_format_version=RECORD_FORMAT_VERSION,
        incomplete=False,
    )


# of a step that is done again, because nothing is known of its settings
UNKNOWN = MetadataRecord(params=[], record_format_version=RECORD_FORMAT_VERSION)
