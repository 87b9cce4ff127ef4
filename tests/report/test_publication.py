"""What `./convstudy publish` replaces, and what it leaves alone."""

import os

import pytest
from click.testing import CliRunner

from convstudy.commands import main
from convstudy.foundation.errors import UserError
from convstudy.report import publication

FILES = {"plots/a.png": "picture", "summary.csv": "1\n", "comparisons.csv": "2\n"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder into which these files were published."""

    def make(place, made_by):
        for name, text in (FILES | {"README.md": f"# Study\n\n{made_by}\n"}).items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(text)
        return [*FILES, "README.md"]

    monkeypatch.setattr(publication, "_make", make)
    publication.publish(tmp_path / "docs/mine", "the first time")
    return tmp_path / "docs/mine"


def contents(folder):
    return {str(x.relative_to(folder)): x.read_bytes() for x in folder.rglob("*") if x.is_file()}


def test_what_was_published_is_replaced_and_other_files_stay(folder):
    (folder / "notes.md").write_text("mine")
    (folder / "plots/a.png").unlink()
    monkey = FILES["summary.csv"]
    FILES["summary.csv"] = "3\n"
    written = publication.publish(folder, "the second time")
    FILES["summary.csv"] = monkey
    assert sorted(x.relative_to(folder).as_posix() for x in written) == sorted(
        ["plots/a.png", "summary.csv", "comparisons.csv", "README.md"]
    )
    assert (folder / "summary.csv").read_text() == "3\n"
    assert "the second time" in (folder / "README.md").read_text()
    assert (folder / "notes.md").read_text() == "mine"


def test_other_ends_of_lines_are_no_edit(folder):
    for name in ("README.md", "summary.csv"):
        text = (folder / name).read_bytes().replace(b"\n", b"\r\n")
        (folder / name).write_bytes(text)
    publication.publish(folder, "again")


@pytest.mark.parametrize("name", [*FILES, "README.md"])
def test_a_file_that_was_edited_since_is_refused_and_nothing_is_written(folder, name):
    path = folder / name
    path.write_text("mine\n" + path.read_text())
    before = contents(folder)
    with pytest.raises(UserError, match=f"{path}: is there already and was edited since"):
        publication.publish(folder, "again")
    assert contents(folder) == before
    publication.publish(folder, "again", replace=True)
    assert not path.read_text().startswith("mine")


@pytest.mark.parametrize("name", [*FILES, "README.md"])
def test_a_file_of_the_users_is_refused_and_nothing_is_written(folder, name, tmp_path):
    mine = tmp_path / "mine"
    (mine / name).parent.mkdir(parents=True)
    (mine / name).write_text("made by `./convstudy publish`? No: mine")
    with pytest.raises(UserError, match=f"{mine / name}: is there already and is not marked"):
        publication.publish(mine, "the first time")
    assert list(contents(mine)) == [name]
    publication.publish(mine, "the first time", replace=True)
    assert contents(mine).keys() == contents(folder).keys()


def test_a_page_that_lost_its_marks_is_the_users(folder):
    page = folder / "README.md"
    page.write_text(page.read_text().split(publication.MARK)[0])
    with pytest.raises(UserError, match="README.md: is there already and is not marked"):
        publication.publish(folder, "again")


def test_what_is_no_file_is_refused_even_where_files_may_be_replaced(tmp_path, folder):
    (tmp_path / "one/README.md").mkdir(parents=True)
    (tmp_path / "two").mkdir()
    (tmp_path / "two/plots").write_text("a file")
    (tmp_path / "three").symlink_to("nowhere")
    for name, words in (
        ("one", "README.md: is a folder, where a file"),
        ("two", "plots: is a file, expected a folder"),
        ("three", "three: is a file, expected a folder"),
    ):
        with pytest.raises(UserError, match=words):
            publication.publish(tmp_path / name, "", replace=True)


def test_it_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    config = tmp_path / "my.yaml"
    config.write_text("study: none\n")
    begun = os.listdir(tmp_path)
    done = CliRunner().invoke(main, ["publish", str(tmp_path), str(config)])
    assert done.exit_code == 1 and "README.md: is there already and is not marked" in done.output
    assert os.listdir(tmp_path) == begun
