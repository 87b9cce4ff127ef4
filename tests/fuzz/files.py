"""Targets: pickles and lists, which come from strangers."""

import os
import pickletools
from pathlib import Path

import numpy as np
import reader_fixtures as fx
from hypothesis import strategies as st

from convstudy.data import hdf5
from convstudy.data.preparation import prepare
from convstudy.decoding.archive_entries import FileMember
from convstudy.decoding.safe_pickle import load_pickle
from convstudy.readers import open_source
from fuzz.archives import tar_of
from fuzz.harness import Target
from fuzz.mutations import mutated

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
        prepare(fx.block("cifar", {"archive": path}), fx.outputs(output))
    finally:
        left = os.listdir(output.parent) if output.parent.exists() else []
        written = sorted(path.name for path in vars(fx.outputs(output)).values())
        assert sorted(left) in ([], written), left
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
    Target("pickle bytes", lambda: mutated(GOOD_PICKLES), check_pickle),
    Target("pickle opcodes", pickle_structure, check_pickle),
    Target("cifar contents", cifar_archives, check_cifar, share=0.25, names="case|^class"),
    Target("cub lists", list_texts, check_lists, share=0.25),
]
