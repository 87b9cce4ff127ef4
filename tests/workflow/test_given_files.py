"""Folders and files that the user gives: which edits make results stale, and which do not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import plans
import pytest
import reader_fixtures as fx

ROOT = Path(__file__).parents[2]
TARGET = "results/data/mine.h5"
# a file the user gives, and what is made of it
MADE_OF = {
    "pictures.zip": "results/data/packed.h5",
    "data/keras/own.keras": "results/backbones/mine/own.keras",
}
STUDY = """
study: mine
studies:
  mine:
    tasks: {objects: {dataset: mine}}
    variants: [base_net]
datasets:
  mine: {reader: image_folder, files: {images: ./pictures/}, image_size: [16, 16]}
  packed: {reader: image_folder, files: {images: pictures.zip}, image_size: [16, 16]}
backbones:
  own: {file: data/keras/own.keras}
"""


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return plans.snakemake(folder, "-c1", *arguments, "--configfile", "mine.yaml")


def is_stale(folder: Path, target: str = TARGET) -> bool:
    done = snakemake(folder, "-n", target)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    reading = re.findall(r"^Job \d+: (?:Reading and splitting|Assembling)", output, re.M)
    assert reading or "Nothing to be done" in output
    return bool(reading)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project whose data set is read from the folder `pictures`."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("convstudy", "Snakefile", "config.yaml", "rules", "scripts", "profiles", "envs"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "mine.yaml").write_text(STUDY)
    for number in range(16):
        part = "train" if number < 12 else "test"
        name = f"{part}/{'ab'[number % 2]}/{number:02d}.bmp"
        fx.write_files(folder / "pictures", {name: fx.encoded(fx.picture(number), "BMP")})
    shutil.make_archive(str(folder / "pictures"), "zip", folder / "pictures")
    (folder / "data/keras").mkdir(parents=True)
    network(folder / "data/keras/own.keras", units=2)
    done = snakemake(folder, TARGET, *MADE_OF.values())
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def network(path: Path, units: int) -> None:
    """Write a backbone of the user's own, with random weights."""
    import keras

    image = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(units, 3)(image))
    keras.Model(image, pooled).save(path)


@pytest.fixture
def pictures(project):
    """The folder, which is put back after the test with the time stamps it had."""
    yield project / "pictures"
    shutil.rmtree(project / "pictures")
    shutil.copytree(project / "kept", project / "pictures")


@pytest.fixture(scope="module", autouse=True)
def kept(project):
    shutil.copytree(project / "pictures", project / "kept")


def test_touched_and_hidden_files_make_nothing_stale(pictures):
    assert not is_stale(pictures.parent)
    (pictures / ".DS_Store").write_bytes(b"x")
    (pictures / "train/.cache").mkdir()
    (pictures / "train/.cache/0.bmp").write_bytes(b"x")
    for path in [pictures, *pictures.rglob("*")]:
        os.utime(path)
    assert not is_stale(pictures.parent)


def test_a_changed_file_of_the_same_size_and_date_is_seen(pictures):
    path = pictures / "train/a/00.bmp"
    before = path.stat()
    path.write_bytes(fx.encoded(fx.picture(99), "BMP"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert is_stale(pictures.parent)


def test_why_names_the_folder_whose_content_changed(pictures):
    (pictures / "train/a/00.bmp").write_bytes(fx.encoded(fx.picture(99), "BMP"))
    command = [sys.executable, "convstudy", "why", TARGET, "--configfile", "mine.yaml"]
    done = subprocess.run(command, cwd=pictures.parent, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].endswith("pictures has other content"), done.stdout


@pytest.mark.parametrize("change", ["added", "removed", "renamed"])
def test_other_files_are_seen(pictures, change):
    first, new = pictures / "train/a/00.bmp", pictures / "train/a/77.bmp"
    folder = first.parent.stat()
    if change == "added":
        new.write_bytes(first.read_bytes())
    elif change == "removed":
        first.unlink()
    else:
        first.rename(new)
    os.utime(first.parent, ns=(folder.st_atime_ns, folder.st_mtime_ns))
    assert is_stale(pictures.parent)


@pytest.mark.parametrize("name", MADE_OF)
def test_other_content_of_a_file_is_seen_whatever_its_date(project, name):
    path, target = project / name, MADE_OF[name]
    before, kept = path.stat(), path.read_bytes()
    os.utime(path)
    assert not is_stale(project, target)
    path.unlink()
    if name == "data/keras/own.keras":
        network(path, units=3)
    else:
        (project / "pictures/train/a/88.bmp").write_bytes(fx.encoded(fx.picture(99), "BMP"))
        shutil.make_archive(str(project / "pictures"), "zip", project / "pictures")
        (project / "pictures/train/a/88.bmp").unlink()
    os.utime(path, ns=(0, 0))  # a copy that keeps dates, or a backup that was put back
    assert is_stale(project, target)
    path.write_bytes(kept)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not is_stale(project, target)


def test_a_folder_that_is_not_there_is_named_with_its_key(project):
    text = (project / "mine.yaml").read_text()
    (project / "mine.yaml").write_text(text.replace("./pictures/", "picturs"))
    (project / TARGET).rename(project / "away.h5")
    done = snakemake(project, "-n", TARGET)
    (project / "away.h5").rename(project / TARGET)
    (project / "mine.yaml").write_text(text)
    assert done.returncode == 1
    message = "datasets.mine.files.images: there is no file or folder 'picturs', and it has to be"
    assert message in done.stdout + done.stderr
    assert "MissingInput" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("image_size: [16, 16]}", "image_size: [16, 16], seed: 5}", "seed: 0 -> 5"),
        ("./pictures/", "picturs", 'images: "pictures" -> "picturs"'),
        ("", "", None),
    ],
)
def test_what_was_put_away_is_asked_for_when_it_has_to_be_read_again(project, before, after, told):
    text = (project / "mine.yaml").read_text()
    (project / "mine.yaml").write_text(text.replace(before, after, 1))
    (project / "pictures").rename(project / "away")
    done = snakemake(project, "-n", "results/summary.csv")
    (project / "away").rename(project / "pictures")
    (project / "mine.yaml").write_text(text)
    output = done.stdout + done.stderr
    if told is None:
        assert done.returncode == 0 and "Reading and splitting" not in output
    else:
        assert done.returncode == 1 and "datasets.mine.files.images: there is no" in output
        assert told in output and "Put it there" in output
