"""The whole workflow on a tiny study in a temporary folder, then edits and what they make stale."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from convstudy import files

ROOT = Path(__file__).parent.parent
SOURCES = ("Snakefile", "config.yaml", "rules", "scripts", "profiles", "envs")
STUDY = """
study: tiny
studies:
  tiny:
    seeds: [0, 1]
    tasks:
      objects: {dataset: tiny_objects, max_epochs: 2, patience: 1}
      birds: {dataset: tiny_birds, backbone: resnet50_random, max_epochs: 2}
    variants:
      - base_net_normalize
      - base_net_whiten
      - features_one_layer
      - base_net_normalize__practical
      - rates
    comparisons: [base_net_generators, heads]
variants:
  rates: {task: birds, model: head_one_layer, sweep: {training.learning_rate: [0.1, 0.01]}}
comparisons:
  heads: {title: Heads, variants: [features_one_layer, rates]}
datasets:
  tiny_objects:
    reader: cifar
    files: {archive: results/demo/objects.tar.gz}
    image_size: [32, 32]
  tiny_birds:
    reader: cub200_2010
    files: {images: results/demo/birds/images.tgz, lists: results/demo/birds/lists.tgz}
    image_size: [32, 32]
demo:
  objects: {train_per_class: 6, test_per_class: 3}
  birds: {species: 3, train_per_class: 6, test_per_class: 4}
"""


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    # --configfile takes several values: it must not stand before a target
    arguments = (*arguments, "--configfile", "tiny.yaml")
    command = [sys.executable, "-m", "snakemake", "-c2", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def stale(folder: Path) -> list[str]:
    """The messages of the jobs that a run would do."""
    done = snakemake(folder, "-n", "results/summary.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"^Job \d+: (.*)$", done.stdout + done.stderr, re.M)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project in which the tiny study has run once."""
    folder = tmp_path_factory.mktemp("project")
    for name in SOURCES:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / "tiny.yaml").write_text(STUDY)
    done = snakemake(folder, "results/summary.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def edited(project):
    """The project, whose sources are put back after the test."""
    yield project
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, dirs_exist_ok=True)
        else:
            shutil.copy(source, project / name)


@pytest.fixture
def copy(project, tmp_path) -> Path:
    """The project at another path, for tests that really run."""
    return Path(shutil.copytree(project, tmp_path / "copy"))


def done(folder: Path) -> list[str]:
    """Run the workflow; the logs of the steps that were really done, not restored."""
    start = time.time()
    run = snakemake(folder, "results/summary.csv")
    assert run.returncode == 0, run.stdout + run.stderr
    logs = folder / "results/logs"
    return [
        str(path.relative_to(logs).with_suffix(""))
        for path in sorted(logs.rglob("*.log"))
        if path.stat().st_mtime >= start and "restored from the cache" not in path.read_text()
    ]


def test_summary_has_a_row_a_variant(project):
    frame = pd.read_csv(project / "results/summary.csv")
    names = ["base_net_normalize", "base_net_whiten", "features_one_layer"]
    names += ["base_net_normalize__practical"]
    names += ["rates__learning_rate_0p1", "rates__learning_rate_0p01"]
    assert frame["variant"].tolist() == names
    assert frame["protocol"].tolist() == ["corrected"] * 3 + ["practical"] + ["corrected"] * 2
    assert (frame["n_seeds"] == 2).all()
    assert frame["reference_accuracy"].isna().all()  # the data is not the practical's
    page = (project / "results/summary.md").read_text()
    assert "curves_base_net_whiten.png" in page and "sweep_rates.png" in page


def test_a_sweep_has_one_result_that_comparisons_use(project):
    frame = pd.read_csv(project / "results/summary.csv").set_index("variant")
    points = frame[frame["sweep"] == "rates"]
    assert points["selected"].sum() == 1
    chosen = points["validation_accuracy_mean"].idxmax()
    assert points.loc[chosen, "selected"]
    results, differences = (project / "results/summary.md").read_text().split("## Sweeps")
    (other,) = set(points.index) - {chosen}
    assert chosen in results and other not in results
    assert f"| {chosen} |" in differences.split("## Paired differences")[1]


def test_another_value_of_a_sweep_makes_its_own_runs_stale(project):
    study = project / "tiny.yaml"
    text = study.read_text()
    edit(study, "[0.1, 0.01]", "[0.1, 0.3, 0.01]")
    try:
        jobs = stale(project)
    finally:
        study.write_text(text)
    trained = [job for job in jobs if job.startswith(("Training", "Evaluating"))]
    assert len(trained) == 4 and all("rates__learning_rate_0p3 " in job for job in trained)
    assert not [job for job in jobs if job.startswith(("Initial", "Features"))]
    assert stale(project) == []


def test_metrics_say_what_made_them(project):
    run = project / "results/runs/tiny_objects/base_net_normalize/seed1"
    metrics = files.read_json(run / "metrics.json")
    assert (metrics["variant"], metrics["seed"], metrics["n_classes"]) == (
        "base_net_normalize",
        1,
        25,
    )
    assert set(metrics["provenance"]) >= {"data", "code", "config", "versions", "git_commit"}
    history = pd.read_csv(run / "history.csv")
    assert len(history) == metrics["epochs_run"] <= 2


def test_second_run_has_nothing_to_do(project):
    assert stale(project) == []


def test_touching_every_file_makes_nothing_stale(edited):
    for path in [p for name in SOURCES for p in [edited / name, *(edited / name).rglob("*")]]:
        os.utime(path)
    assert stale(edited) == []


def test_comments_and_docstrings_make_nothing_stale(edited):
    path = edited / "scripts/convstudy/models/base_net.py"
    edit(path, '"""Build the network:', '"""Build this network:')
    edit(edited / "scripts/convstudy/training.py", "import logging", "# a remark\nimport logging")
    assert stale(edited) == []


def test_a_models_code_makes_its_own_runs_stale(edited):
    edit(edited / "scripts/convstudy/models/base_net.py", "layers.Dense(50,", "layers.Dense(51,")
    jobs = stale(edited)
    assert sum("Training base_net_normalize" in job for job in jobs) == 2
    assert sum("Training base_net_whiten" in job for job in jobs) == 2
    assert not [job for job in jobs if "features_one_layer" in job or "Reading" in job]


def test_a_plots_code_makes_only_plots_stale(edited):
    edit(
        edited / "scripts/convstudy/plots/comparison.py",
        "height = 3.1 + below",
        "height = 3 + below",
    )
    jobs = stale(edited)
    assert [job for job in jobs if job.startswith("Comparison ")]
    assert not [job for job in jobs if not job.startswith("Comparison ")]


def test_a_variants_block_makes_that_variant_stale(edited):
    block = "{task: objects, model: base_net, generator: whiten,"
    edit(edited / "config.yaml", block, block + " training: {momentum: 0.8},")
    jobs = stale(edited)
    assert sum("Training base_net_whiten" in job for job in jobs) == 2
    assert not [job for job in jobs if "base_net_normalize" in job and "Comparison" not in job]


def test_a_metrics_code_trains_nothing(edited):
    edit(edited / "scripts/convstudy/metrics.py", "EPSILON = 1e-7", "EPSILON = 1e-8")
    jobs = stale(edited)
    assert [job for job in jobs if job.startswith("Evaluating")]
    assert not [job for job in jobs if job.startswith(("Training", "Initial", "Features"))]


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


def test_results_deleted_with_snakemakes_metadata_are_restored(copy):
    summary = (copy / "results/summary.csv").read_bytes()
    shutil.rmtree(copy / ".snakemake")
    for path in (copy / "results").iterdir():  # all but the hidden folder of the cache
        if not path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert done(copy) == []
    assert (copy / "results/summary.csv").read_bytes() == summary


def test_a_copy_elsewhere_has_nothing_to_do(copy):
    assert stale(copy) == []
    shutil.rmtree(copy / ".snakemake")
    assert stale(copy) == []


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


def test_a_bad_key_is_refused_in_one_sentence(project):
    done = snakemake(project, "-n", "results/summary.csv", "--config", "studdy=tiny")
    assert done.returncode != 0
    assert "unknown key 'studdy'" in done.stdout + done.stderr
    assert "Did you mean 'study'?" in done.stdout + done.stderr
