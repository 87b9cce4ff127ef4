"""A study to which seeds are added until its results are certain enough, really run."""

import shutil

import pandas as pd
import pytest
from projects import done, edit, put_sources, snakemake, stale

from convstudy.foundation import atomic_files

STUDY = """
study: grows
studies:
  grows:
    seeds: [5]
    replicates: {until: {half_width: 0.05}, at_most: 6}
    tasks: {objects: {dataset: few_objects, max_epochs: 1}}
    variants: [base_net]
datasets:
  few_objects:
    reader: cifar
    files: {archive: results/demo/objects.tar.gz}
    image_size: [32, 32]
demo:
  objects: {train_per_class: 2, test_per_class: 1}
"""
# In place of a width, which would decide otherwise from one version of Keras to the next.
BY_COUNT = ('"holds": value <= limit,', '"holds": len(runs) >= 4,')
REACHABLE = ('"reachable": max(least for _, _, least in found) <= limit,', '"reachable": True,')


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicates") / "grows"
    folder.mkdir()
    put_sources(folder)
    (folder / "tiny.yaml").write_text(STUDY)
    for old, new in (BY_COUNT, REACHABLE):
        edit(folder / "scripts/convstudy/statistics/replicates.py", old, new)
    run = snakemake(folder, "results/summary.csv")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_seeds_are_added_until_the_rule_holds(project):
    assert pd.read_csv(project / "results/summary.csv")["n_seeds"].tolist() == [4]
    runs = sorted(path.name for path in (project / "results/runs/few_objects/base_net").iterdir())
    assert runs == ["seed0", "seed1", "seed2", "seed5"]
    decisions = project / "results/studies/grows/replicates"
    held = {x.stem: atomic_files.read_json(x)["holds"] for x in decisions.iterdir()}
    assert held == {"3": False, "4": True}
    page = (project / "results/summary.md").read_text()
    assert "6 at most. It held with 4 seeds" in page and "never a difference" in page


def test_a_second_run_has_nothing_to_do(project):
    assert stale(project) == []


def test_another_limit_decides_again_and_trains_nothing_again(project):
    edit(project / "tiny.yaml", "half_width: 0.05", "half_width: 0.04")
    again = done(project)
    assert {x.split("/")[0] for x in again} <= {
        "decide_replicates", "plot_learning_curves", "plot_samples", "summarize",
    }  # fmt: skip
    assert any(x.startswith("decide_replicates/grows/3") for x in again)


def test_no_more_than_allowed_and_none_that_is_there_is_trained(project):
    shutil.copy(project / "tiny.yaml", project / "kept.yaml")
    edit(project / "tiny.yaml", "at_most: 6", "at_most: 3")
    assert not [x for x in done(project) if x.startswith(("train", "evaluate"))]
    assert pd.read_csv(project / "results/summary.csv")["n_seeds"].tolist() == [3]
    assert "and more were not allowed" in (project / "results/summary.md").read_text()
    shutil.copy(project / "kept.yaml", project / "tiny.yaml")
