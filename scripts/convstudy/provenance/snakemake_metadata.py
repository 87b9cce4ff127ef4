"""Snakemake's memory of finished steps, brought in line with the records beside the results.

Snakemake keeps the settings of finished steps in `.snakemake`, and without them it takes a result
for good whatever was edited since. Results travel without that folder, or to a project that
remembers others; the records travel with them. What a record of another format was made of is not
known, so its step is done again.
"""

from pathlib import Path

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
    count = 0
    for output, path in records.all_paths():
        record = _memory(path)
        known = persistence._read_record(output)
        if not known or (known.params, known.input) != (record.params, record.input):
            persistence._write_record(output, record)
            count += 1
    return count


def _memory(path: Path) -> MetadataRecord:
    """What Snakemake would remember of a recorded step; no settings where the record says none."""
    try:
        record = records.read(path)
    except UserError:
        return MetadataRecord(params=[], record_format_version=RECORD_FORMAT_VERSION)
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
