"""A study on a data set with folds, really run: its files, its row, and what an edit costs."""

from collections import Counter

import pandas as pd
import pytest
from projects import edit, put_sources, snakemake, stale

from convstudy.foundation import atomic_files

STUDY = """
study: folded
studies:
  folded:
    tasks: {objects: {dataset: few_objects, max_epochs: 1}}
    variants: [base_net]
datasets:
  few_objects:
    reader: cifar
    files: {archive: results/demo/objects.tar.gz}
    image_size: [32, 32]
    max_classes: 4
    folds: 2
demo:
  objects: {train_per_class: 4, test_per_class: 2}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds") / "folded"
    folder.mkdir()
    put_sources(folder)
    (folder / "tiny.yaml").write_text(STUDY)
    run = snakemake(folder, "results/summary.csv")
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_a_row_is_of_all_folds_whose_files_have_their_names(project):
    (row,) = pd.read_csv(project / "results/summary.csv").to_dict("records")
    assert (row["dataset"], row["n_folds"], row["n_seeds"]) == ("few_objects", 2, 1)
    assert (row["n_test"], row["interval_of"]) == (24, "folds")
    results = project / "results"
    data = {path.name for path in (results / "data").glob("*.h5")}
    assert data == {"few_objects.h5", "few_objects-fold0.h5", "few_objects-fold1.h5"}
    metrics = sorted(str(x.relative_to(results / "runs")) for x in results.rglob("metrics.json"))
    assert metrics == [f"few_objects-fold{x}/base_net/seed0/metrics.json" for x in (0, 1)]
    assert [atomic_files.read_json(results / "runs" / x)["n_test"] for x in metrics] == [12, 12]
    page = (results / "summary.md").read_text()
    assert "cross-validation with 2 folds" in page and "2 folds x 1 seed a variant" in page


def test_a_second_run_has_nothing_to_do(project):
    assert stale(project) == []


def test_another_number_of_folds_deals_again_and_a_seed_adds_its_runs(project):
    edit(project / "tiny.yaml", "folds: 2", "folds: 3")
    jobs = Counter(job.split()[0] for job in stale(project))
    assert (jobs["Reading"], jobs["Fold"], jobs["Training"], jobs["Evaluating"]) == (1, 3, 3, 3)
    assert "Drawing" not in jobs
    edit(project / "tiny.yaml", "folds: 3", "folds: 2")
    edit(project / "tiny.yaml", "  folded:\n    tasks", "  folded:\n    seeds: [0, 1]\n    tasks")
    jobs = Counter(job.split()[0] for job in stale(project))
    assert (jobs["Reading"], jobs["Fold"], jobs["Training"], jobs["Evaluating"]) == (0, 0, 2, 2)
