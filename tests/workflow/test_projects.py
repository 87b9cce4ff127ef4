"""A project of one's own, outside the clone, with code of its own and several studies."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from projects import ROOT, edit

CONFIG = """
study: first
plugins: own
studies:
  first: {seeds: [0], tasks: &tasks {shapes: {dataset: few, max_epochs: 1}}, variants: [plain]}
  second:
    {seeds: [0], tasks: *tasks, variants: [plain, shipped], comparisons: [both]}
variants:
  plain: {task: shapes, model: striped, generator: inverted}
  shipped: {task: shapes, model: base_net, generator: normalize}
comparisons:
  both: {title: Ours and theirs, variants: [shipped, plain]}
models:
  striped: {kind: striped_net, filters: 3}
generators:
  inverted: {kind: inverted}
datasets:
  few:
    reader: halves
    files: {archive: results/demo/objects.tar.gz}
    image_size: [32, 32]
demo:
  objects: {train_per_class: 4, test_per_class: 2}
"""
PLUGINS = {
    "models/striped_net.py": """
from typing import Annotated

from . import _blocks

INPUT = "images"

def build(input_shape, classes, *, filters: Annotated[int, {"minimum": 1}] = 2):
    import keras
    from keras import layers
    inputs = keras.Input(input_shape)
    found = layers.GlobalAveragePooling2D()(_blocks.block(inputs, filters))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(found))
""",
    "models/_blocks.py": """
import strides

def block(inputs, filters):
    from keras import layers
    return layers.Conv2D(filters, 3, strides=strides.STEP, activation="relu")(inputs)

def unused():
    return 1
""",
    "strides.py": "STEP = 4\n",
    "generators/inverted.py": """
import numpy as np

from convstudy.generators import Generator

FITS = False
AUGMENTS = False

class Inverted(Generator):
    def training_arrays(self, images, statistics):
        return 1 - images.astype(np.float32) / 255

    test_arrays = training_arrays

    def layers(self, shape, statistics):
        from keras import layers
        return [layers.Rescaling(-1 / 255, offset=1.0)]

def make():
    return Inverted()
""",
    "readers/halves.py": """
from convstudy.readers import cifar

FILES = ("archive",)

def open_reader(files):
    return cifar.open_reader(files)
""",
}


def convstudy(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "convstudy"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def run(folder: Path, *arguments: str) -> str:
    done = convstudy(folder.parent, "run", "mine/my.yaml", "-c2", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def why(folder: Path) -> str:
    done = convstudy(folder, "why", "my.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tree() -> str:
    """What git says of the sources, ignored files included."""
    if not (ROOT / ".git").exists():
        return ""
    command = ["git", "status", "--porcelain", "--ignored", "--untracked-files=all"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    others = ("__pycache__", "/.", ".hypothesis/")  # the last is of tests beside this one
    return "\n".join(x for x in told.splitlines() if not any(other in x for other in others))


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    """A project that has run its first study, from the folder above it."""
    folder = tmp_path_factory.mktemp("outside") / "mine"
    for name, text in ({"../my.yaml": CONFIG} | PLUGINS).items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip())
    before = tree()
    run(folder)
    assert tree() == before
    return folder


def test_results_cache_and_logs_lie_in_the_project(mine):
    assert set(os.listdir(mine)) == {".snakemake", "my.yaml", "own", "results"}
    assert set(os.listdir(mine.parent)) == {"mine"}
    assert {"logs", "studies", "summary.csv", ".convstudy"} <= set(os.listdir(mine / "results"))
    assert list(pd.read_csv(mine / "results/summary.csv")["model"]) == ["striped"]
    assert why(mine) == "nothing is stale\n"
    assert convstudy(mine, "verify").returncode == 0


def test_an_edit_of_the_users_code_is_seen_and_undone(mine):
    path = mine / "own/strides.py"
    edit(path, "STEP = 4", "STEP = 3")
    told = why(mine)
    assert told.startswith("own/strides.py: constant STEP changed\n")
    assert "train_model: plain on few" in told
    edit(path, "STEP = 3", "STEP = 4")
    edit(mine / "own/models/_blocks.py", "return 1", "return 2")
    edit(mine / "own/generators/inverted.py", "def make", "# a remark\ndef make")
    assert why(mine) == "nothing is stale\n"
    edit(mine / "own/generators/inverted.py", "1 - images", "2 - images")
    assert why(mine).startswith("own/generators/inverted.py: class Inverted changed\n")
    edit(mine / "own/generators/inverted.py", "2 - images", "1 - images")
    edit(mine / "own/readers/halves.py", "cifar.open_reader(files)", "cifar.open_reader( files )")
    assert why(mine) == "nothing is stale\n"


def test_options_are_checked_against_the_users_annotations(mine):
    edit(mine / "my.yaml", "filters: 3", "filters: 0")
    done = convstudy(mine, "why", "my.yaml")
    edit(mine / "my.yaml", "filters: 0", "filters: 3")
    assert done.returncode == 1
    assert "config: models.striped.filters: 0 is less than the minimum of 1." in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("models/base_net.py", "'base_net' is the name of one of the models that come with"),
        ("queue.py", "own/queue.py: Python has a module 'queue' already"),
        ("models/striped_net.py", "own/models/striped_net.py: line 1 is not Python"),
        ("models/_blocks.py", "error: own/models/_blocks.py: line 1 is not Python"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(mine, name, words):
    path = mine / "own" / name
    before = path.read_text() if path.exists() else None
    path.write_text("def build(:")
    done = convstudy(mine, "why", "my.yaml")
    path.unlink()
    if before:
        path.write_text(before)
    assert done.returncode == 1 and words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_config_that_selects_none_of_its_studies_is_refused(mine):
    edit(mine / "my.yaml", "study: first\n", "")
    done = convstudy(mine, "why", "my.yaml")
    chosen = convstudy(mine, "why", "my.yaml", "--config", "study=first")
    (mine / "my.yaml").write_text("study: first\n" + (mine / "my.yaml").read_text())
    assert done.returncode == 1
    assert "defines the studies first, second and selects none: write study: first" in done.stderr
    assert chosen.stdout == "nothing is stale\n"


def test_a_folder_of_plugins_that_is_not_there_is_named(mine):
    done = convstudy(mine, "why", "my.yaml", "--config", "plugins=ouwn")
    assert done.returncode == 1
    assert "config: plugins: there is no folder" in done.stderr


def test_a_trained_model_of_ones_own_is_exported(mine):
    done = convstudy(mine, "export", "results/runs/few/plain/seed0", "plain.keras")
    (mine / "plain.keras").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr


def test_each_study_keeps_its_own_summary(mine):
    first = (mine / "results/studies/first/summary.csv").read_bytes()
    shown = (mine / "results/summary.csv").read_bytes()
    assert shown == first
    run(mine, "--config", "study=second")
    second = (mine / "results/studies/second/summary.csv").read_bytes()
    assert (mine / "results/summary.csv").read_bytes() == second
    assert (mine / "results/studies/first/summary.csv").read_bytes() == first != second
    for study in ("first", "second"):
        folder = mine / "results/studies" / study
        assert (folder / "plots/curves_plain.png").is_file()
        assert "](plots/curves_plain.png)" in (folder / "summary.md").read_text()
    assert (mine / "results/plots/comparison_both.png").is_file()
    assert convstudy(mine, "verify").returncode == 0
    again = convstudy(mine, "why", "my.yaml").stdout
    assert "show_summary" in again and "train_model" not in again and "summarize" not in again
    run(mine)
    assert (mine / "results/summary.csv").read_bytes() == first
    assert not (mine / "results/plots/comparison_both.png").exists()
    assert (mine / "results/plots/curves_plain.png").is_file()
