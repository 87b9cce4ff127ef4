"""Files appear whole or not at all, and damaged ones are named."""

import errno
import time

import numpy as np
import pytest

from convstudy import files, store
from convstudy.errors import UserError


def write_vectors(path, n=100):
    with store.create_hdf5(path, {"class_names": ["a", "b"]}) as file:
        group = file.create_group("train")
        store.write_array(group, "vectors", np.arange(2.0 * n).reshape(n, 2))
        store.write_array(group, "labels", np.zeros(n, np.int32))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.json"
    files.write_json(path, {"kept": 1})
    with pytest.raises(TypeError):
        files.write_json(path, {"bad": object()})
    assert files.read_json(path) == {"kept": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_clear_message(tmp_path):
    path = tmp_path / "file.h5"
    with pytest.raises(UserError, match="file.h5: cannot be written"):
        with files.whole_file(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "file.h5"
    with files.whole_file(path) as temporary:
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
        store.read_subset(path, "train", ("vectors", "labels"))


def test_flipped_bytes_in_an_array_are_noticed(tmp_path):
    path = tmp_path / "file.h5"
    write_vectors(path)
    content = bytearray(path.read_bytes())
    position = content.find(np.float64(17.0).tobytes())
    content[position + 1] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError, match="file.h5"):
        store.read_subset(path, "train", ("vectors", "labels"))
