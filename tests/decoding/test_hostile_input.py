"""Damaged, foreign and malicious input ends in one `UserError`, and leaves nothing behind."""

import functools
import gzip
import io
import os
import stat
import tarfile
import tempfile
import zipfile

import numpy as np
import pytest
import reader_fixtures as fx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convstudy.decoding import archives
from convstudy.decoding.images import is_image_name
from convstudy.foundation.errors import UserError


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path, monkeypatch):
    """Temporary files go to a folder of the test's own, which is empty afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir()), "a temporary file was left"


def tar_with(path, *members, size=0, **fields):
    """A good archive of images with odd members: (name, type, link target)."""
    with tarfile.open(path, "w:gz", **fields) as tar:
        for name, content in fx.folder_members(4).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, target, size
            tar.addfile(member, io.BytesIO(bytes(size)))
    return path


@pytest.mark.parametrize(
    ("name", "kind", "target", "expected"),
    [
        ("../ant/9.png", tarfile.REGTYPE, "", "leads out of the archive"),
        ("ant/../../9.png", tarfile.REGTYPE, "", "leads out of the archive"),
        ("..\\9.png", tarfile.REGTYPE, "", "leads out of the archive"),
        ("C:\\9.png", tarfile.REGTYPE, "", "leads out of the archive"),
        ("/tmp/ant/9.png", tarfile.REGTYPE, "", "leads out of the archive"),
        ("../folder", tarfile.DIRTYPE, "", "leads out of the archive"),
        ("ant/9.png", tarfile.SYMTYPE, "/etc/passwd", "is a link to '/etc/passwd'"),
        ("ant/9.png", tarfile.SYMTYPE, "8.png", "is a link to '8.png', which is no file of"),
        ("ant/9.png", tarfile.LNKTYPE, "../../secret", "is a link to"),
        ("ant/9.png", tarfile.CHRTYPE, "", "is a device"),
        ("ant/9.png", tarfile.BLKTYPE, "", "is a device"),
        ("ant/9.png", tarfile.FIFOTYPE, "", "is a device"),
        ("notes.txt", tarfile.FIFOTYPE, "", "is a device"),
        ("ant/0.png", tarfile.REGTYPE, "", "occurs twice"),
    ],
)
def test_unsafe_tar_members(tmp_path, name, kind, target, expected):
    archive = tar_with(tmp_path / "d.tgz", (name, kind, target))
    message = fx.refused("image_folder", {"images": archive}, tmp_path, expected)
    assert repr(name) in message


@pytest.mark.parametrize("name", ["../ant/9.png", "/ant/9.png", "ant\\..\\..\\9.png"])
def test_zip_that_leads_out(tmp_path, name):
    archive = fx.write_zip(tmp_path / "d.zip", fx.folder_members(4) | {name: b"x"})
    fx.refused("image_folder", {"images": archive}, tmp_path, "leads out of the archive")


def test_zip_with_a_link(tmp_path):
    archive = fx.write_zip(tmp_path / "d.zip", fx.folder_members(4))
    link = zipfile.ZipInfo("ant/9.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc/passwd")
    fx.refused("image_folder", {"images": archive}, tmp_path, "is a link")


def test_zip_with_a_nameless_member(tmp_path):
    archive = fx.write_zip(tmp_path / "d.zip", fx.folder_members(4) | {"?": b"x"})
    content = archive.read_bytes().replace(b"?", b"\0")  # zipfile cuts a name at NUL
    archive.write_bytes(content)
    fx.refused("image_folder", {"images": archive}, tmp_path, "fetch it again")


def test_encrypted_zip(tmp_path):
    archive = fx.write_zip(tmp_path / "d.zip", fx.folder_members(4))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    archive.write_bytes(content)
    fx.refused("image_folder", {"images": archive}, tmp_path, "is an encrypted file")


def test_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    content = fx.folder_members(4) | {"ant/9.png": bytes(30 * 2**20)}
    for archive in (
        fx.write_zip(tmp_path / "d.zip", content),
        fx.write_tar(tmp_path / "d.tgz", content),
    ):
        fx.refused("image_folder", {"images": archive}, tmp_path, "unpacks to more than")


def test_bomb_that_is_not_an_image_or_comes_after_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
    archive = fx.write_tar(tmp_path / "d.tgz", fx.folder_members(4) | {"x": bytes(30 * 2**20)})
    fx.refused("image_folder", {"images": archive}, tmp_path, "unpacks to more than")
    archive = fx.write_tar(tmp_path / "e.tgz", fx.folder_members(4))
    with open(archive, "ab") as stream:
        stream.write(gzip.compress(bytes(30 * 2**20), mtime=0))
    fx.refused("image_folder", {"images": archive}, tmp_path, "unpacks to more than")


def claiming(size, kind=tarfile.REGTYPE):
    """A tar with one member that claims a size and has none of it."""
    member = tarfile.TarInfo("ant/9.png")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize("size", [2**20, 2**31, 2**40, 2**62])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_members_and_headers_that_claim_a_size(tmp_path, size, kind):
    archive = tmp_path / "d.tgz"
    archive.write_bytes(gzip.compress(claiming(size, kind), mtime=0))
    fx.refused("image_folder", {"images": archive}, tmp_path, "unpack|at most")


def test_endless_chain_of_headers_and_sparse_file(tmp_path):
    archive = tmp_path / "d.tgz"
    member = tarfile.TarInfo("x")
    member.type = tarfile.GNUTYPE_LONGNAME
    archive.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) * 5000, mtime=0))
    fx.refused("image_folder", {"images": archive}, tmp_path, "cannot be unpacked")
    member = tarfile.TarInfo("ant/9.png")
    member.type = tarfile.GNUTYPE_SPARSE
    archive.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    fx.refused("image_folder", {"images": archive}, tmp_path, "cannot be unpacked|sparse")


@pytest.mark.parametrize("limit", ["MAX_MEMBERS", "MAX_MEMBER_BYTES"])
def test_number_and_size_of_members_are_limited(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(archives, limit, 5)
    archive = fx.write_tar(tmp_path / "d.tgz", fx.folder_members(4))
    fx.refused("image_folder", {"images": archive}, tmp_path, "expected (fewer|at most)")


def test_length_of_names_is_limited(tmp_path):
    """All names of images are in memory, and a name of a million letters packs to nothing."""
    name = "a" * 2000 + ".png"
    for form in (fx.write_tar, fx.write_zip):
        archive = form(tmp_path / "d", fx.folder_members(4) | {f"ant/{name}": b"x"})
        expected = "a name of 2,008 letters, expected at most 1,024"
        fx.refused("image_folder", {"images": archive}, tmp_path, expected)


@pytest.mark.parametrize("free", [0, 100])
def test_full_disk(tmp_path, monkeypatch, free):
    usage = archives.shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda path: usage)
    archive = fx.write_tar(tmp_path / "d.tgz", fx.folder_members(4))
    fx.refused("image_folder", {"images": archive}, tmp_path, "is full.*TMPDIR")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>Quota exceeded</html>", "a web page"),
        (b"<html>" + b"x" * 2000, "a web page"),
        (b"just a text\n" * 100, "not an archive"),
        (os.urandom(3000), "not an archive"),
        (gzip.compress(b"just a text\n" * 100, mtime=0), "not a tar archive"),
        (gzip.compress(b"", mtime=0), "cannot be unpacked|not a tar"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "not an archive"),
        (bytes(10240), "not an archive"),
    ],
)
@pytest.mark.parametrize("kind", ["image_folder", "cifar", "cub200_2010"])
def test_foreign_files(tmp_path, content, expected, kind):
    path = tmp_path / "d.tgz"
    path.write_bytes(content)
    files = dict.fromkeys(("images", "lists", "archive"), path)
    fx.refused(kind, files, tmp_path, expected)


@pytest.mark.parametrize("name", ["d.tar", "d.tgz", "d.tar.bz2", "d.tar.xz", "d.zip"])
def test_archives_that_are_cut_anywhere(tmp_path, name):
    mode = {"d.tar": "w", "d.tar.bz2": "w:bz2", "d.tar.xz": "w:xz"}.get(name, "w:gz")
    members = fx.folder_members(4)
    archive = tmp_path / name
    if name == "d.zip":
        fx.write_zip(archive, members)
    else:
        fx.write_tar(archive, members, mode)
    content = archive.read_bytes()
    # A plain tar ends in zeros that nobody misses: only the first block of them is needed.
    needed = len(content.rstrip(b"\0")) if name == "d.tar" else len(content)
    for cut in np.random.default_rng(0).integers(0, needed, 25):
        archive.write_bytes(content[:cut])
        fx.refused("image_folder", {"images": archive}, tmp_path, "fetch it again|is empty")


@pytest.mark.parametrize("form", [fx.write_tar, fx.write_zip])
def test_flipped_bits_are_noticed_by_the_checksum(tmp_path, form):
    archive = form(tmp_path / "d", fx.folder_members(4))
    content = archive.read_bytes()
    middle = len(content) // 4
    archive.write_bytes(content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :])
    fx.refused("image_folder", {"images": archive}, tmp_path, "fetch it again")


@functools.cache
def good_archive(folder, kind):
    members = {"ant/1.png": b"good" * 50, "a" * 120 + "/2.png": b"x", "é/3.png": b""}
    if kind == "zip":
        return fx.write_zip(folder / "good", members).read_bytes()
    return fx.write_tar(folder / "good", members, kind).read_bytes()


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kind=st.sampled_from(["zip", "w", "w:gz", "w:bz2", "w:xz"]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=9)), max_size=6),
    repacked=st.booleans(),
)
def test_mutated_archives_raise_nothing_else(tmp_path_factory, kind, changes, repacked):
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(good_archive(folder, kind))
    for position, patch in changes:
        position %= len(content)
        content[position : position + len(patch)] = patch
    content = gzip.compress(content, 1, mtime=0) if repacked else content
    path = folder / "mutated"
    path.write_bytes(content)
    try:
        with archives.extracted(path, is_image_name) as contents:
            for member in contents.members.values():
                with member.open() as stream:
                    assert len(stream.read()) == member.size
    except UserError as error:
        assert str(path) in str(error)
