"""Snakemake's own report of a finished study: what it shows, under which words."""

import json
import re

from projects import snakemake

TARGETS = ("results/summary.csv", "results/report.html")
KINDS = {
    "1 Summary": {"summary.csv", "report.html"},
    "2 Comparisons": {"comparisons.csv", "plots/comparison_heads.png"},
    "3 Sweeps": {"plots/sweep_rates.png"},
    "4 Learning curves": {"plots/curves_features_one_layer.png"},
    "5 Confusion matrices": {"plots/confusion_rates.png"},
    "6 Calibration": {"plots/reliability_base_net_whiten.png"},
    "7 Sample images": {"plots/samples_tiny_birds.png"},
}


def table(page, name):
    """A table that the page holds as JSON."""
    return json.loads(re.search(rf"^ *var {name} = (\{{.*\}});?\s*$", page, re.M)[1])


def check(page, study):
    """Every result has a category, labels and a caption whose wildcards are filled in."""
    folder, results = f"results/studies/{study}", table(page, "results")
    categories = table(page, "categories")
    assert all(list(found) == [study] for found in categories.values())
    for path, result in results.items():
        assert path.startswith(folder) and result["labels"], path
        assert result["caption"] and "{{" not in result["caption"], path
        assert all("{" not in label for label in result["labels"].values()), path
    return {name: set(found[study]) for name, found in categories.items()}


def test_results_have_categories_labels_and_captions(copy):
    run = snakemake(copy, *TARGETS)
    assert run.returncode == 0, run.stdout + run.stderr
    made = snakemake(copy, *TARGETS, "--report", "r.html")
    assert made.returncode == 0, made.stdout + made.stderr
    found = check((copy / "r.html").read_text(), "tiny")
    assert found.keys() == KINDS.keys()
    for name, files in KINDS.items():
        assert {f"results/studies/tiny/{file}" for file in files} <= found[name]
