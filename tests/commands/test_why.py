"""What `./convstudy why` says of a step is what the records and the files say."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from jobs import copy, job_of

from convstudy.commands import why
from convstudy.foundation import atomic_files, digests
from convstudy.provenance import records, staleness, steps

OUTPUT = "results/out.txt"
OTHER = "results/other.txt"


@pytest.fixture(autouse=True)
def finished(tmp_path, monkeypatch):
    """A step that is done, and its input, which another step made."""
    monkeypatch.chdir(tmp_path)
    staleness._recorded.cache_clear()
    Path("results").mkdir()
    Path("in.txt").write_text("one")
    steps.run(job_of(output=OTHER), copy)
    steps.run(job_of(source=OTHER), copy)


def told(outputs=(OUTPUT,), unfinished=(), **reason) -> list[str]:
    """What is said of the step, where Snakemake has these reasons."""
    job = job_of(source=OTHER)
    job.output = list(outputs)
    empty = {"missing_output": set(), "updated_input": set(), "updated_input_run": set()}
    flags = ("params_changed", "input_changed", "software_stack_changed", "forced")
    found = SimpleNamespace(**empty | dict.fromkeys(flags, False) | reason)
    return why._causes(SimpleNamespace(reason=lambda job: found, unfinished=set(unfinished)), job)


def changed_record(**fields) -> None:
    path = records.path_of(OUTPUT)
    atomic_files.write_json(path, atomic_files.read_json(path) | fields)


def test_what_was_never_made_is_told_from_what_is_missing():
    new, gone = "results/new.txt", {OUTPUT}
    assert told([new], missing_output={new}) == ["not made yet"]
    assert told([new], missing_output={new}, updated_input_run={OTHER}) == ["not made yet"]
    assert told(missing_output=gone) == ["was made before, and is missing now"]
    assert told(missing_output=gone, updated_input_run={OTHER}) == [
        "was made before, and is missing now"
    ]
    part = f"{OUTPUT} missing, though the rest of the result is there"
    assert told([new, OUTPUT], missing_output=gone) == [part]


def test_what_is_missing_and_would_be_made_otherwise_is_both():
    changed_record(params={"spec": '{"width": 3}'})
    found = told(missing_output={OUTPUT})
    assert found == ["was made before, and is missing now", "width: 3 -> null"]


def test_a_touch_is_told_from_other_content():
    newer = {"updated_input": {OTHER}}
    assert told(**newer) == [f"{OTHER} is newer, though its content is the same"]
    Path(OTHER).write_text("two")
    assert told(**newer) == [f"{OTHER} is newer and has other content"]
    assert told(updated_input_run={OTHER}, **newer) == []  # its own step is named


def test_an_input_whose_step_left_another_is_named():
    record = atomic_files.read_json(records.path_of(OTHER))
    left = {"outputs": {OTHER: digests.of_text("two")}}
    atomic_files.write_json(records.path_of(OTHER), record | left)
    said = [f"{OTHER} is another than the one that this was made from"]
    assert told() == said == told(params_changed=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: changed_record(format=1), ["format 1, expected 3"]),
        (lambda path: path.write_text("{"), ["cannot be read (Expecting property name"]),
        (lambda path: changed_record(rule=3), ["cannot be read (its 'rule' is not what a step"]),
    ],
)
def test_a_record_that_cannot_be_used_is_no_change_of_settings(change, said):
    change(records.path_of(OUTPUT))
    (cause,) = told()
    assert all(x in cause for x in ["there is no good record of the earlier run: ", *said]), cause
    assert OUTPUT not in cause  # the same words for many steps


def test_without_a_record_snakemakes_memory_speaks():
    records.path_of(OUTPUT).unlink()
    assert told() == []
    (cause,) = told(params_changed=True)
    assert cause.startswith("there is no record of the earlier run")


def test_a_run_that_was_not_finished_is_told_from_an_option():
    assert told(forced=True, unfinished=[OUTPUT]) == ["the earlier run was not finished"]
    assert told(forced=True) == ["asked for by an option (--force, --forceall, --forcerun)"]


def test_blocks_of_a_list_are_compared_by_their_names():
    rows = [{"variant": "a", "rate": 0.1}, {"variant": "b", "rate": 0.1}]
    after = [{"variant": "b", "rate": 0.2}, {"variant": "a", "rate": 0.1}]
    assert staleness._value_changes({"rows": rows}, {"rows": after}) == ["rows.b.rate: 0.1 -> 0.2"]
    (gone,) = staleness._value_changes({"rows": rows}, {"rows": rows[:1]})
    assert gone == 'rows.b: {"variant": "b", "rate": 0.1} -> null'
    found = staleness._value_changes({"rows": rows}, {"rows": rows[::-1]})
    assert found == ["rows: in another order"]
    (long,) = staleness._value_changes("x " * 1000, "y")
    assert len(long) < 200
