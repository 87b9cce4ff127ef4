"""`convstudy verify`: what it says of results that do not fit their records."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from jobs import copy, job_of

from convstudy.commands import main
from convstudy.foundation import atomic_files
from convstudy.provenance import records, steps, verification

pytestmark = pytest.mark.usefixtures("folder_of_jobs")


def verify():
    return CliRunner().invoke(main, ["verify"])


def test_verify_is_content_with_what_steps_left():
    steps.run(job_of("results/plots/a.txt"), copy)
    steps.run(job_of("results/plots/b.txt", source="results/plots/a.txt"), copy)
    for name in ("README.md", "logs/a/b.log", "plots/.DS_Store", ".ipynb_checkpoints/a.csv"):
        atomic_files.write_json(Path("results", name), {})
    done = verify()
    assert (done.exit_code, done.output) == (0, "everything fits its record\n")


def damage():
    Path("results/plots/b.txt").write_text("ONE")


def delete():
    Path("results/plots/b.txt").unlink()


def change_the_input():
    Path("in.txt").write_text("two")


def add_a_file():
    Path("results/plots/c.txt").write_text("from elsewhere")


def add_a_summary():
    Path("results/summary.csv").write_text("from elsewhere")


def leave_a_part():
    Path("results/plots/.part.c.txt").write_text("half")


def age():
    path = records.path_of("results/plots/b.txt")
    atomic_files.write_json(path, atomic_files.read_json(path) | {"format": 0})


def break_the_record():
    path = records.path_of("results/plots/b.txt")
    record = atomic_files.read_json(path)
    atomic_files.write_json(path, {key: record[key] for key in record if key != "code_of"})


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (break_the_record, "b.txt.json: cannot be read (it has no 'code_of')"),
        (damage, "results/plots/b.txt: has other bytes than copy left"),
        (delete, "results/plots/b.txt: is gone since copy made it"),
        (change_the_input, "results/plots/a.txt: was made from another in.txt"),
        (add_a_file, "results/plots/c.txt: has no record"),
        (add_a_summary, "results/summary.csv: has no record"),
        (leave_a_part, "results/plots/.part.c.txt: was left half-written"),
        (age, "written by another version"),
    ],
)
def test_verify_names_what_does_not_fit(harm, sentence):
    steps.run(job_of("results/plots/a.txt"), copy)
    steps.run(job_of("results/plots/b.txt", source="results/plots/a.txt"), copy)
    harm()
    done = verify()
    assert done.exit_code == 1
    assert sentence in done.output
    assert "Error: 1 of the results" in done.output


def test_verify_looks_at_the_results_of_another_project(tmp_path, monkeypatch):
    steps.run(job_of("results/plots/a.txt"), copy)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert list(verification.problems(tmp_path / "results")) == []
    (tmp_path / "results/plots/a.txt").write_text("ONE")
    (problem,) = verification.problems(tmp_path / "results")
    assert problem.startswith("results/plots/a.txt: has other bytes than copy left")


@pytest.mark.parametrize("place", ["results/plots", "results/.convstudy", "other"])
def test_verify_refuses_a_folder_that_has_no_records(place):
    steps.run(job_of("results/plots/a.txt"), copy)
    Path(place).mkdir(exist_ok=True)
    done = CliRunner().invoke(main, ["verify", place])
    assert done.exit_code == 1
    assert f"{place}: has no records of this workflow" in done.output
