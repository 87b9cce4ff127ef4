"""Numbers of the page, taken at random and computed again from predictions.h5 alone."""

import random
import re

import h5py
import numpy as np
import pytest
import report_study
from scipy import stats
from sklearn import metrics as scores

from convstudy.report.page import write_report

COUNT = 20


def ece(truth, exact):
    """Of 15 bins of equal width, by SciPy."""
    top, right = exact.max(axis=1), exact.argmax(axis=1) == truth
    gaps = stats.binned_statistic(top, top - right, "sum", 15, (0, 1)).statistic
    return np.abs(gaps).sum() / len(truth)


def f1(truth, exact):
    return scores.f1_score(truth, exact.argmax(axis=1), average=None, zero_division=0)


# By column of the summary, or key of metrics.json with a value a class.
AGAIN = {
    "test_accuracy_mean": lambda t, p: scores.accuracy_score(t, p.argmax(axis=1)),
    "balanced_accuracy_mean": lambda t, p: scores.balanced_accuracy_score(t, p.argmax(axis=1)),
    "macro_f1_mean": lambda t, p: f1(t, p).mean(),
    "roc_auc_mean": lambda t, p: scores.roc_auc_score(t, p, multi_class="ovr"),
    "test_loss_mean": lambda t, p: scores.log_loss(t, p),
    "brier_mean": lambda t, p: ((p - np.eye(p.shape[1])[t]) ** 2).sum(axis=1).mean(),
    "ece_mean": ece,
    "test_per_class_accuracy": lambda t, p: scores.recall_score(
        t, p.argmax(axis=1), average=None, zero_division=0
    ),
    "test_per_class_precision": lambda t, p: scores.precision_score(
        t, p.argmax(axis=1), average=None, zero_division=0
    ),
    "test_per_class_f1": f1,
    "test_per_class_roc_auc": lambda t, p: np.array(
        [scores.roc_auc_score(t == c, p[:, c]) for c in range(p.shape[1])]
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Folder, and (data set, variant, column, class or None, value) of cells that are known."""
    folder = tmp_path_factory.mktemp("numbers")
    write_report(folder / "report.html", **report_study.build(folder, seeds=(0, 1, 2)))
    cells = re.findall(
        r'<td data-value="([\d.e+-]+)" data-of="([^"]+)"', (folder / "report.html").read_text()
    )
    split = [(*(subject.split("|") + [None])[:4], float(value)) for value, subject in cells]
    return folder, [cell for cell in split if cell[2] in AGAIN]


def test_cells_of_every_kind_are_there(found):
    assert {cell[2] for cell in found[1]} == set(AGAIN)


@pytest.mark.parametrize("seed", range(3))
def test_twenty_numbers_again(found, seed):
    folder, cells = found
    for dataset, variant, column, place, value in random.Random(seed).sample(cells, COUNT):
        each = []
        for path in sorted((folder / f"runs/{dataset}/{variant}").glob("*/predictions.h5")):
            with h5py.File(path) as file:
                truth = file["test/labels"][...]
                stored = file["test/probabilities"][...].astype(float)
            each.append(AGAIN[column](truth, stored / stored.sum(axis=1, keepdims=True)))
        again = np.mean(each, axis=0)
        again = again if place is None else again[int(place)]
        assert value == pytest.approx(again, abs=1e-6), (variant, column, place)
