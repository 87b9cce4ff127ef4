"""What Snakemake remembers of finished steps, wrong in every way, is what the records say again."""

import json
import os
from pathlib import Path

import pytest
from jobs import copy, job_of
from snakemake.persistence import RECORD_FORMAT_VERSION
from snakemake.persistence.file import FilePersistence

from convstudy.foundation.errors import UserError
from convstudy.provenance import snakemake_metadata, steps

OUTPUT = "results/out.txt"
FOREIGN = "results/of_no_record.txt"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A project with one finished step, of which Snakemake remembers what it should."""
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("in.txt").write_text("one")
    steps.run(job_of(), copy)
    assert snakemake_metadata.restore(Path(".snakemake")) == 1
    assert snakemake_metadata.restore(Path(".snakemake")) == 0
    return tmp_path


def place(output: str) -> Path:
    memory = FilePersistence(path=Path(".snakemake"))
    return Path(memory._record_path(memory._metadata_path, output))


def remembered(output: str):
    return FilePersistence(path=Path(".snakemake"))._read_record(output)


def other(**fields):
    return lambda good: json.dumps(json.loads(good) | fields).encode()


WRONG = {
    "empty": lambda good: b"",
    "cut": lambda good: good[:-40],
    "not a text": lambda good: b"\xff\xfe" + good,
    "deep": lambda good: b"[" * 100_000,
    "a list": lambda good: b"[1]",
    "a number": lambda good: b"7",
    "nothing": lambda good: b"null",
    "no record": lambda good: b"{}",
    "of another version": other(record_format_version=RECORD_FORMAT_VERSION - 1),
    "of a later version": other(record_format_version=RECORD_FORMAT_VERSION + 1),
    "a text as version": other(record_format_version="x"),
    "params that are no list": other(params={"a": 1}),
    "params that are no texts": other(params=[[1]]),
    "params of another": other(params=["1"]),
    "inputs that are no list": other(input="in.txt"),
    "inputs of another": other(input=["out.txt"]),
    "checksums that are no texts": other(input_checksums={"in.txt": 5}),
    "checksums of another": other(input_checksums={"in.txt": "sha256:" + "0" * 64}),
    "times that are none": other(endtime="yesterday"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_corrected(case):
    good = remembered(OUTPUT)
    place(OUTPUT).write_bytes(WRONG[case](place(OUTPUT).read_bytes()))
    place(FOREIGN).write_bytes(WRONG[case](json.dumps(dict(good.items())).encode()))
    assert snakemake_metadata.restore(Path(".snakemake")) == 1
    assert remembered(OUTPUT) == good
    remembered(FOREIGN)
    assert snakemake_metadata.restore(Path(".snakemake")) == 0


@pytest.mark.parametrize(
    "change",
    [
        other(input_checksums={}),
        other(input_checksums={"in.txt": None, "other.txt": "sha256:0"}),
        other(endtime=3.0, code="x", rule="r"),
    ],
)
def test_what_snakemake_itself_remembers_otherwise_stays(change):
    place(OUTPUT).write_bytes(change(place(OUTPUT).read_bytes()))
    assert snakemake_metadata.restore(Path(".snakemake")) == 0


def test_a_folder_of_an_old_snakemake_is_read():
    place(FOREIGN).write_bytes(b"\xff")
    os.rmdir(".snakemake/incomplete")  # as Snakemake had it long ago
    assert snakemake_metadata.restore(Path(".snakemake")) == 0


def test_what_cannot_be_read_or_written_is_named():
    place(OUTPUT).unlink()
    place(OUTPUT).mkdir()
    with pytest.raises(UserError, match="metadata/.*cannot be read or written .Is a directory"):
        snakemake_metadata.restore(Path(".snakemake"))
