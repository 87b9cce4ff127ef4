"""Good archives with bad contents: pickles that run code, broken images, lists that disagree."""

import codecs
import os
import pickle
import re
import struct

import numpy as np
import pytest
import reader_fixtures as fx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convstudy.decoding.archive_entries import FileMember
from convstudy.decoding.safe_pickle import load_pickle
from convstudy.foundation.errors import UserError

ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
UINT8 = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"


class Runs:
    """Its pickle calls a function with arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def program(value=b"}"):
    """A pickle of {"data": value}, from opcodes."""
    return b"\x80\x02}U\x04data" + value + b"s."


HOSTILE = {
    "system": lambda trap: pickle.dumps({"data": Runs(os.system, f"touch {trap}")}),
    "system 2": lambda trap: pickle.dumps({"data": Runs(os.system, f"touch {trap}")}, 2),
    "system 0": lambda trap: pickle.dumps({"data": Runs(os.system, f"touch {trap}")}, 0),
    "eval": lambda trap: pickle.dumps({"data": Runs(eval, f"open({str(trap)!r}, 'w')")}),
    "open": lambda trap: pickle.dumps({"data": Runs(open, str(trap), "w")}),
    "getattr": lambda trap: program(b"c__builtin__\ngetattr\n(U\x01aU\x01btR"),
    "other encoding": lambda trap: pickle.dumps({"d": Runs(codecs.encode, "x", "rot13")}),
    "dotted name": lambda trap: program(b"\x8c\x05numpy\x8c\x10ndarray.__init__\x93"),
    "numpy load": lambda trap: program(b"cnumpy\nload\n(U\x01atR"),
    "numpy fromfile": lambda trap: program(b"cnumpy\nfromfile\n(U\x0b/etc/passwdtR"),
    "inst": lambda trap: program(b"(U\x04trueios\nsystem\n"),
    "obj": lambda trap: program(b"(cnumpy\nndarray\no"),
    "new object": lambda trap: program(b"cnumpy\nndarray\n)\x81"),
    "extension": lambda trap: program(b"\x82\x01"),
    "persistent": lambda trap: program(b"U\x01aQ"),
    "change a stand-in": lambda trap: program(b"cnumpy\nndarray\nN}U\x09_functionU\x01xs\x86b"),
    "dict of a stand-in": lambda trap: program(b"cnumpy\nndarray\n}U\x09_functionU\x01xsb"),
    "array of objects": lambda trap: pickle.dumps({"data": np.array([[1, None]], object)}),
    "array of fields": lambda trap: pickle.dumps({"data": np.zeros(3, "u1,u1")}),
    "array of texts": lambda trap: pickle.dumps({"data": np.array(["a"])}),
    "three dimensions": lambda trap: pickle.dumps({"data": np.zeros((2, 2, 2), np.uint8)}),
    "huge array": lambda trap: program(
        ARRAY + b"(K\x01(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft" + UINT8 + b"\x89U\x01atb"
    ),
    "negative shape": lambda trap: program(
        ARRAY + b"(K\x01(J\xff\xff\xff\xffJ\xff\xff\xff\xfft" + UINT8 + b"\x89U\x01atb"
    ),
    "huge bytes": lambda trap: program(b"\x8e" + struct.pack("<q", 2**50) + b"x"),
    "huge string": lambda trap: program(b"T" + struct.pack("<i", 2**31 - 1) + b"x"),
    "negative string": lambda trap: program(b"T" + struct.pack("<i", -1) + b"x"),
    "huge memo": lambda trap: program(b"Nr" + struct.pack("<I", 2**32 - 1)),
    "huge frame": lambda trap: b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"}.",
    "nested key": lambda trap: b"\x80\x02})" + b"\x85" * 1_000_000 + b"Ns.",
    "nested lists": lambda trap: program(b"]" * 500_000 + b"a" * 499_999),
    "long number": lambda trap: program(b"\x8a\x01\x05"),
    "not a dict": lambda trap: pickle.dumps([1, 2]),
    "keys": lambda trap: pickle.dumps({1: 2}),
    "itself": lambda trap: b"\x80\x02]q\x00h\x00a.",
    "empty": lambda trap: b"",
    "text": lambda trap: b"<html>",
    "no stop": lambda trap: b"\x80\x02}",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles(tmp_path, case):
    trap = tmp_path / "trap"
    members = fx.cifar100_members()
    members["cifar-100-python/train"] = HOSTILE[case](trap)
    archive = fx.write_tar(tmp_path / "c.tar.gz", members)
    message = fx.refused("cifar", {"archive": archive}, tmp_path, "fetch the archive again")
    assert "cifar-100-python/train" in message
    assert not trap.exists(), "the pickle ran"


def test_one_text_is_encoded_once(tmp_path):
    """A thousand references to one text must not become a thousand copies."""
    call = b"c_codecs\nencode\n(h\x07X\x06\x00\x00\x00latin1tR"
    text = b"X" + struct.pack("<I", 9) + b"some text" + b"q\x07"
    path = tmp_path / "pickle"
    path.write_bytes(b"\x80\x02}(U\x01a" + text + b"U\x01b](" + call * 100 + b"eu.")
    encoded = load_pickle("a", FileMember(path))["b"]
    assert encoded[0] == b"some text" and len({id(value) for value in encoded}) == 1


@pytest.mark.parametrize("case", ["huge bytes", "huge string", "huge frame"])
def test_a_claimed_length_is_not_allocated(tmp_path, case):
    path = tmp_path / "pickle"
    path.write_bytes(HOSTILE[case](None))
    with pytest.raises(UserError, match="bytes are claimed, the file has"):
        load_pickle("a", FileMember(path))


def test_a_hundred_thousand_classes_are_checked_at_once(tmp_path):
    """Comparing every name with every other would take minutes."""
    names = [b"%d" % number for number in range(100_000)]
    members = fx.cifar100_members()
    members["cifar-100-python/meta"] = fx.dumped({b"fine_label_names": [*names, b"7"]}, 0)
    archive = fx.write_tar(tmp_path / "c.tar.gz", members)
    fx.refused("cifar", {"archive": archive}, tmp_path, "two classes have the name '7'")


def test_labels_may_be_an_array(tmp_path):
    labels = np.array([0, 1, 2] * 4, np.uint8)
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members(4, fine_labels=labels))
    assert len(fx.prepared("cifar", {"archive": archive}, tmp_path)["train"][0]) == 9


def test_too_many_instructions(tmp_path, monkeypatch):
    monkeypatch.setattr("convstudy.decoding.safe_pickle.MAX_INSTRUCTIONS", 50)
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members())
    fx.refused("cifar", {"archive": archive}, tmp_path, "more than 50 instructions")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fine_labels": [0, 1, 3] * 4}, "'fine_labels' holds 3, expected labels 0 to 2"),
        ({"fine_labels": [0, 1, -1] * 4}, "'fine_labels' holds -1"),
        ({"fine_labels": [0, 1, 2] * 3}, "9 labels for 12 images"),
        ({"fine_labels": [b"0"] * 12}, "a list of whole numbers"),
        ({"fine_labels": 3}, "'fine_labels' is a int"),
        ({"filenames": [b"a"]}, "1 file names for 12 images"),
        ({"filenames": [b"x" * 1025] * 12}, "'filenames' holds a text of more than 1024 bytes"),
        ({"filenames": [1] * 12}, "'filenames' is a list, expected a list of texts"),
        ({"data": np.zeros((12, 3071), np.uint8)}, r"a uint8 array \(12, 3071\)"),
        ({"data": np.zeros(3072, np.uint8)}, r"a uint8 array \(3072,\)"),
        ({"data": np.zeros((12, 3072), np.int32)}, "a int32 array"),
        ({"data": [0] * 12}, "'data' is a list"),
        ({"data": np.zeros((), np.uint8)}, r"a uint8 array \(\)"),
        ({"fine_labels": np.zeros((), np.uint8)}, r"a uint8 array \(\)"),
        ({"fine_labels": np.zeros((12, 1), np.uint8)}, r"a uint8 array \(12, 1\)"),
    ],
)
def test_cifar_with_wrong_contents(tmp_path, changes, expected):
    members = fx.cifar100_members(4, **changes)
    archive = fx.write_tar(tmp_path / "c.tar.gz", members)
    fx.refused("cifar", {"archive": archive}, tmp_path, expected)


def test_cifar_with_missing_or_repeated_parts(tmp_path):
    for members, missing in ((fx.cifar100_members(), "meta"), (fx.cifar10_members(), "_batch_4")):
        (name,) = [name for name in members if name.endswith(missing)]
        del members[name]
        archive = fx.write_tar(tmp_path / "c.tar.gz", members)
        fx.refused("cifar", {"archive": archive}, tmp_path, f"no member '.*{missing}'")
    members = fx.cifar100_members()
    archive = fx.write_tar(tmp_path / "c.tar.gz", members | {"copy/train": b"x"})
    fx.refused("cifar", {"archive": archive}, tmp_path, "two members 'train'")
    del members["cifar-100-python/meta"]
    members["meta"] = fx.dumped({b"fine_label_names": [b"a", b"b", b"a"]}, 0)
    archive = fx.write_tar(tmp_path / "c.tar.gz", members)
    fx.refused("cifar", {"archive": archive}, tmp_path, "two classes have the name 'a'")


def cub(tmp_path, lists=None, images=None):
    """Archives of good birds with these members replaced."""
    good_images, good_lists = fx.cub_members()
    return {
        "images": fx.write_tar(tmp_path / "images.tgz", good_images | (images or {})),
        "lists": fx.write_tar(tmp_path / "lists.tgz", good_lists | (lists or {})),
    }


ANT = "001.ant/ant_0000.jpg"


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        (f"{ANT}\n001.ant/ant_9999.jpg", "names the image '001.ant/ant_9999.jpg', which is not"),
        ("001.ant/ant_0004.jpg", "'001.ant/ant_0004.jpg' is in train.txt and in test.txt"),
        (f"{ANT}\n\n{ANT}\n", f"lines 1 and 3 name the same image '{ANT}'"),
        ("ant_0000.jpg", "line 1 is 'ant_0000.jpg', expected"),
        (f"{ANT}\nimages/{ANT}", f"line 2 is 'images/{ANT}', expected"),
        ("../ant_0000.jpg", "line 1"),
        ("\n\n", "names no images"),
        ("001.ant/\xff".encode("latin-1"), "not a text in UTF-8"),
        ("001.ant/\0.jpg", "not in"),
    ],
)
def test_lists_that_do_not_fit(tmp_path, train, expected):
    content = train if isinstance(train, bytes) else train.encode()
    files = cub(tmp_path, lists={"lists/train.txt": content})
    fx.refused("cub200_2010", files, tmp_path, expected)


def test_lists_that_are_missing_repeated_or_swapped(tmp_path):
    files = cub(tmp_path)
    swapped = {"images": files["lists"], "lists": files["images"]}
    fx.refused("cub200_2010", swapped, tmp_path, "holds no train.txt.*archive of the lists")
    files = cub(tmp_path, lists={"other/test.txt": b"x/y"})
    fx.refused("cub200_2010", files, tmp_path, "holds test.txt twice|x/y|twice")
    files = cub(tmp_path, images={f"copy/{ANT}": b"x"})
    fx.refused("cub200_2010", files, tmp_path, f"'{ANT}' occurs in two folders")


def test_an_unreadable_image_is_named(tmp_path):
    good = fx.encoded(fx.picture(), "JPEG")
    for bad in (b"", good[:-30], b"<html>"):
        files = cub(tmp_path, images={f"images/{ANT}": bad})
        fx.refused("cub200_2010", files, tmp_path, f"images.tgz: 1 image .* {re.escape(ANT)} \\(")
    folder = fx.write_files(tmp_path / "data", fx.folder_members(4) | {"ant/2.png": b"x"})
    fx.refused("image_folder", {"images": folder}, tmp_path, "ant/2.png \\(")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "holds no images"),
        ({"a.txt": b"x", ".hidden/a/1.png": b"x"}, "holds no images"),
        ({"1.png": b"x"}, "'1.png' lies in no class folder"),
        ({"a/1.png": b"x", "a/2.png": b"x", "a/3.png": b"x"}, "1 of the 1 classes"),
    ],
)
def test_folders_that_are_no_data_set(tmp_path, members, expected):
    (tmp_path / "data").mkdir()
    folder = fx.write_files(tmp_path / "data", members)
    with pytest.raises(UserError, match=expected):
        fx.prepared("image_folder", {"images": folder}, tmp_path)


def test_a_class_with_too_few_images(tmp_path):
    members = fx.folder_members(4) | {"dog/1.png": fx.encoded(fx.picture())}
    folder = fx.write_files(tmp_path / "data", members)
    with pytest.raises(UserError, match="class 'dog': 1 images, expected at least 3"):
        fx.prepared("image_folder", {"images": folder}, tmp_path)


@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    protocol=st.sampled_from([0, 2, 4, 5]),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=9)), max_size=6),
    tail=st.binary(max_size=20),
)
def test_mutated_pickles_raise_nothing_else(tmp_path, protocol, changes, tail):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    content = bytearray(fx.dumped({b"data": array, b"labels": [1, 2], b"n": [b"x"]}, protocol))
    for position, patch in changes:
        position %= len(content)
        content[position : position + len(patch)] = patch
    path = tmp_path / "pickle"
    path.write_bytes(content + tail)
    try:
        loaded = load_pickle(str(path), FileMember(path))
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(key, str) for key in loaded)
