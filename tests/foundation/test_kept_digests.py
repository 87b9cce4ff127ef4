"""What was read once is not read again, and no edit is missed for it."""

import os
import time

import pytest

from convstudy.foundation import digests, folder_digests, kept_digests


@pytest.fixture
def given(tmp_path, monkeypatch):
    """A folder of three files that have been there for a while, and an archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kept_digests, "SETTLED", 0.05)
    folder = tmp_path / "pictures"
    (folder / "a").mkdir(parents=True)
    for number in range(3):
        (folder / f"a/{number}.png").write_bytes(bytes([number]) * 50)
    (tmp_path / "archive.zip").write_bytes(b"archive")
    time.sleep(0.1)
    return folder


@pytest.fixture
def read(monkeypatch):
    """The names of the files that are read."""
    names, of_file = [], digests.of_file
    monkeypatch.setattr(digests, "of_file", lambda path: names.append(path.name) or of_file(path))
    return names


def test_a_file_is_read_once(given, read):
    for path, names in (
        (given, ["0.png", "1.png", "2.png"]),
        (given.parent / "archive.zip", ["archive.zip"]),
    ):
        first = kept_digests.of_any(path)
        assert read == names
        read.clear()
        assert kept_digests.of_any(path) == first == folder_digests.of_any(path)
        read.clear()


def test_an_edit_of_equal_size_and_date_is_seen(given, read):
    before = kept_digests.of_any(given)
    file = given / "a/1.png"
    status = file.stat()
    file.write_bytes(b"x" * 50)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    read.clear()
    assert kept_digests.of_any(given) != before
    assert read == ["1.png"]


def test_a_file_that_takes_another_s_place_is_seen(given):
    before = kept_digests.of_any(given)
    (given / "a/0.png").rename(given / "other")
    (given / "a/1.png").rename(given / "a/0.png")
    (given / "other").rename(given / "a/1.png")
    assert kept_digests.of_any(given) != before


def test_what_changed_a_moment_ago_is_read_again(given, read, monkeypatch):
    monkeypatch.setattr(kept_digests, "SETTLED", 60)
    kept_digests.of_any(given)
    kept_digests.of_any(given)
    assert len(read) == 6


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"a": [1, 2]}', b'{"a": [1, 2, 3, 4, "x"]}']
)
def test_a_damaged_store_is_nothing_known(given, content):
    before = kept_digests.of_any(given)
    (store,) = kept_digests.FOLDER.iterdir()
    store.write_bytes(content)
    assert kept_digests.of_any(given) == before
    assert store.read_bytes() != content


def test_where_nothing_can_be_kept_all_is_read(given, read):
    kept_digests.FOLDER.parent.mkdir(parents=True)
    kept_digests.FOLDER.write_text("in the way")
    assert kept_digests.of_any(given) == kept_digests.of_any(given)
    assert len(read) == 6
