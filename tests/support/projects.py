"""A project with a tiny study, and what tests do with it."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import plans

ROOT = Path(__file__).parents[2]
SOURCES = (
    "Snakefile",
    "convstudy",
    "config",
    "config.yaml",
    "requirements-cluster.txt",
    "rules",
    "scripts",
    "profiles",
    "envs",
)
STUDY = """
study: tiny
studies:
  tiny:
    seeds: [0, 1]
    tasks:
      objects: {dataset: tiny_objects, max_epochs: 2, patience: 1}
      birds: {dataset: tiny_birds, backbone: resnet50_random, max_epochs: 2}
    variants: [base_net_normalize, base_net_whiten, features_one_layer, rates]
    comparisons: [generators, heads]
variants:
  rates: {task: birds, model: head_one_layer, sweep: {training.learning_rate: [0.1, 0.01]}}
comparisons:
  generators: {title: Two generators, variants: [base_net_normalize, base_net_whiten]}
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


def put_sources(folder: Path) -> None:
    """Copy the sources of this project, and the tiny study, over those of `folder`."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy(source, folder / name)
    (folder / "tiny.yaml").write_text(STUDY)


def build(folder: Path) -> None:
    """Make a project in which the tiny study has run once."""
    folder.mkdir()
    put_sources(folder)
    run = snakemake(folder, "results/summary.csv")
    assert run.returncode == 0, run.stdout + run.stderr


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    # --configfile takes several values: it must not stand before a target
    return plans.snakemake(folder, "-c2", *arguments, "--configfile", "tiny.yaml")


def stale(folder: Path, *options: str) -> list[str]:
    """The messages of the jobs that a run would do."""
    done = snakemake(folder, "-n", "results/summary.csv", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"^Job \d+: (.*)$", done.stdout + done.stderr, re.M)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def done(folder: Path, target: str = "results/summary.csv") -> list[str]:
    """Make a target; the logs of the steps that were really done, not restored.

    What shows the selected study copies finished files, so it is always done.
    """
    start = time.time()
    run = snakemake(folder, target)
    assert run.returncode == 0, run.stdout + run.stderr
    logs = folder / "results/logs"
    return [
        str(path.relative_to(logs).with_suffix(""))
        for path in sorted(logs.rglob("*.log"))
        if path.stat().st_mtime >= start
        and not path.name.startswith("show_")
        and "restored from the cache" not in path.read_text()
    ]


def delete_results(folder: Path) -> None:
    """Delete all results but the hidden folder of records and cache."""
    for path in (folder / "results").iterdir():
        if not path.name.startswith("."):
            is_folder = path.is_dir() and not path.is_symlink()
            shutil.rmtree(path) if is_folder else path.unlink()


def why(folder: Path, *arguments: str) -> str:
    arguments = (*arguments, "--configfile", "tiny.yaml")
    command = [sys.executable, "convstudy", "why", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def verify(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "convstudy", "verify"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
