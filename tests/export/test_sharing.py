"""Finished runs in MLflow's store and in TensorBoard's logs."""

import json
import math
import os
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest
import recorded_runs

from convstudy.export import mlflow_store, run_records, tensorboard_logs
from convstudy.export.finished_run import FinishedRun
from convstudy.foundation.errors import UserError

ROOT = Path(__file__).parents[2]


def needs(module):
    missing = util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} of requirements-records.txt is missing")


with_mlflow, with_tensorboard = needs("mlflow"), needs("tensorboard")


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """A folder with a store without runs, which takes MLflow some seconds to make."""
    folder = tmp_path_factory.mktemp("empty")
    mlflow_store.export([], folder, "another")
    return folder


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorded_runs.make("small")
    return tmp_path


@pytest.fixture
def store(project, empty_store):
    folder = project / "my records"
    shutil.copytree(empty_store, folder)
    return folder


def record(name="small", seed=0):
    return run_records.of_run(FinishedRun(Path(f"results/runs/shapes/{name}/seed{seed}")))


def test_a_record_has_settings_figures_and_texts():
    found = record()
    assert found.name == "shapes/small/seed0"
    assert found.params == {
        "dataset": "shapes",
        "variant": "small",
        "seed": 0,
        "input": "images",
        "model.kind": "small_net",
        "model.options.dropout": 0.25,
        "generator.kind": "normalize",
        "generator.options.shift": 0.125,
        "generator.options.sides": "[1, 2]",
        "backbone": "null",
        "training.epochs": 2,
        "training.patience": "null",
        "training.nesterov": True,
    }
    content = json.loads((found.files[0]).read_text())
    assert found.metrics["test_accuracy"] == content["test_accuracy"]
    by_class = [name for name in found.metrics if name.startswith("test_per_class_accuracy/")]
    assert [name.split("/")[1] for name in by_class] == [
        *["dark_ grey", "bright", "红", "a_b", "e", "f"]
    ]
    assert "extraction_seconds" not in found.metrics and "test_never_predicted" not in found.texts
    assert found.texts["model"] == "small"
    assert found.texts["class_names"] == "dark, grey | bright | 红 | a/b | e | f"
    assert found.texts["provenance.versions.keras"] == "3.0"
    assert found.epochs[0] == {"epoch": 1, "loss": 0.75, "accuracy": 0.5}
    assert math.isnan(found.epochs[1]["loss"])


def test_classes_that_would_be_called_alike_are_numbered():
    assert run_records._names(["a/b", "a,b"]) == ["0 a_b", "1 a_b"]
    assert run_records._names(["", "x"]) == ["0", "1 x"]
    assert run_records._names(["..", "x"]) == ["0 ..", "1 x"]


def test_a_run_whose_figures_were_edited_is_refused():
    Path("results/runs/shapes/small/seed0/history.csv").write_text("epoch,loss\n1,0.0\n")
    with pytest.raises(UserError, match="history.csv: is not the file that"):
        record()


def client_of(folder):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/mlflow.db")


def runs_in(folder, study="mine"):
    client = client_of(folder)
    experiment = client.get_experiment_by_name(study)
    return client.search_runs([experiment.experiment_id])


@with_mlflow
def test_mlflow_gives_back_what_a_run_is(store):
    recorded_runs.make("small", seed=1)
    runs = [record(), record(seed=1)]
    assert mlflow_store.export(runs, store, "mine") == 2
    found = {x.data.params["seed"]: x for x in runs_in(store)}
    assert list(map(len, (found, runs_in(store, "another")))) == [2, 0]
    for run in runs:
        there = found[str(run.params["seed"])]
        assert there.data.params == {name: str(value) for name, value in run.params.items()}
        last = {"epochs/accuracy": 0.625}
        figures = dict(there.data.metrics)
        assert math.isnan(figures.pop("epochs/loss"))
        assert figures == run.metrics | last
        assert run.texts.items() <= there.data.tags.items()
        assert there.data.tags["convstudy.key"] == run.key
        assert there.info.run_name == run.name and there.info.status == "FINISHED"
    curve = client_of(store).get_metric_history(there.info.run_id, "epochs/accuracy")
    assert [(x.step, x.value) for x in curve] == [(1, 0.5), (2, 0.625)]
    kept = store / f"artifacts/mine/{there.info.run_id}/artifacts/metrics.json"
    assert kept.read_bytes() == runs[1].files[0].read_bytes()


@with_mlflow
def test_a_second_export_writes_nothing_and_a_cut_one_is_repaired(store, monkeypatch):
    from mlflow import MlflowClient

    def cut(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", cut)
        with pytest.raises(UserError, match="MLflow cannot keep records there .the disk is full"):
            mlflow_store.export([record()], store, "mine")
    assert [x.info.status for x in runs_in(store)] == ["RUNNING"]
    assert mlflow_store.export([record()], store, "mine") == 1
    assert [x.info.status for x in runs_in(store)] == ["FINISHED"]
    assert mlflow_store.export([record()], store, "mine") == 0
    assert len(runs_in(store)) == 1


@with_mlflow
def test_a_changed_run_supersedes_the_old_one_until_the_edit_is_undone(store):
    def valid():
        return [x.data.tags["convstudy.key"] for x in runs_in(store) if superseded(x) is None]

    def superseded(run):
        return run.data.tags.get("convstudy.superseded_by")

    old = record()
    mlflow_store.export([old], store, "mine")
    recorded_runs.make("small", accuracy=0.5)
    new = record()
    assert new.key != old.key
    assert mlflow_store.export([new], store, "mine") == 1
    assert valid() == [new.key] and len(runs_in(store)) == 2
    recorded_runs.make("small")
    assert mlflow_store.export([record()], store, "mine") == 0
    assert valid() == [old.key] and len(runs_in(store)) == 2


@with_mlflow
def test_many_classes_and_epochs_and_long_texts_are_kept(store, monkeypatch):
    monkeypatch.setattr(recorded_runs, "CLASSES", [f"class {i} " + "很" * 300 for i in range(6)])
    rows = "".join(f"{epoch},0.5,{epoch / 1000}\n" for epoch in range(1, 1001))
    monkeypatch.setattr(recorded_runs, "EPOCHS", "epoch,loss,accuracy\n" + rows)
    recorded_runs.make("small")
    mlflow_store.export([record()], store, "mine")
    (run,) = runs_in(store)
    curve = client_of(store).get_metric_history(run.info.run_id, "epochs/accuracy")
    assert [x.value for x in curve] == [epoch / 1000 for epoch in range(1, 1001)]
    assert len([x for x in run.data.metrics if x.startswith("test_per_class_accuracy/")]) == 6


@with_mlflow
def test_a_store_that_cannot_be_used_is_refused_in_a_sentence(store, project):
    mlflow_store.export([record()], store, "mine")
    moved = store.rename(project / "moved")
    with pytest.raises(UserError, match="was made at another place"):
        mlflow_store.export([record()], moved, "mine")
    (moved / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="moved: MLflow cannot keep records there"):
        mlflow_store.export([record()], moved, "mine")
    with pytest.raises(UserError, match=r"takes no folder with \?"):
        mlflow_store.export([record()], project / "what?", "mine")


@with_mlflow
def test_nothing_is_asked_of_a_network_and_nothing_is_printed(store):
    """In a process that tells of every connection, and does not look like a test to MLflow."""
    hidden = ("CI", "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "GITHUB_ACTIONS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    said = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(store)],
        env=environment | {"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "1\n", "")


OFFLINE = """
import sys
from pathlib import Path

def tell(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print(event, arguments, flush=True)

sys.addaudithook(tell)
from convstudy.export import finished_run, mlflow_store, run_records
run = run_records.of_run(finished_run.FinishedRun(Path("results/runs/shapes/small/seed0")))
print(mlflow_store.export([run], Path(sys.argv[1]), "mine"))
"""


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


@with_tensorboard
def test_tensorboard_shows_the_curves_settings_and_metrics(project):
    from tensorboard.plugins.hparams import plugin_data_pb2

    run, logs = record(), project / "logs"
    assert tensorboard_logs.export([run], logs) == 1
    assert [x.name for x in logs.glob("*/*/*")] == ["seed0"]
    found = events(logs / "shapes/small/seed0")
    curve = found.Scalars("epochs/accuracy")
    assert [(x.step, x.value) for x in curve] == [(1, 0.5), (2, 0.625)]
    assert set(found.Tags()["scalars"]) == {"epochs/loss", "epochs/accuracy", *run.metrics}
    for name, value in run.metrics.items():
        (last,) = found.Scalars(name)
        assert last.step == 2 and last.value == pytest.approx(value, rel=1e-6)
    content = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert set(settings) == set(run.params)
    assert settings["model.options.dropout"].number_value == 0.25
    assert settings["training.nesterov"].bool_value is True


@with_tensorboard
def test_logs_are_replaced_only_by_those_of_another_run(project):
    logs = project / "logs"
    tensorboard_logs.export([record()], logs)
    (logs / "shapes/small/.part.seed0").mkdir()  # as a killed export leaves it
    written = {path: path.stat().st_ino for path in logs.rglob("events*")}
    assert tensorboard_logs.export([record()], logs) == 0
    assert {path: path.stat().st_ino for path in logs.rglob("events*")} == written
    recorded_runs.make("small", accuracy=0.5)
    assert tensorboard_logs.export([record()], logs) == 1
    accuracy = record().metrics["test_accuracy"]
    found = events(logs / "shapes/small/seed0").Scalars("test_accuracy")
    assert [x.value for x in found] == [pytest.approx(accuracy, rel=1e-6)]
    assert [x.name for x in logs.glob("*/*/*")] == ["seed0"]
    (logs / "shapes/small/seed0/convstudy.key").unlink()
    with pytest.raises(UserError, match="seed0: is there already, and no export of this run"):
        tensorboard_logs.export([record()], logs)
