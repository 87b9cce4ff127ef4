"""Targets: what the workflow keeps of its steps (records, cache entries, backups of trainings)."""

import functools
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from convstudy.foundation import digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import (
    cache,
    code_digests,
    records,
    snakemake_metadata,
    staleness,
    verification,
)
from convstudy.training import checkpoints
from fuzz.harness import Target
from fuzz.mutations import mutated, mutated_trees

INPUT, OUTPUT = "in.txt", "results/plots/a.txt"
CODE_OF = ["plot_samples.py"]


@functools.cache
def good_record() -> dict[str, Any]:
    code = code_digests.of(*CODE_OF)
    return {
        "format": records.FORMAT,
        "rule": "plot_samples",
        "wildcards": {"dataset": "d"},
        "params": {"spec": '{"title": "T", "rows": [1]}', "contents": '{"in.txt": "0"}'},
        "plugins": None,
        "code_of": CODE_OF,
        "code_digest": code.digest,
        "code": code.units,
        "inputs": [{"path": INPUT, "sha256": digests.of_text("in")}],
        "versions": records.versions(code.libraries),
        "threads": None,
        "outputs": {OUTPUT: digests.of_text("out")},
    }


def record_files() -> st.SearchStrategy[bytes]:
    """Records with other values or other bytes; most edits spare the long list of code."""
    good = good_record()
    short = good | {"code": dict(list(good["code"].items())[:2])}
    trees = mutated_trees(short, ["../../in.txt", "0" * 64]).map(lambda x: json.dumps(x).encode())
    return trees | mutated([json.dumps(good).encode()])


def check_record(case: bytes, path: Path) -> None:
    project = path.parent
    place = project / records.path_of(OUTPUT)
    for file, content in ((project / INPUT, b"in"), (project / OUTPUT, b"out"), (place, case)):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for problem in verification.problems(project / "results"):
        assert "\n" not in problem, f"more than one line: {problem}"
    if known := snakemake_metadata._read(place):
        snakemake_metadata._memory(known)
    record = records.read(place)
    code = records.code_param(code_digests.of(*CODE_OF))
    staleness.changes(record, good_record()["params"] | {"code": code})


def cache_folders() -> st.SearchStrategy[bytes]:
    """Bytes of an entry or of an object; the first byte says of which."""
    entry = json.dumps(good_record()).encode()
    trees = mutated_trees(good_record(), ["../../../case", 10**6]).map(
        lambda tree: json.dumps(tree).encode()
    )
    entries = (trees | mutated([entry])).map(lambda content: b"e" + content)
    return entries | mutated([b"out"]).map(lambda content: b"o" + content)


def check_cache(case: bytes, path: Path) -> None:
    kept = cache.Cache(path.parent / "cache", 1000)
    place = path.parent / "made.txt"
    good = good_record() | {"outputs": {str(place): digests.of_text("out")}}
    place.write_text("out")
    key = records.key(good)
    kept.keep(key, good)
    place.unlink()
    path.write_text("of the user")
    if case[:1] == b"e":
        content = case[1:].replace(json.dumps(OUTPUT).encode(), json.dumps(str(place)).encode())
        kept._step(key).write_bytes(content)
    else:
        kept._object(digests.of_text("out")).write_bytes(case[1:])
    list(kept.steps())
    kept.damaged()
    restored = kept.restore(key, [str(place)])
    kept.trim(0)
    assert path.read_text() == "of the user"
    if restored is None:
        assert not place.exists()
        raise UserError(f"{path}: is not in the cache")
    assert place.read_text() == "out", "other bytes were given back"


@functools.cache
def good_backup() -> bytes:
    about = {"key": "key", "rows": [{"loss": 1.0}], "cost": {"seconds": 1.0}}
    buffer = io.BytesIO()
    weights = np.arange(6, dtype=np.float32)
    np.savez(buffer, about=np.array(json.dumps(about)), model0=weights, optimizer0=weights)
    return buffer.getvalue()


def backup_files() -> st.SearchStrategy[bytes]:
    """Bytes of a backup; a first byte says whether its name has their digest all the same."""
    return st.builds(
        lambda named, case: bytes([named]) + case, st.booleans(), mutated([good_backup()])
    )


def check_backup(case: bytes, path: Path) -> None:
    named, content = case[0], case[1:]
    sha256 = hashlib.sha256(content if named else good_backup()).hexdigest()
    place = path.with_name(f"epoch000001-{sha256}.npz")
    place.write_bytes(content)
    found = checkpoints.EpochBackup(path.parent, "key", [], None)._read(place)
    if found is None:
        raise UserError(f"{place}: is not used")
    if not named:
        assert content == good_backup(), "a damaged backup was used"


TARGETS = [
    Target("record", record_files, check_record, ".json", share=0.1),
    Target("cache entry", cache_folders, check_cache, ".json", share=0.1),
    Target("backup", backup_files, check_backup, ".npz", share=0.5),
]
