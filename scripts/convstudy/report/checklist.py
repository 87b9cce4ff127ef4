"""Answers to the reproducibility checklist, from what the runs recorded."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas

from convstudy.report.notes import counted, listed
from convstudy.statistics import combination

HYPERPARAMETERS = (
    "Taken from the configuration; this workflow does not search. Early stopping and the choice of "
    "the best epoch, where the protocol has one, look at the validation images only."
)
ERROR_BARS = (
    "± is the standard deviation over seeds (n - 1). Intervals are 95 %, of a mean over seeds and "
    "test images as two sources of variance, with a t-type critical value (docs/statistics.md)."
)
ONE_SEED = (
    " With one seed there is no spread of seeds to be known: the interval covers the test images "
    "alone and speaks of one trained network, and so do difference and p-value."
)
FOLDS = (
    " Of data sets with folds the interval is over the folds' means, by the corrected resampled t "
    "test (Nadeau and Bengio 2003), and so are difference and p-value: approximate, as no unbiased "
    "estimate of the variance of a cross-validation exists (Bengio and Grandvalet 2004)."
)
TESTS = (
    "Differences are paired by test image, and by seed where both have it, and come from the same "
    "two sources of variance; so do p-values and the minimum detectable effect (80 % power at the "
    "5 % level). Holm's correction is within a comparison."
)


def checklist(
    study: Mapping[str, Any], frame: pandas.DataFrame, runs: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Answers to the reproducibility checklist of Pineau et al. 2021 (JMLR), as (point, answer)."""
    seeds = sorted({run["seed"] for run in runs})
    provenance = [run["provenance"] for run in runs]
    splits = [
        f"{row['dataset']}: {row['n_train']} training, {row['n_validation']} validation, "
        f"{row['n_test']} test images" + _in_folds(row)
        for row in frame.drop_duplicates("dataset").to_dict("records")
    ]
    folded = frame["n_folds"].notna()
    alone = bool(((frame["n_seeds"] == 1) & ~folded & ~frame["solved"].astype(bool)).any())
    split = "One stratified split into training and validation, the same for all runs"
    if folded.any():
        names = frame["dataset"][folded].drop_duplicates()
        split += f"; of {listed(names)} one in each fold, the same for all variants and seeds"
    # a network is trained once, however many means it is in
    networks = {x["network"]: x for run in runs for x in combination.networks_of(run)}
    hours = sum(x["train_seconds"] for x in networks.values()) / 3600
    means = sum("made_of" in run for run in runs)
    memory = max(run["train_peak_memory_mib"] for run in runs)
    return [
        ("Runs", f"{len(runs)} runs: {len(frame)} variants, seeds {listed(seeds)}. "
         + f"{means} of them are means of predictions and train nothing. " * bool(means) +
         "Means over all seeds are given, never the best run."),
        ("Error bars", ERROR_BARS + ONE_SEED * alone + FOLDS * bool(folded.any())),
        ("Tests", TESTS),
        ("Data", f"{'; '.join(splits)}. {split}; only the evaluation opens the test images."),
        *((f"Protocol {name}", words) for name, words in study.get("protocols", {}).items()),
        ("Hyper-parameters", study.get("hyperparameters") or HYPERPARAMETERS),
        ("Compute", f"{hours:.2f} hours of training in all, at most {memory:,.0f} MiB, "
         f"{counted({p['threads'] for p in provenance}, 'thread')} a run, on "
         f"{listed(sorted({p['device'] for p in provenance}))}."),
        ("Versions", " | ".join(dict.fromkeys(frame["versions"]))),
        ("Code", "git commit "
         f"{listed(sorted({str(p['git_commit'] or 'unknown') for p in provenance}))}"),
    ]  # fmt: skip


def _in_folds(row: Mapping[str, Any]) -> str:
    """What else is to be known of the numbers of images of a data set with folds."""
    if math.isnan(row["n_folds"]):
        return ""
    return f" ({int(row['n_folds'])} folds: of one on average, and of all together)"
