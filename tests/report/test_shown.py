"""The selected study's pages and pictures, where people look for them."""

import os
import shutil
from pathlib import Path

import pytest

from convstudy.foundation.errors import UserError
from convstudy.report import shown


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for study in ("one", "two"):
        folder = Path("results/studies") / study
        (folder / "plots").mkdir(parents=True)
        (folder / "summary.md").write_text(study)
        (folder / f"plots/{study}.png").write_text(study)
    return tmp_path / "results"


def show(study: str) -> None:
    shown.show([f"results/studies/{study}/summary.md"], ["results/summary.md"])


def test_the_pictures_are_those_of_the_study_that_was_shown_last(results):
    show("one")
    show("two")
    assert (results / "summary.md").read_text() == "two"
    assert os.listdir(results / "plots") == ["two.png"]
    assert os.readlink(results / "plots") == "studies/two/plots"


def test_a_report_that_the_tables_have_outgrown_is_removed_with_its_record(results, monkeypatch):
    for study in ("one", "two"):
        (results / f"studies/{study}/report.html").write_text(f"report of {study}")
    monkeypatch.setattr(shown, "_is_of_these_runs", lambda report: "one" in str(report))
    record = Path("results/.convstudy/records/results/report.html.json")
    record.parent.mkdir(parents=True)

    def report_after(shown_one, study):
        (results / "report.html").write_text(f"report of {shown_one}")
        record.touch()
        show(study)
        assert record.exists() is (results / "report.html").exists()
        return record.exists()

    assert report_after("one", "one")
    assert not report_after("one", "two")
    assert not report_after("two", "two")  # its runs are others now


def test_a_copy_of_the_pictures_becomes_a_link_again(results):
    shutil.copytree(results / "studies/one/plots", results / "plots")
    show("two")
    assert os.readlink(results / "plots") == "studies/two/plots"


@pytest.mark.parametrize("name", ["two.png", "mine.png"])
def test_what_is_not_ours_is_not_deleted(results, name):
    (results / "plots").mkdir()
    (results / "plots" / name).write_text("mine")
    with pytest.raises(UserError, match="results/plots: is no link .* Move it away"):
        show("two")
    assert (results / "plots" / name).read_text() == "mine"
