"""Files appear whole or not at all, and damaged ones are named."""

import errno
import time

import h5py
import numpy as np
import pytest

from convstudy.data import hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError


def write_vectors(path, n=100):
    with hdf5.create_hdf5(path, {"class_names": ["a", "b"]}) as file:
        group = hdf5.create_group(file, "train")
        hdf5.write_array(group, "vectors", np.arange(2.0 * n).reshape(n, 2))
        hdf5.write_array(group, "labels", np.zeros(n, np.int32))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.json"
    atomic_files.write_json(path, {"kept": 1})
    with pytest.raises(TypeError):
        atomic_files.write_json(path, {"bad": object()})
    assert atomic_files.read_json(path) == {"kept": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_clear_message(tmp_path):
    path = tmp_path / "file.h5"
    with pytest.raises(UserError, match="file.h5: cannot be written"):
        with atomic_files.whole_file(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "file.h5"
    with atomic_files.whole_file(path) as temporary:
        leftover = temporary
        temporary.write_text("x")
    leftover.write_text("half of a file")
    write_vectors(path)
    assert list(tmp_path.iterdir()) == [path]


def test_equal_content_gives_equal_bytes(tmp_path):
    write_vectors(tmp_path / "one.h5")
    time.sleep(1.1)  # HDF5's clock counts seconds
    write_vectors(tmp_path / "two.h5")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


@pytest.mark.parametrize("keep", [0, 10, 600, 0.5, 0.95])
def test_a_cut_file_is_named(tmp_path, keep):
    path = tmp_path / "file.h5"
    write_vectors(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(UserError, match="file.h5: cannot be read"):
        hdf5.read_subset(path, "train", ("vectors", "labels"))


@pytest.mark.parametrize("lost", [b"\0", b"\xff"])
def test_a_lost_block_is_noticed(tmp_path, lost):
    """Also in a white or black picture, where a Fletcher checksum stays the same."""
    path = tmp_path / "file.h5"
    white = np.full((2, 64), 255 - lost[0], np.uint8)
    with hdf5.create_hdf5(path, {}) as file:
        hdf5.write_array(hdf5.create_group(file, "train"), "images", white)
    content = bytearray(path.read_bytes())
    position = content.find(white.tobytes())
    content[position + 32 : position + 64] = lost * 32
    path.write_bytes(content)
    with pytest.raises(UserError, match="file.h5: cannot be read"):
        hdf5.read_subset(path, "train", ("images",))


@pytest.mark.parametrize("classes", [3, 3000])
def test_changed_texts_are_noticed(tmp_path, classes):
    """Few are in HDF5's header, which is checksummed; many are not, and have a digest."""
    path = tmp_path / "file.h5"
    names = [f"class {number} of many with a long name" for number in range(classes)]
    with hdf5.create_hdf5(path, {"class_names": names, "é": "ü"}) as file:
        hdf5.write_names(hdf5.create_group(file, "train"), "names", ["ä", "other"])
    assert hdf5.read_attributes(path) == {"class_names": names, "é": "ü"}
    assert [name.decode() for name in hdf5.read_subset(path, "train", ("names",))[0]][0] == "ä"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"class 2 of", b"class 7 of"))
    with pytest.raises(UserError, match="file.h5: cannot be read"):
        hdf5.read_attributes(path)
    path.write_bytes(content.replace(b"other", b"their"))
    with pytest.raises(UserError, match="file.h5: cannot be read"):
        hdf5.read_subset(path, "train", ("names",))


def test_texts_of_variable_length_are_not_read(tmp_path):
    """A changed byte in their heap can make HDF5 read for ever."""
    path = tmp_path / "file.h5"
    with hdf5.create_hdf5(path, {}) as file:
        file.attrs["reader"] = "a text that h5py gives a variable length"
    with pytest.raises(UserError, match="'reader' holds no numbers"):
        hdf5.read_attributes(path)


@pytest.mark.parametrize(
    ("shape", "words"), [((2**20, 2**20), "not all in the file"), ((), "an array of numbers")]
)
def test_an_array_that_is_not_in_the_file_takes_no_memory(tmp_path, shape, words):
    path = tmp_path / "file.h5"
    with hdf5.create_hdf5(path, {}) as file:
        file.create_dataset("train/images", shape, np.uint8, chunks=(1, 64) if shape else None)
    with pytest.raises(UserError, match=words):
        hdf5.read_subset(path, "train", ("images",))


@pytest.mark.parametrize("place", ["train", "train/images"])
def test_links_are_not_followed(tmp_path, place):
    """An array of another file is not this file's, and HDF5 garbles its message for a bad one."""
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["train/images"] = np.zeros((3, 2), np.uint8)
    path = tmp_path / "file.h5"
    with hdf5.create_hdf5(path, {}) as file:
        file[place] = h5py.ExternalLink("other.h5", f"/{place}")
    with pytest.raises(UserError, match="file.h5: cannot be read .*no array 'train/images'"):
        hdf5.read_subset(path, "train", ("images",))


def test_arrays_of_different_lengths_do_not_belong_together(tmp_path):
    path = tmp_path / "file.h5"
    with hdf5.create_hdf5(path, {}) as file:
        hdf5.write_array(hdf5.create_group(file, "train"), "images", np.zeros((3, 2)))
        hdf5.write_array(file["train"], "labels", np.zeros(2, np.int32))
    with pytest.raises(UserError, match=r"\[3, 2\] rows"):
        hdf5.read_subset(path, "train")


@pytest.mark.parametrize("text", ["[1]", "[" * 100_000, '{"a": 1', "\xff", ""])
def test_json_that_is_no_object_is_named(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="run.json: cannot be read"):
        atomic_files.read_json(path)


def test_flipped_bytes_in_an_array_are_noticed(tmp_path):
    path = tmp_path / "file.h5"
    write_vectors(path)
    content = bytearray(path.read_bytes())
    position = content.find(np.float64(17.0).tobytes())
    content[position + 1] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError, match="file.h5"):
        hdf5.read_subset(path, "train", ("vectors", "labels"))
