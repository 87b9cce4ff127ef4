"""What was told of code once is not told again, and no edit is missed for it."""

import json
import os

import pytest
from small_package import FILES

from convstudy.foundation import plugin_files
from convstudy.provenance import code_digests, kept_code


@pytest.fixture
def told(digest, tmp_path, monkeypatch):
    """Take a digest as a new process would; and whether it was told from the code itself."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    asked, tell = [], code_digests._told
    monkeypatch.setattr(code_digests, "_told", lambda *of: asked.append(of) or tell(*of))

    def take(changes=None, **what):
        code_digests._known = []  # of no process before
        asked.clear()
        return digest(changes, **what), bool(asked)

    return take


def test_it_is_told_once(told):
    first, looked = told()
    assert looked
    before = code_digests.of("job.py")
    assert told() == (first, False)
    after = code_digests.of("job.py")
    assert (after.units, after.libraries) == (before.units, before.libraries)
    assert after.sources == before.sources and len(after.sources) > 1


def test_what_is_kept_is_of_one_step(told):
    assert len({told(), told(script="other_job.py"), told(plugins=["models/one"])}) == 3


def test_an_edit_of_equal_size_and_date_is_seen(told, tmp_path):
    before, _ = told()
    path = tmp_path / "convstudy/far.py"
    status = path.stat()
    text = FILES["convstudy/far.py"].replace("LIMIT = 1", "LIMIT = 2")

    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after, looked = told({"convstudy/far.py": text})
    assert after != before and looked
    assert told() == (before, True)  # undone


def test_a_file_that_comes_between_is_seen(told):
    near = {"convstudy/near.py": "import layers\n\n\ndef f():\n    return layers\n"}
    (before, _), (after, looked) = told(near), told(near | {"layers.py": "X = 1\n"})
    assert after != before and looked


def test_it_travels_with_the_project(told, tmp_path, monkeypatch):
    first, _ = told()
    other = tmp_path.with_name(f"{tmp_path.name}_elsewhere")
    tmp_path.rename(other)
    monkeypatch.setattr(plugin_files, "SCRIPTS", other)
    monkeypatch.chdir(other / "project")
    code_digests._known, code_digests._looked = [], -1
    monkeypatch.setattr(code_digests, "_told", None)
    found = code_digests.of("job.py")
    assert found.digest == first
    assert {str(other)} == {path[: len(str(other))] for path in found.sources}


@pytest.mark.parametrize("damage", [lambda x: x[:40], lambda x: x[::-1], lambda x: b"", "other"])
def test_what_is_damaged_is_told_anew(told, damage):
    first, _ = told()
    (store,) = kept_code.FOLDER.iterdir()
    kept = store.read_bytes()
    if damage == "other":  # as a fault of the disk that leaves valid JSON
        content = json.loads(kept)
        content["code"]["digest"] = "0" * 64
        store.write_text(json.dumps(content))
    else:
        store.write_bytes(damage(kept))
    assert told() == (first, True)
    assert store.read_bytes() == kept


def test_where_nothing_can_be_kept_it_is_told_each_time(told):
    kept_code.FOLDER.parent.mkdir(parents=True)
    kept_code.FOLDER.write_text("in the way")
    assert told() == told()
    assert told()[1]


def test_what_lies_behind_a_link_is_not_kept(told, tmp_path):
    """It is not among the files that are looked at, so an edit there would be missed."""
    (tmp_path / "project/away").mkdir()
    (tmp_path / "project/away/hidden.py").write_text("X = 1\n")
    (tmp_path / "convstudy").mkdir()
    (tmp_path / "convstudy/inner").symlink_to(tmp_path / "project/away")
    near = {"convstudy/near.py": "from .inner.hidden import X\n\n\ndef f():\n    return X\n"}
    before, _ = told(near)
    (tmp_path / "project/away/hidden.py").write_text("X = 2\n")
    after, looked = told(near)
    assert after != before and looked
