"""A finished study gets means of its predictions: nothing is trained, and an edit costs its own."""

import re

import numpy as np
import pandas as pd
from projects import done, edit, stale

from convstudy.data import hdf5
from convstudy.foundation import atomic_files

MEANS = """variants:
  flipped: {combines: {variants: [base_net_normalize], views: {flip: true}}}
  all_seeds: {combines: {variants: [base_net_normalize], over: seeds}}
  both: {combines: {variants: [flipped, base_net_whiten]}}
  best: {combines: {variants: [rates, features_one_layer]}}
"""
NAMES = ["flipped", "all_seeds", "both", "best"]


def predicted(folder, run):
    return hdf5.read_predictions(folder / f"results/runs/{run}/predictions.h5")[0]


def test_means_are_made_of_finished_runs_and_an_edit_costs_what_is_made_of_it(copy):
    edit(copy / "tiny.yaml", "variants:\n  rates:", f"{MEANS}  rates:")
    rows = f"layer, rates, {', '.join(NAMES)}]\n    comparisons"
    edit(copy / "tiny.yaml", "layer, rates]\n    comparisons", rows)
    steps = done(copy)
    runs = [x for x in steps if x.startswith(("train", "evaluate", "combine", "initial"))]
    objects, birds = (f"{{}}/tiny_{x}/{{}}/seed{{}}".format for x in ("objects", "birds"))
    assert sorted(runs) == sorted(
        [objects("evaluate_model", "flipped", seed) for seed in (0, 1)]
        + [objects("combine_runs", "both", seed) for seed in (0, 1)]
        + [birds("combine_runs", "best", seed) for seed in (0, 1)]
        + [objects("combine_runs", "all_seeds", 0)]
    )
    _check_figures(copy)
    # views
    edit(copy / "tiny.yaml", "views: {flip: true}", "views: {flip: true, crop_padding: 2}")
    assert runs_of(stale(copy)) == {"Evaluating flipped", "Combining runs into both"}
    # a member's training
    edit(copy / "tiny.yaml", "views: {flip: true, crop_padding: 2}", "views: {flip: true}")
    edit(
        copy / "tiny.yaml",
        "rates: {",
        "features_one_layer: {training: {batch_size: 4}}\n  rates: {",
    )
    assert runs_of(stale(copy)) == {
        "Training features_one_layer", "Evaluating features_one_layer", "Combining runs into best",
    }  # fmt: skip


def runs_of(jobs):
    """What is done to which variants, of all seeds."""
    found = (re.match(r"((?:Training|Evaluating|Combining runs into) \w+) on", x) for x in jobs)
    return {x[1] for x in found if x}


def _check_figures(folder):
    seeds = [predicted(folder, f"tiny_objects/base_net_normalize/seed{seed}") for seed in (0, 1)]
    mean = predicted(folder, "tiny_objects/all_seeds/seed0")
    assert np.allclose(mean, np.mean(seeds, axis=0), atol=1e-7)
    pair = [predicted(folder, f"tiny_objects/{x}/seed1") for x in ("flipped", "base_net_whiten")]
    both = predicted(folder, "tiny_objects/both/seed1")
    assert np.allclose(both, np.mean(pair, axis=0), atol=1e-7)
    frame = pd.read_csv(folder / "results/summary.csv").set_index("variant")
    assert frame.loc[NAMES, "n_seeds"].tolist() == [2, 1, 2, 2]
    chosen = frame.index[(frame["sweep"] == "rates") & frame["selected"]][0]
    assert frame.loc["best", "made_of"] == (
        f"mean of {chosen}, features_one_layer (2 networks); "
        "chosen on validation images: the best of 2 values"
    )
    found = atomic_files.read_json(folder / "results/runs/tiny_birds/best/seed0/metrics.json")
    assert found["parameters"] == 2 * frame.loc[chosen, "parameters"]
    page = (folder / "results/summary.md").read_text()
    assert "the best of 2 configurations on validation images" in page and "| 1 of 2 |" in page
    assert "flipped: mean of 2 views of base_net_normalize (plain and flipped)." in page
    assert "nan" not in page
