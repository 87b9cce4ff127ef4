"""Targets: archives, which come from strangers."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from pathlib import Path

from hypothesis import strategies as st

from convstudy.decoding import archives
from convstudy.decoding.images import is_image_name
from convstudy.foundation.system_files import is_system_file
from fuzz.harness import Target
from fuzz.mutations import mutated

MEMBERS = {"ant/1.png": b"good" * 50, "bee/" + "a" * 120 + ".png": b"x", "é/3.png": b"", "t": b"y"}
LINKS = {"ant/2.png": (tarfile.LNKTYPE, "ant/1.png"), "bee/3.png": (tarfile.SYMTYPE, "../t")}
LINKED = {"ant/2.png": MEMBERS["ant/1.png"], "bee/3.png": MEMBERS["t"]}


def tar_of(
    members: dict[str, bytes],
    form: int = tarfile.PAX_FORMAT,
    links: dict[str, tuple[bytes, str]] | None = None,
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, (kind, target) in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    return buffer.getvalue()


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def gz(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


PACKERS = [bytes, gz, bz2.compress, lzma.compress]


def archive_bytes() -> st.SearchStrategy[bytes]:
    tar, gnu = tar_of(MEMBERS), tar_of(MEMBERS, tarfile.GNU_FORMAT)
    linked = tar_of(MEMBERS, links=LINKS)
    packed = [pack(tar) for pack in PACKERS] + [pack(linked) for pack in PACKERS]
    return mutated([*packed, gnu, *(zip_of(MEMBERS, m) for m in (0, 8, 12, 14))])


def check_checksummed_archive(case: bytes, path: Path) -> None:
    found = read_archive(case, path)
    # a plain tar has no checksum of its contents
    if case.startswith((b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        expected = MEMBERS | LINKED
        for name in found.keys() & expected.keys():
            assert found[name] == expected[name], f"other content in {name}"


def read_archive(case: bytes, path: Path) -> dict[str, bytes]:
    path.write_bytes(case)
    found = {}
    with archives.extracted(path, is_image_name) as contents:
        for name, member in contents.members.items():
            assert not name.startswith("/") and ".." not in name.split("/"), name
            with member.open() as stream:
                found[name] = stream.read()
            assert len(found[name]) == member.size
        told = [*contents.empty_folders, *(name for name, _ in contents.left_out)]
    assert not any(map(is_system_file, [*found, *told]))
    for folder in contents.empty_folders:
        assert not any(name.startswith(f"{folder}/") for name in found), folder
    assert sum(map(len, found.values())) <= archives.FREE_BYTES + archives.MAX_RATIO * len(case)
    return found


_NAMES = st.sampled_from(
    ["a/1.png", "a/2.png", "../1.png", "/etc/1.png", "a/../../1.png", "C:\\1.png", "\\1.png", "a/"]
    + ["", ".", "./a/1.png", "a//1.png", "a/" * 600 + "1.png", "é.png", "a\0b.png", "..", "-.png"]
    + [
        "a\\1.png",
        "a\\",
        "../a/1.png",
        "1.png",
        "a",
        ".b/1.png",
        "@eaDir/1.png",
        "Ka\u0308se/1.png",
    ]
) | st.text(max_size=12)
_SIZES = st.sampled_from([0, 1, 5, 512, 513, 2**21, 2**31, 2**33 - 1, 2**40, 2**63, -1])
_PAX = st.dictionaries(
    st.sampled_from(["path", "size", "linkpath", "GNU.sparse.map", "GNU.sparse.major"])
    | st.sampled_from(["GNU.sparse.size", "GNU.sparse.realsize", "hdrcharset", "mtime"]),
    st.sampled_from(["", "0", "1", "-1", "0,1", "1e9", "9" * 30, "../x.png", "BINARY", "nan"]),
    max_size=2,
)
_TAR_MEMBER = st.tuples(
    _NAMES,
    st.sampled_from(list(b"0\x001234567xgLKSNVA")) | st.integers(0, 255),
    _NAMES,
    _SIZES,
    st.binary(max_size=9),
    _PAX,
    st.tuples(st.integers(0, 511), st.binary(max_size=4)),
)


def tar_member(name, kind, link, size, content, pax, patch) -> bytes:
    """One member with a right header checksum and any other field wrong."""
    member = tarfile.TarInfo(name[:5000])
    member.type, member.linkname, member.size = bytes([kind]), link, size
    member.pax_headers = pax
    form = tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT
    try:
        header = bytearray(member.tobuf(form, "utf-8", "surrogateescape"))
    except (ValueError, UnicodeError):
        header = bytearray(512)
    head = header[-512:]
    head[patch[0] : patch[0] + len(patch[1])] = patch[1]
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(header[:-512] + head[:512] + content + bytes(-len(content) % 512))


def tar_structure() -> st.SearchStrategy[bytes]:
    def build(members: list[tuple], pack: int, end: int) -> bytes:
        return PACKERS[pack](b"".join(tar_member(*m) for m in members) + bytes(512 * end))

    packs = st.integers(0, len(PACKERS) - 1)
    return st.builds(build, st.lists(_TAR_MEMBER, max_size=4), packs, st.integers(0, 3))


_ATTRIBUTES = st.sampled_from([0, stat.S_IFREG << 16, stat.S_IFLNK << 16, stat.S_IFDIR << 16])
_ZIP_MEMBER = st.tuples(
    _NAMES,
    st.binary(max_size=30) | _NAMES.map(lambda name: name.encode("utf-8", "replace")),
    _ATTRIBUTES | st.integers(0, 2**32 - 1),
    st.sampled_from([0, 8, 12, 14]),
    st.sampled_from([0, 3, 3, 10, 11, 14, 19]),
    st.booleans(),
)


def zip_members(members: list[tuple]) -> bytes:
    """A zip; the last value of a member says whether its name has the flag of UTF-8."""
    buffer, stand_ins = io.BytesIO(), {}
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, (name, content, attributes, method, system, flagged) in enumerate(members):
            info, raw = zipfile.ZipInfo("x"), name.encode("utf-8", "replace")
            info.filename = name or "x"
            if not flagged and len(raw) > 5:  # names that are not ASCII make zipfile set the flag
                info.filename = chr(number + 1) * len(raw)
                stand_ins[info.filename.encode()] = raw
            info.external_attr, info.create_system = attributes, system
            archive.writestr(info, content, method)
    made = buffer.getvalue()
    for stand_in, raw in stand_ins.items():
        made = made.replace(stand_in, raw)
    return made


def zip_structure() -> st.SearchStrategy[bytes]:
    def build(members: list[tuple], patches: list[tuple]) -> bytes:
        content = bytearray(zip_members(members))
        directory = max(0, content.find(b"PK\x01\x02"))
        for position, patch in patches:
            start = directory + position % (len(content) - directory)
            content[start : start + len(patch)] = patch
        return bytes(content)

    patches = st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=4)), max_size=3)
    return st.builds(build, st.lists(_ZIP_MEMBER, max_size=4), patches)


_LINKED_NAMES = st.sampled_from(["a/1.png", "a/2.png", "b/1.png", "b/t", "a", ".c/1", "a/../b/t"])
_LINK_TARGETS = _LINKED_NAMES | st.sampled_from(
    ["1.png", "../b/t", "../.c/1", "/a/1.png", "..", ""]
)


def links() -> st.SearchStrategy[bytes]:
    """Few names, so that many links lead to a file, to each other, or round in circles."""
    kinds = [tarfile.REGTYPE, tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE]
    member = st.tuples(_LINKED_NAMES, st.sampled_from(kinds), _LINK_TARGETS)

    def as_tar(members: list[tuple]) -> bytes:
        blocks = [
            tar_member(name, kind[0], target, 3, b"abc", {}, (0, b""))
            if kind == tarfile.REGTYPE
            else tar_member(name, kind[0], target, 0, b"", {}, (0, b""))
            for name, kind, target in members
        ]
        return b"".join(blocks) + bytes(1024)

    def as_zip(members: list[tuple]) -> bytes:
        modes = {tarfile.REGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR}
        return zip_members(
            [
                (name, b"abc" if kind == tarfile.REGTYPE else target.encode())
                + (modes.get(kind, stat.S_IFLNK) << 16, zipfile.ZIP_STORED, 3, True)
                for name, kind, target in members
            ]
        )

    members = st.lists(member, max_size=6)
    return members.map(as_tar) | members.map(as_zip)


TARGETS = [
    Target("archive bytes", archive_bytes, check_checksummed_archive),
    Target("archive links", links, read_archive),
    Target("tar structure", tar_structure, read_archive),
    Target("zip structure", zip_structure, read_archive),
]
