"""What archives of other systems hold: their names, links, system files and empty folders."""

import io
import itertools
import stat
import tarfile
import zipfile

import pytest

from convstudy.decoding import archives
from convstudy.decoding.images import is_image_name
from convstudy.foundation.errors import UserError

FILE, FOLDER, HARD, SYMBOLIC = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE


def write_tar(path, *members, mode="w:gz"):
    """Members: (name, type, content or link target)."""
    with tarfile.open(path, mode) as tar:
        for name, kind, value in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == FILE:
                member.size = len(value)
            else:
                member.linkname = value
            tar.addfile(member, io.BytesIO(value) if kind == FILE else None)
    return path


def write_zip(path, *members, system=3):
    """Members: (name, content) or (name, content, mode)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, *mode in members:
            info = zipfile.ZipInfo("x")
            info.filename, info.create_system = name, system
            info.external_attr = (mode[0] if mode else 0) << 16
            archive.writestr(info, content)
    return path


def read(archive, wanted=is_image_name):
    """The members' bytes, the empty folders, and what was left out."""
    with archives.extracted(archive, wanted) as contents:
        files = {}
        for name, member in contents.members.items():
            with member.open() as stream:
                files[name] = stream.read()
            assert len(files[name]) == member.size
        return files, contents.empty_folders, contents.left_out


LINK = stat.S_IFLNK | 0o777


@pytest.mark.parametrize("system", [0, 3, 10, 11, 14])
def test_backslashes_of_windows(tmp_path, system):
    archive = write_zip(
        tmp_path / "d.zip",
        *((r"pets\cat\1.png", b"1"), (r"pets\dog\1.png", b"2"), ("pets\\cow\\", b"")),
        system=system,
    )
    files, empty, _ = read(archive)
    assert files == {"pets/cat/1.png": b"1", "pets/dog/1.png": b"2"}
    assert empty == ["pets/cow"]


def test_a_backslash_in_a_name_of_unix_stays(tmp_path):
    archive = write_zip(tmp_path / "d.zip", (r"cat/a\b.png", b"1"), ("cat/2.png", b"2"))
    assert read(archive)[0] == {r"cat/a\b.png": b"1", "cat/2.png": b"2"}


def test_names_that_are_equal_after_the_repair(tmp_path):
    archive = write_zip(tmp_path / "d.zip", (r"cat\1.png", b"1"), ("cat/1.png", b"2"), system=0)
    with pytest.raises(UserError, match="'cat/1.png' occurs twice"):
        read(archive)


@pytest.mark.parametrize("name", [r"..\1.png", r"a\..\..\1.png", r"C:\1.png", r"\1.png"])
def test_backslashes_that_lead_out(tmp_path, name):
    with pytest.raises(UserError, match="leads out of the archive"):
        read(write_zip(tmp_path / "d.zip", (name, b"1"), system=0))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Käse".encode(), "Käse"),
        ("Ka\u0308se".encode(), "Ka\u0308se"),  # letter and accent, as macOS has it
        ("日本".encode(), "日本"),
        ("Käse".encode("cp437"), "Käse"),
        (b"plain", "plain"),
    ],
)
def test_zip_names_without_the_flag_of_utf8(tmp_path, raw, expected):
    stand_in = "X" * len(raw)
    archive = write_zip(tmp_path / "d.zip", (f"{stand_in}/1.png", b"1"))
    archive.write_bytes(archive.read_bytes().replace(stand_in.encode(), raw))
    assert read(archive)[0] == {f"{expected}/1.png": b"1"}


def test_zip_names_with_the_flag_stay(tmp_path):
    archive = write_zip(tmp_path / "d.zip", ("Ka╠êse/1.png", b"1"))
    assert read(archive)[0] == {"Ka╠êse/1.png": b"1"}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_hard_links_have_the_content_of_the_earlier_member(tmp_path, mode):
    archive = write_tar(
        tmp_path / "d.tar",
        ("./pets/cat/1.png", FILE, b"one"),
        ("./pets/cat/2.png", HARD, "./pets/cat/1.png"),
        ("pets/cat/3.png", HARD, "pets/cat/2.png"),
        ("pets/blob", FILE, b"nobody asks for this by name"),
        ("pets/cat/4.png", HARD, "pets/blob"),
        ("pets/notes.txt", HARD, "pets/nowhere"),  # nobody needs it
        mode=mode,
    )
    files, empty, left_out = read(archive)
    assert files == {f"pets/cat/{n}.png": b"one" for n in (1, 2, 3)} | {
        "pets/cat/4.png": b"nobody asks for this by name"
    }
    assert (empty, left_out) == ([], [])


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("2.png", HARD, "1.png")], "'2.png' is a link to '1.png', which is no file of the arch"),
        ([("2.png", HARD, "1.png"), ("1.png", FILE, b"x")], "which does not come before it"),
        ([("2.png", HARD, "blob"), ("blob", FILE, b"x")], "which does not come before it"),
        ([("2.png", HARD, "3.png"), ("3.png", SYMBOLIC, "1.png")], "does not come before it"),
        ([("2.png", HARD, "2.png")], "which does not come before it"),
        ([("2.png", HARD, "../1.png")], "which leads out of the archive"),
        ([("2.png", HARD, "/etc/passwd")], "which leads out of the archive"),
        ([("2.png", SYMBOLIC, "/etc/passwd")], "which leads out of the archive"),
        ([("a/2.png", SYMBOLIC, "../../1.png")], "which leads out of the archive"),
        ([("2.png", SYMBOLIC, "a/" * 600)], "which leads out of the archive"),
        ([("2.png", SYMBOLIC, "2.png")], "which leads on and on"),
        ([("2.png", SYMBOLIC, "3.png"), ("3.png", SYMBOLIC, "2.png")], "which leads on and on"),
        ([("2.png", SYMBOLIC, "a"), ("a", FOLDER, "")], "which is no file of the archive"),
        ([("1.png", FILE, b"x"), ("1.png", SYMBOLIC, "1.png")], "'1.png' occurs twice"),
        ([("0", FILE, b"x")] + [("1.png", SYMBOLIC, "0")] * 2, "'1.png' occurs twice"),
        ([("0", FILE, b"x")] * 2 + [("1.png", SYMBOLIC, "0")], "'0' occurs twice"),
    ],
)
def test_wanted_links_that_lead_to_no_file(tmp_path, members, expected):
    with pytest.raises(UserError, match=expected) as caught:
        read(write_tar(tmp_path / "d.tar", *members))
    assert str(tmp_path / "d.tar") in str(caught.value) and "\n" not in str(caught.value)


def test_symbolic_links_are_followed_inside_the_archive(tmp_path):
    """As the cache of a data hub has it: images are links to files named by their digests."""
    archive = write_tar(
        tmp_path / "d.tar",
        ("snapshots/cat/1.png", SYMBOLIC, "../../.blobs/5e1"),
        ("snapshots/cat/2.png", SYMBOLIC, "1.png"),
        ("snapshots/cat/3.png", SYMBOLIC, "../current/0.png"),
        (".blobs/5e1", FILE, b"one"),
        ("snapshots/current/0.png", FILE, b"zero"),
        ("all_data", SYMBOLIC, "snapshots"),
        ("latest", SYMBOLIC, "/somewhere/else"),
        (".hidden", SYMBOLIC, "nowhere"),
    )
    files, _, left_out = read(archive)
    assert files == {
        "snapshots/cat/1.png": b"one",
        "snapshots/cat/2.png": b"one",
        "snapshots/cat/3.png": b"zero",
        "snapshots/current/0.png": b"zero",
    }
    assert left_out == [
        ("all_data", "is a link to 'snapshots'"),
        ("latest", "is a link to '/somewhere/else'"),
    ]


def test_symbolic_links_in_a_zip(tmp_path):
    members = [("cat/1.png", b"one"), ("cat/2.png", b"1.png", LINK), ("top", b"cat", LINK)]
    files, _, left_out = read(write_zip(tmp_path / "d.zip", *members))
    assert files == {"cat/1.png": b"one", "cat/2.png": b"one"}
    assert left_out == [("top", "is a link to 'cat'")]
    long = write_zip(tmp_path / "e.zip", ("cat/1.png", b"x" * 2000, LINK))
    with pytest.raises(UserError, match="is a link to a path of 2,000 bytes"):
        read(long)


@pytest.mark.parametrize("kind", [HARD, SYMBOLIC])
def test_links_count_as_copies(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    monkeypatch.setattr(archives, "MAX_RATIO", 0)
    links = [(f"{n}.png", kind, "0.png") for n in range(1, 10)]
    files, _, _ = read(write_tar(tmp_path / "d.tar", ("0.png", FILE, bytes(1000)), *links))
    assert len(files) == 10
    links.append(("10.png", kind, "0.png"))
    with pytest.raises(UserError, match="unpacks to more than 10,000 bytes .at member '10.png'"):
        read(write_tar(tmp_path / "d.tar", ("0.png", FILE, bytes(1000)), *links))


def test_links_count_as_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    links = [(f"{n}.txt", HARD, "0.png") for n in range(1, 4)]
    with pytest.raises(UserError, match="'3.txt' is one of more than 3 members"):
        read(write_tar(tmp_path / "d.tar", ("0.png", FILE, b"x"), *links))


def pets(form, path):
    """An archive or folder of pets with all that is no data."""
    files = ["cat/1.png", "cat/@eaDir/1.png/THUMB.png", "dog/.DS_Store", "cow/notes.txt"]
    folders = ["cat", "dog", "cow", "fox", "fox/young", "__MACOSX", "cat/@eaDir"]
    if form == "zip":
        members = [(name, b"x") for name in files] + [(f"{name}/", b"") for name in folders]
        return write_zip(path, *members)
    if form == "tar":
        members = [(name, FILE, b"x") for name in files]
        return write_tar(path, *members, *((name, FOLDER, "") for name in folders))
    for name in folders:
        (path / name).mkdir(parents=True, exist_ok=True)
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"x")
    return path


@pytest.mark.parametrize("form", ["zip", "tar", "folder"])
def test_system_files_and_empty_folders(tmp_path, form):
    asked = []

    def wanted(name):
        asked.append(name)
        return is_image_name(name)

    files, empty, left_out = read(pets(form, tmp_path / "pets"), wanted)
    assert files == {"cat/1.png": b"x"}
    assert empty == ["dog", "fox", "fox/young"]
    assert left_out == []
    assert sorted(asked) == ["cat/1.png", "cow/notes.txt"]


def test_what_a_folder_leaves_out_is_told(tmp_path):
    folder = pets("folder", tmp_path / "pets")
    (folder / "cat/again").symlink_to("..")
    assert read(folder)[2] == [("cat/again", "is a link to a folder that it lies in")]


def test_a_chain_of_links_ends(tmp_path):
    chain = [(f"{a}.png", SYMBOLIC, f"{b}.png") for a, b in itertools.pairwise(range(41))]
    archive = write_tar(tmp_path / "d.tar", *chain, ("40.png", FILE, b"x"))
    assert len(read(archive)[0]) == 41
    archive = write_tar(tmp_path / "d.tar", ("x.png", SYMBOLIC, "0.png"), *chain)
    with pytest.raises(UserError, match="'x.png' is a link to '0.png', which leads on and on"):
        read(archive)
