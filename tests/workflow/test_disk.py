"""A full disk costs a sentence, never a file."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from jobs import copy, job_of

from convstudy.data import hdf5, packs, shards
from convstudy.decoding.form import Form
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.provenance import steps as convsteps
from convstudy.readers import Source
from convstudy.training import checkpoints

ROOT = Path(__file__).parents[2]
SIZE = 256 * 1024


@pytest.fixture
def small(tmp_path):
    """A file system of a quarter of a megabyte; needs the right to mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def write_json(path):
    atomic_files.write_json(path, {"text": "x" * SIZE})


def write_hdf5(path):
    values = np.random.default_rng(0).integers(0, 256, (100, 64, 64, 3), dtype=np.uint8)
    with hdf5.create_hdf5(path, {}) as file:
        hdf5.write_array(file, "images", values)


def write_bytes(path):
    with atomic_files.whole_file(path) as temporary:
        temporary.write_bytes(bytes(2 * SIZE))


def deal(packs_of):
    pixels = np.random.default_rng(0).integers(0, 256, (100, 64, 64, 3), dtype=np.uint8)
    names = [str(number) for number in range(len(pixels))]
    source = Source(["a"], np.zeros(len(pixels), int), names, pixels.__getitem__)
    listing = packs.Listing(source, [0], Form((64, 64)), "pictures", {})
    packs.write(listing, packs_of[0].with_name("images.json"), packs_of)


def write_packs(path):
    deal([path])


def write_shard(path):
    with tempfile.TemporaryDirectory() as elsewhere:
        pack = Path(elsewhere, "pack.zip")
        deal([pack])
        shards.decode(pack, path)


WRITERS = [write_json, write_hdf5, write_bytes, write_packs, write_shard]


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_leaves_the_earlier_file_and_no_part(small, write):
    path = small / "file"
    path.write_text("earlier")
    with pytest.raises(UserError, match="file: cannot be written .* Free some space"):
        write(path)
    assert path.read_text() == "earlier"
    assert os.listdir(small) == ["file"]


@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_that_cannot_be_written_is_named(small, write):
    (small / "file").write_text("earlier")
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    with pytest.raises(UserError, match="file: cannot be written .* permissions"):
        write(small / "file")
    assert (small / "file").read_text() == "earlier"


def test_a_result_is_not_lost_when_the_cache_is_full(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("in.txt").write_text("x" * 2 * SIZE)
    job = job_of()
    job.config = {"cache": {"folder": str(small), "max_gb": 1}}
    convsteps.run(job, copy)
    assert Path("results/out.txt").read_text() == "x" * 2 * SIZE
    assert "this result is not kept in it (No space left on device)" in Path("log.txt").read_text()
    assert not [path for path in small.rglob("*") if path.is_file()]


def test_a_backup_that_has_no_room_leaves_the_one_before(small):
    import keras

    def train(width):
        network = keras.Sequential([keras.layers.Input((width,)), keras.layers.Dense(width)])
        network.compile("sgd", "mse")
        backup = checkpoints.EpochBackup(small, "key", [], None)
        rows = np.zeros((4, width), "float32")
        network.fit(rows, rows, callbacks=[backup], verbose=0)

    train(8)
    (before,) = os.listdir(small)
    with pytest.raises(UserError, match="cannot be written"):
        train(400)
    assert os.listdir(small) == [before]


def test_the_workflow_says_so_and_a_rerun_repairs(small, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    for name in ("Snakefile", "config.yaml", "rules", "scripts", "profiles", "envs"):
        (project / name).symlink_to(ROOT / name)
    (project / "results").symlink_to(small)
    target = "results/demo/objects.tar.gz"
    run = [sys.executable, "-m", "snakemake", "-c1", target]
    done = subprocess.run(run, cwd=project, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"error: {target}: cannot be written (No space left on device)" in done.stderr
    assert not (project / target).exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
    again = subprocess.run(run, cwd=project, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert (project / target).is_file()
