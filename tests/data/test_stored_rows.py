"""Rows on the disk are those of the array in memory; damage is noticed, memory is bounded."""

import gc
import os

import h5py
import numpy as np
import pytest

from convstudy.data import hdf5, stored_rows
from convstudy.foundation.errors import UserError


def write(path, images, validation=None):
    with hdf5.create_hdf5(path, {}) as file:
        for subset, own in (("train", images), ("validation", validation)):
            if own is not None:
                group = hdf5.create_group(file, subset)
                hdf5.write_array(group, "images", own)
                hdf5.write_array(group, "labels", np.zeros(len(own), np.int32))
    return path


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def rows_of(path, subsets=("train",)):
    return stored_rows.of_subsets(path, list(subsets), "images")


@pytest.mark.parametrize("shape", [(100, 8, 8, 3), (23, 40, 40, 3), (7, 90, 90, 1), (5000, 2)])
def test_rows_are_those_of_the_array(tmp_path, shape):
    """Several to a chunk, with a last chunk that is not full, and one to a chunk."""
    images = drawn(*shape)
    rows = rows_of(write(tmp_path / "data.h5", images))
    some = np.random.default_rng(1).integers(0, len(images), 50)
    assert (rows.shape, rows.dtype, len(rows)) == (images.shape, np.uint8, len(images))
    assert np.array_equal(rows[some], images[some])
    assert np.array_equal(rows[3:6], images[3:6]) and np.array_equal(rows[:], images)
    assert np.array_equal(rows[4], images[4]) and np.array_equal(list(rows), images)
    assert np.array_equal(np.asarray(rows), images)
    assert np.asarray(rows, np.float32).dtype == np.float32


def test_subsets_are_one_after_the_other(tmp_path):
    train, validation = drawn(50, 20, 20, 3), drawn(9, 20, 20, 3, seed=1)
    rows = rows_of(write(tmp_path / "data.h5", train, validation), ("train", "validation"))
    both, order = np.concatenate([train, validation]), np.random.default_rng(2).permutation(59)
    assert np.array_equal(rows[:], both) and np.array_equal(rows[order], both[order])


@pytest.mark.parametrize("chunk", [32, 7])
def test_files_with_chunks_of_another_size_are_read(tmp_path, chunk):
    images = drawn(70, 16, 16, 3)
    with hdf5.create_hdf5(tmp_path / "data.h5", {}) as file:
        how = {"chunks": (chunk, 16, 16, 3), "compression": "gzip", "compression_opts": 0}
        hdf5.create_group(file, "train").create_dataset("images", data=images, **how)
    order = np.random.default_rng(0).permutation(70)
    assert np.array_equal(rows_of(tmp_path / "data.h5")[order], images[order])


def test_a_chunk_is_small_or_one_image(tmp_path):
    with hdf5.create_hdf5(tmp_path / "data.h5", {}) as file:
        small = hdf5.create_array(file, "small", (1000, 32, 32, 3), np.uint8)
        large = hdf5.create_array(file, "large", (10, 224, 224, 3), np.uint8)
        assert small.chunks == (5, 32, 32, 3) and large.chunks == (1, 224, 224, 3)


@pytest.mark.parametrize("rows", [[100], [-1], [0.5], [[1]], (slice(None), slice(2))])
def test_rows_that_are_not_there_are_an_error(tmp_path, rows):
    found = rows_of(write(tmp_path / "data.h5", drawn(100, 4, 4, 3)))
    with pytest.raises((IndexError, TypeError), match="rows"):
        found[rows]


@pytest.mark.parametrize("change", ["flipped", "cut"])
def test_damage_is_noticed_in_its_own_chunk_alone(tmp_path, change):
    images = drawn(20, 100, 100, 3)
    path = write(tmp_path / "data.h5", images)
    rows, content = rows_of(path), bytearray(path.read_bytes())
    place = content.find(images[13].tobytes()[:64])
    if change == "flipped":
        content[place + 5000] ^= 1
    path.write_bytes(content[: place + 20] if change == "cut" else content)
    assert np.array_equal(rows[[2, 7]], images[[2, 7]])
    with pytest.raises(UserError, match="data.h5: cannot be read"):
        rows[[2, 13, 7]]


@pytest.mark.parametrize("how", [{}, {"chunks": (5, 2, 4, 3)}, {"compression": "lzf"}])
def test_arrays_that_others_stored_are_named(tmp_path, how):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("train/images", data=drawn(20, 4, 4, 3), **how)
    with pytest.raises(UserError, match="data.h5: cannot be read .*not in chunks of rows"):
        rows_of(tmp_path / "data.h5")


def test_as_many_labels_as_images_are_asked_for(tmp_path):
    with hdf5.create_hdf5(tmp_path / "data.h5", {}) as file:
        group = hdf5.create_group(file, "train")
        hdf5.write_array(group, "images", drawn(5, 4, 4, 3))
        hdf5.write_array(group, "labels", np.zeros(4, np.int32))
    with pytest.raises(UserError, match="data.h5.*4 labels of 5 images"):
        stored_rows.of_subset(tmp_path / "data.h5", "train", "images")


def test_a_job_holds_what_fits_and_no_more(tmp_path):
    path = write(tmp_path / "data.h5", drawn(100, 10, 10, 3), drawn(10, 10, 10, 3))
    train, validation = rows_of(path), rows_of(path, ["validation"])
    memory = stored_rows.Memory(0.031)  # train has 30,000 bytes, validation 3,000
    assert isinstance(stored_rows.held(train, memory), np.ndarray)
    assert stored_rows.held(validation, memory) is validation
    assert stored_rows.held(train, stored_rows.Memory(0.02)) is train


def halved(block):
    return (block / 2).astype(np.float32)


@pytest.mark.parametrize("megabytes", [0, 1000])
def test_what_is_made_of_rows_is_made_in_blocks(tmp_path, monkeypatch, megabytes):
    images, seen = drawn(1000, 8, 8, 3), []
    rows = rows_of(write(tmp_path / "data.h5", images))
    monkeypatch.setattr(stored_rows, "BLOCK_BYTES", 300 * 8 * 8 * 3)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)

    def make(block):
        seen.append(len(block))
        return halved(block)

    made = stored_rows.held(rows, stored_rows.Memory(megabytes), make)
    assert isinstance(made, np.ndarray) == (megabytes > 0)
    assert np.array_equal(made[:], halved(images)) and made.dtype == np.float32
    assert seen == [1, 334, 333, 333]  # the first to see what it makes
    assert not list((tmp_path / "scratch").iterdir())  # no name: gone with the process


def test_what_a_generator_gives_back_as_it_was_is_not_made_anew(tmp_path):
    rows = rows_of(write(tmp_path / "data.h5", drawn(30, 8, 8, 3)))
    assert stored_rows.held(rows, stored_rows.Memory(0), lambda block: block) is rows


def test_what_rows_on_the_disk_have_not_is_said(tmp_path):
    rows = rows_of(write(tmp_path / "data.h5", drawn(30, 8, 8, 3)))
    with pytest.raises(UserError, match="'mean' is asked of images .*memory.data_mb"):
        rows.mean(axis=0)
    assert not hasattr(rows, "mean")
    assert np.mean(rows) == np.mean(rows[:])  # NumPy's own functions read them whole


def test_files_are_closed_with_the_rows(tmp_path):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    rows = rows_of(write(tmp_path / "data.h5", drawn(30, 8, 8, 3)))
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del rows
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
