"""Targets: archives, pickles and lists, which come from strangers."""

import bz2
import gzip
import io
import lzma
import os
import pickletools
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import reader_fixtures as fx
from hypothesis import strategies as st

from convstudy.data import hdf5
from convstudy.data.preparation import prepare
from convstudy.decoding import archives
from convstudy.decoding.archive_entries import FileMember
from convstudy.decoding.images import is_image_name
from convstudy.decoding.safe_pickle import load_pickle
from convstudy.readers import open_source
from fuzz.harness import Target
from fuzz.mutations import mutated

MEMBERS = {"ant/1.png": b"good" * 50, "bee/" + "a" * 120 + ".png": b"x", "é/3.png": b"", "t": b"y"}


def tar_of(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
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
    packed = [pack(tar) for pack in PACKERS]
    return mutated([*packed, gnu, *(zip_of(MEMBERS, m) for m in (0, 8, 12, 14))])


def check_checksummed_archive(case: bytes, path: Path) -> None:
    found = read_archive(case, path)
    if case[257:262] != b"ustar":  # a plain tar has no checksum of its contents
        for name in found.keys() & MEMBERS.keys():
            assert found[name] == MEMBERS[name], f"other content in {name}"


def read_archive(case: bytes, path: Path) -> dict[str, bytes]:
    path.write_bytes(case)
    found = {}
    with archives.extracted(path, is_image_name) as members:
        for name, member in members.items():
            assert not name.startswith("/") and ".." not in name.split("/"), name
            with member.open() as stream:
                found[name] = stream.read()
            assert len(found[name]) == member.size
    assert sum(map(len, found.values())) <= archives.FREE_BYTES + archives.MAX_RATIO * len(case)
    return found


_NAMES = st.sampled_from(
    ["a/1.png", "a/2.png", "../1.png", "/etc/1.png", "a/../../1.png", "C:\\1.png", "\\1.png", "a/"]
    + ["", ".", "./a/1.png", "a//1.png", "a/" * 600 + "1.png", "é.png", "a\0b.png", "..", "-.png"]
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


def zip_structure() -> st.SearchStrategy[bytes]:
    member = st.tuples(
        _NAMES, st.binary(max_size=30), st.integers(0, 2**32 - 1), st.sampled_from([0, 8, 12, 14])
    )

    def build(members: list[tuple], patches: list[tuple]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content, attributes, method in members:
                info = zipfile.ZipInfo(name or "x")
                info.external_attr = attributes
                archive.writestr(info, content, method)
        content = bytearray(buffer.getvalue())
        directory = max(0, content.find(b"PK\x01\x02"))
        for position, patch in patches:
            start = directory + position % (len(content) - directory)
            content[start : start + len(patch)] = patch
        return bytes(content)

    patches = st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=4)), max_size=3)
    return st.builds(build, st.lists(member, max_size=4), patches)


GOOD_PICKLES = [
    fx.dumped({b"data": np.arange(6, dtype=np.uint8).reshape(2, 3), b"l": [1, 2], b"n": [b"x"]}, p)
    for p in (0, 2, 3, 4, 5)
]
_HOSTILE_OPCODES = [
    b"cos\nsystem\nU\x0ctouch canary\x85R",
    b"c__builtin__\neval\nU\x17open('canary','w').name\x85R",
    b"cnumpy\nload\nU\x01a\x85R",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR",
    b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x06\x00\x00\x00latin1tR",
    b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR",
    *(bytes([code]) for code in b"(.)]}abeltsuRNQ0126\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93"),
    *(b"h\x00", b"q\x00", b"r\xff\xff\xff\x7f", b"j\x00\x00\x00\x00", b"\x8a\x01\x05", b"K\x07"),
    *(b"J\xff\xff\xff\x7f", b"\x8e" + b"\xff" * 8, b"T\xff\xff\xff\x7f", b"\x95" + b"\xff" * 8),
]


def pickle_structure() -> st.SearchStrategy[bytes]:
    programs = []
    for content in GOOD_PICKLES:
        starts = [position for _, _, position in pickletools.genops(content)] + [len(content)]
        programs.append([content[a:b] for a, b in zip(starts, starts[1:], strict=False)])

    def build(number: int, edits: list[tuple]) -> bytes:
        program = list(programs[number])
        for kind, position, fragment in edits:
            position %= len(program) + 1
            if kind == 0:
                program.insert(position, fragment)
            elif kind == 1:
                program[position : position + 1] = [fragment]
            elif kind == 2:
                del program[position : position + 1]
            else:
                program[position:position] = program[:position] * (1 + (kind == 4))
        return b"".join(program[:100_000])

    edit = st.tuples(
        st.integers(0, 4),
        st.integers(0, 2**16),
        st.sampled_from(_HOSTILE_OPCODES) | st.sampled_from(programs[0] + programs[3]),
    )
    return st.builds(build, st.integers(0, len(programs) - 1), st.lists(edit, max_size=8))


def check_pickle(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    loaded = load_pickle(str(path), FileMember(path))
    assert all(isinstance(key, str) for key in loaded)


def cifar_archives() -> st.SearchStrategy[bytes]:
    arrays = [np.zeros(shape, kind) for shape in (0, 12, (12, 3072)) for kind in ("u1", "i8")]
    value = st.sampled_from(arrays) | st.lists(st.integers(-1, 3), max_size=12)
    value = value | st.lists(st.binary(max_size=3), max_size=12) | st.none() | st.text(max_size=3)
    value = value | st.just([b"x" * 200] * 12) | st.just([[]] * 12) | st.just({b"a": 1})
    keys = ["data", "fine_labels", "filenames"]

    def build(changes: dict, names: list | None, gone: str | None, protocol: int) -> bytes:
        members = fx.cifar100_members(protocol, **changes)
        if names is not None:
            meta = {b"fine_label_names": names}
            members["cifar-100-python/meta"] = fx.dumped(meta, protocol)
        members.pop(f"cifar-100-python/{gone}", None)
        return tar_of(members)

    changes = st.dictionaries(st.sampled_from(keys), value, max_size=2)
    names = st.none() | st.lists(st.binary(max_size=3), max_size=4)
    gone = st.sampled_from([None, None, None, "train", "meta"])
    return st.builds(build, changes, names, gone, st.sampled_from([2, 4]))


def check_cifar(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    output = path.parent / "out/data.h5"
    try:
        beside = [output.with_suffix(ending) for ending in (".json", ".csv", ".duplicates.csv")]
        prepare(fx.block("cifar", {"archive": path}), output, *beside)
    finally:
        left = os.listdir(output.parent) if output.parent.exists() else []
        assert sorted(left) in ([], ["data.h5", "data.json"]), left
    images, labels = hdf5.read_subset(output, "train")
    assert images.shape == (len(labels), 8, 8, 3)


def list_texts() -> st.SearchStrategy[bytes]:
    return mutated([text for text in fx.cub_members()[1].values()])


def check_lists(case: bytes, path: Path) -> None:
    images, lists = fx.cub_members()
    files = {"images": path.parent / "images", "lists": path.parent / "lists"}
    fx.write_files(files["images"], images)
    fx.write_files(files["lists"], {**lists, "lists/train.txt": case})
    with open_source("cub200_2010", files) as source:
        for index in range(len(source.names)):
            source.image(index).close()


TARGETS = [
    Target("archive bytes", archive_bytes, check_checksummed_archive),
    Target("tar structure", tar_structure, read_archive),
    Target("zip structure", zip_structure, read_archive),
    Target("pickle bytes", lambda: mutated(GOOD_PICKLES), check_pickle),
    Target("pickle opcodes", pickle_structure, check_pickle),
    Target("cifar contents", cifar_archives, check_cifar, share=0.25, names="case|^class"),
    Target("cub lists", list_texts, check_lists, share=0.25),
]
