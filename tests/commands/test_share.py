"""The command that hands finished runs to MLflow and TensorBoard."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest
from click.testing import CliRunner

from convstudy.commands import main
from convstudy.export import optional_libraries

ROOT = Path(__file__).parents[2]
PLACES = {"mlflow": "MLflow", "tensorboard": "TensorBoard"}
with_tensorboard = pytest.mark.skipif(
    util.find_spec("tensorboard") is None,
    reason="tensorboard of requirements-records.txt is missing",
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def convstudy(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="convstudy")


@with_tensorboard
def test_the_command_shares_what_is_finished_and_names_the_rest(copy):
    stale = "results/runs/tiny_objects/base_net_whiten/seed1"
    (copy / stale / "history.csv").write_text("edited")
    unfinished = "results/runs/tiny_birds/features_one_layer/seed0"
    (copy / unfinished / "metrics.json").unlink()
    said = share(copy, "--tensorboard", "logs")
    assert f"left out {unfinished}: is not finished: see ./convstudy why" in said
    assert f"left out {stale}: " in said
    assert said.count("left out ") == 2
    assert f"{copy}/logs: tiny, 8 runs, 8 of them new" in said
    assert len(list(copy.glob("logs/*/*/seed*/events*"))) == 8
    assert "tiny, 8 runs, 0 of them new" in share(copy, "--tensorboard", "logs")


def share(folder, *options):
    command = [sys.executable, "convstudy", "share", "tiny.yaml", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("option", PLACES)
def test_without_the_library_one_sentence_says_how_to_install_it(option, monkeypatch):
    monkeypatch.setattr(optional_libraries.util, "find_spec", lambda name: None)
    done = convstudy("share", f"--{option}", "there")
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {PLACES[option]}: {option}")
    assert f"pip install -r {ROOT}/requirements-records.txt" in done.output
    assert not Path("there").exists()


def test_a_place_must_be_named():
    done = convstudy("share", "my.yaml")
    assert done.exit_code == 1
    assert done.output == (
        "Error: share: where to? Name --mlflow FOLDER, --tensorboard FOLDER, or both\n"
    )
