"""Folders given as data: what is listed, links among it, what is no data, and the digest."""

import os

import pytest

from convstudy.foundation import folder_digests
from convstudy.foundation.errors import UserError
from convstudy.foundation.system_files import is_system_file


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def names_of(folder):
    return [name for name, _ in folder_digests.files(folder)]


@pytest.mark.parametrize(
    "name",
    [
        *("cat/Thumbs.db", "THUMBS.DB", "desktop.ini", "Desktop.ini", "cat/._1.png", ".DS_Store"),
        *("cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "#recycle/1.png", "#snapshot/1.png"),
        *("$RECYCLE.BIN/1.png", "$Recycle.Bin/1.png", "RECYCLER/1.png", "lost+found/1.png"),
        *("System Volume Information/1.png", "__MACOSX/cat/1.png", "a/.ipynb_checkpoints/1.png"),
        *(".Trash-1000/1.png", "@Recently-Snapshot/1.png", "cat/Icon\r", "ehthumbs.db"),
    ],
)
def test_names_that_are_no_data(name):
    assert is_system_file(name)


@pytest.mark.parametrize(
    "name", ["cat/1.png", "Icon.png", "recycler/1.png", "thumbs/1.png", "eaDir/1.png", "a.b/1.png"]
)
def test_names_that_are_data(name):
    assert not is_system_file(name)


def test_thumbnails_of_a_disk_station_change_nothing(tmp_path):
    write(tmp_path, "cat/1.png", "dog/1.png")
    before = folder_digests.digest(tmp_path)
    write(tmp_path, "cat/@eaDir/1.png/THUMB.jpg", "Thumbs.db", ".DS_Store", "lost+found/x")
    assert folder_digests.digest(tmp_path) == before
    assert names_of(tmp_path) == ["cat/1.png", "dog/1.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_systems_folder_need_not_be_readable(tmp_path):
    write(tmp_path, "cat/1.png", "lost+found/x")
    (tmp_path / "lost+found").chmod(0)
    assert names_of(tmp_path) == ["cat/1.png"]
    (tmp_path / "lost+found").chmod(0o700)


def test_links_are_copies(tmp_path):
    data = write(tmp_path / "data", "train/cat/1.png", "train/dog/1.png", "test/cat/1.png")
    elsewhere = write(tmp_path / "elsewhere", "sub/2.png")
    (data / "all_data").symlink_to("train")
    (data / "train/cow").symlink_to(elsewhere)
    (data / "test/cat/2.png").symlink_to(elsewhere / "sub/2.png")
    train = ["cat/1.png", "cow/sub/2.png", "dog/1.png"]
    assert names_of(data) == [
        *(f"all_data/{name}" for name in train),
        *("test/cat/1.png", "test/cat/2.png"),
        *(f"train/{name}" for name in train),
    ]
    assert all(path.read_text()[-5] == name[-5] for name, path in folder_digests.files(data))
    assert folder_digests.listing(data).left_out == []
    copy = tmp_path / "copy"
    for name, path in folder_digests.files(data):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(path.read_bytes())
    assert folder_digests.digest(copy) == folder_digests.digest(data)


def test_links_that_never_end_are_left_out_and_named(tmp_path):
    data = write(tmp_path / "data", "cat/1.png", "dog/1.png")
    (data / "cat/top").symlink_to("..")
    (data / "above").symlink_to(tmp_path)
    (data / "dog/cat").symlink_to("../cat")  # is a copy, but for its own link to the top
    (data / "cat/dog").symlink_to("../dog")
    (data / "self").symlink_to("self")  # leads nowhere, which is said when it is opened
    found = folder_digests.listing(data)
    assert [name for name, _ in found.files] == [
        *("cat/1.png", "cat/dog/1.png", "dog/1.png", "dog/cat/1.png", "self")
    ]
    reason = "is a link to a folder that it lies in"
    looped = ["above", "cat/dog/cat", "cat/top", "dog/cat/dog", "dog/cat/top"]
    assert found.left_out == [(name, reason) for name in looped]


def test_links_that_multiply_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_digests, "MAX_ENTRIES", 1000)
    for level in range(30):
        folder = tmp_path / f"{level}"
        folder.mkdir()
        (folder / "a").symlink_to(f"../{level + 1}")
        (folder / "b").symlink_to(f"../{level + 1}")
    write(tmp_path / "30", "1.png")
    with pytest.raises(UserError, match="0: holds more than 1,000 files and folders, what its li"):
        folder_digests.files(tmp_path / "0")


def test_a_pipe_is_left_out_and_named(tmp_path):
    write(tmp_path, "cat/1.png")
    os.mkfifo(tmp_path / "cat/2.png")
    found = folder_digests.listing(tmp_path)
    assert [name for name, _ in found.files] == ["cat/1.png"]
    assert found.left_out == [("cat/2.png", "is a pipe, a socket or a device")]


@pytest.mark.parametrize(
    ("folders", "above_files", "expected"),
    [
        (["a", "a/b", "c"], ["a/b"], ["c"]),
        (["a", "a b", "a/b"], ["a b/c"], ["a", "a/b"]),
        (["a", "a/b", "a/b/c"], ["a"], ["a/b", "a/b/c"]),
        (["a", "ab"], ["", "ab"], ["a"]),
        (["a"], [], ["a"]),
    ],
)
def test_empty_folders(folders, above_files, expected):
    assert folder_digests.empty(folders, above_files) == expected
