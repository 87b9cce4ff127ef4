"""Going back, going on, going elsewhere: what is restored, and what is not done again."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import costs
import pandas as pd
import pytest
from projects import delete_results, done, edit, snakemake, stale, verify, why

from convstudy.data import hdf5
from convstudy.foundation import atomic_files

RUN = Path("results/runs/tiny_objects/base_net_whiten/seed7")
KILLED = str(RUN / "metrics.json")


def begin_killable(folder: Path) -> None:
    """Let the tiny study's networks train for 30 epochs with a new seed."""
    study = (folder / "tiny.yaml").read_text().replace("seeds: [0, 1]", "seeds: [7]")
    (folder / "tiny.yaml").write_text(study.replace("max_epochs: 2, patience: 1", "max_epochs: 30"))


def begin(folder: Path) -> subprocess.Popen:
    """Start the workflow, as the leader of its processes."""
    command = [sys.executable, "-m", "snakemake", "-c1", KILLED, "--configfile", "tiny.yaml"]
    null = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdout=null, stderr=null, start_new_session=True)


def interrupted(folder: Path, how: int) -> Path:
    """Train, and send a signal to Snakemake and its jobs in the third epoch; the job's log."""
    process = begin(folder)
    log = folder / "results/logs/train_model/tiny_objects/base_net_whiten/seed7.log"
    while not (log.is_file() and "epoch 3/" in log.read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, how)
    assert process.wait() != 0
    assert not (folder / RUN / "model.keras").exists()
    return log


@pytest.fixture(scope="module")
def undisturbed(built, tmp_path_factory) -> Path:
    folder = Path(shutil.copytree(built, tmp_path_factory.mktemp("undisturbed") / "project"))
    begin_killable(folder)
    assert snakemake(folder, KILLED).returncode == 0
    return folder / RUN


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_killed_workflow_ends_as_one_that_was_not(copy, undisturbed, how):
    begin_killable(copy)
    log = interrupted(copy, how)
    if how == signal.SIGKILL:  # else Snakemake took its lock away
        locked = snakemake(copy, KILLED)
        assert locked.returncode == 1 and "--unlock" in locked.stdout + locked.stderr
        assert snakemake(copy, "--unlock").returncode == 0
    again = snakemake(copy, KILLED)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "continuing after epoch" in log.read_text()
    for name in ("model.keras", "history.csv", "predictions.h5"):
        assert (copy / RUN / name).read_bytes() == (undisturbed / name).read_bytes()
    ours, theirs = (figures(folder) for folder in (copy / RUN, undisturbed))
    assert ours == theirs


def figures(run: Path) -> dict:
    """A run's metrics but for what it cost."""
    return costs.without(atomic_files.read_json(run / "metrics.json"))


def test_undoing_an_edit_restores_the_results_without_training(copy):
    summary = (copy / "results/summary.csv").read_bytes()
    model = copy / "scripts/convstudy/models/base_net.py"
    edit(model, "layers.Dense(50,", "layers.Dense(51,")
    assert len(done(copy)) > 0
    assert (copy / "results/summary.csv").read_bytes() != summary
    edit(model, "layers.Dense(51,", "layers.Dense(50,")
    assert len(stale(copy)) > 0  # Snakemake alone would train again
    assert done(copy) == []
    assert (copy / "results/summary.csv").read_bytes() == summary


def test_a_described_data_set_is_in_the_tables_alone(copy):
    edit(copy / "tiny.yaml", "reader: cifar", "reader: cifar\n    description: drawn here")
    assert done(copy) == ["plot_samples/tiny/tiny_objects", "summarize/tiny"]
    assert "tiny_objects: drawn here" in (copy / "results/summary.md").read_text()


def test_results_deleted_with_snakemakes_metadata_are_restored(copy):
    summary = (copy / "results/summary.csv").read_bytes()
    shutil.rmtree(copy / ".snakemake")
    delete_results(copy)
    steps, before = len(stale(copy)), processor_seconds()
    assert done(copy) == []
    restored = processor_seconds() - before
    assert (copy / "results/summary.csv").read_bytes() == summary
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", "import tensorflow"], check=True)
    assert restored / steps < (processor_seconds() - before) / 3  # no step has imported it


def processor_seconds() -> float:
    """What this process's children that have ended took of the processor."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def test_features_of_other_weights_are_refused(copy):
    summary = (copy / "results/summary.csv").read_bytes()
    said = "results/features/tiny_birds/resnet50_random.h5"
    path, good = copy / said, (copy / said).read_bytes()
    arrays = {x: hdf5.read_subset(path, x, ("vectors", "labels")) for x in hdf5.SUBSETS}
    with hdf5.create_hdf5(path, hdf5.read_attributes(path)) as file:
        for name, (vectors, labels) in arrays.items():
            group = file.create_group(name)
            hdf5.write_array(group, "vectors", 2 * vectors)
            hdf5.write_array(group, "labels", labels)
    assert f"{said}: has other bytes than extract_features left" in verify(copy).stdout
    run = snakemake(copy, "results/summary.csv")
    assert run.returncode == 1
    assert f"{said} is not the file that extract_features left there" in run.stdout + run.stderr
    path.unlink()
    assert done(copy) == []  # all comes from the cache
    assert (copy / "results/summary.csv").read_bytes() == summary
    assert f"{said}: is gone" in verify(copy).stdout  # no table needs it any more
    assert snakemake(copy, said).returncode == 0
    assert path.read_bytes() == good


def test_a_second_run_in_one_folder_is_refused_and_the_first_goes_on(copy):
    begin_killable(copy)
    first = begin(copy)
    while not list((copy / ".snakemake/locks").glob("*")):
        assert first.poll() is None
        time.sleep(0.01)
    second = snakemake(copy, KILLED)
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stdout + second.stderr
    assert first.wait() == 0
    assert (copy / KILLED).is_file()


def test_a_copy_elsewhere_has_nothing_to_do(copy):
    assert stale(copy) == []
    shutil.rmtree(copy / ".snakemake")
    for path in (copy / "results").rglob("*"):
        os.utime(path)  # copied without dates, in any order
    assert stale(copy) == []


def test_wrong_memories_of_snakemakes_change_nothing(copy):
    wrong = [b"", b'{"params": [', b"\xff\xfe", b"[1]", b'{"params": [[1]]}', b'{"input": "x"}']
    memories = [x for x in sorted((copy / ".snakemake/metadata").rglob("*")) if x.is_file()]
    for number, path in enumerate(memories):
        path.write_bytes(wrong[number % len(wrong)])
    assert why(copy) == "nothing is stale\n"
    for number, path in enumerate(memories):
        path.write_bytes(wrong[number % len(wrong)])
    assert stale(copy) == []


def test_an_edit_is_seen_where_snakemakes_memory_was_lost(copy):
    shutil.rmtree(copy / ".snakemake")
    edit(copy / "scripts/convstudy/models/base_net.py", "layers.Dense(50,", "layers.Dense(51,")
    jobs = stale(copy)
    trained = [job for job in jobs if job.startswith("Training")]
    assert len(trained) == 4 and all("base_net" in job for job in trained)
    assert "function build changed" in why(copy)


def test_results_without_their_records_are_made_again(copy):
    steps = len(stale(copy, "--forceall"))
    shutil.rmtree(copy / "results/.convstudy")
    shutil.rmtree(copy / ".snakemake")
    assert len(stale(copy)) == steps


def test_results_from_elsewhere_are_judged_by_their_own_records(copy, built):
    edit(copy / "scripts/convstudy/report/plots/comparison.py", "height = 3.1 +", "height = 3 +")
    done(copy)
    assert stale(copy) == []
    shutil.rmtree(copy / "results")  # those of the other project were drawn by other code
    shutil.copytree(built / "results", copy / "results")
    jobs = stale(copy)
    assert {job.split()[0] for job in jobs} == {"Comparison", "Showing", "Summary"}


def test_results_of_another_version_are_made_again(copy):
    summary = (copy / "results/summary.csv").read_bytes()
    paths = list((copy / "results/.convstudy/records").rglob("*.json"))
    for path in paths:
        atomic_files.write_json(path, atomic_files.read_json(path) | {"format": 1})
    said = verify(copy)
    assert said.returncode == 1 and "another version of this workflow" in said.stdout
    assert len(stale(copy)) == len({str(atomic_files.read_json(path)["outputs"]) for path in paths})
    assert done(copy) == []  # the cache still has what this version made
    assert (copy / "results/summary.csv").read_bytes() == summary
    assert verify(copy).returncode == 0


def test_an_upstream_step_with_the_same_output_cuts_the_rest_off(copy):
    edit(
        copy / "scripts/convstudy/readers/cifar.py",
        "\n\ndef ",
        "\n\nANOTHER_CONSTANT = 1\n\n\ndef ",
    )
    jobs = stale(copy)
    assert any("Reading and splitting tiny_objects" in job for job in jobs)
    assert any(job.startswith("Training") for job in jobs)  # as far as Snakemake knows
    assert done(copy) == ["prepare_data/tiny_objects"]


def test_the_whole_study_again_gives_the_same_bits(copy):
    """Nothing is restored here: only what a run costs may differ."""
    results = copy / "results"
    first = {path: path.read_bytes() for path in results.rglob("*") if is_bitwise(path)}
    table = pd.read_csv(results / "summary.csv").drop(columns=costs.COLUMNS)
    shutil.rmtree(results)
    assert len(done(copy)) > 20
    again = {path: path.read_bytes() for path in results.rglob("*") if is_bitwise(path)}
    assert [path for path in first if first[path] != again.get(path)] == []
    assert pd.read_csv(results / "summary.csv").drop(columns=costs.COLUMNS).equals(table)


def is_bitwise(path: Path) -> bool:
    """Whether a file holds data, weights, a history or predictions, and nothing about the run."""
    hidden = any(part.startswith(".") for part in path.parts[-6:])
    return (
        path.suffix in (".h5", ".keras", ".tgz", ".gz") and not hidden or path.name == "history.csv"
    )
