"""Cross-validations of a simple classifier on drawn data, whose true accuracy is known."""

import numpy as np
from scipy import stats

from convstudy.statistics import intervals

SHIFT, FEATURES, SEED_NOISE = 0.5, 8, 0.3


def answers_of(features, labels, folds, seeds, rng):
    """Right answers (seeds, images) of nearest-mean classifiers, and their true accuracy.

    A seed shakes the direction that the means give.
    """
    correct, truths = np.zeros((seeds, len(labels)), bool), []
    centre = SHIFT * np.ones(features.shape[1])
    for fold in np.unique(folds):
        test = folds == fold
        means = [features[~test & (labels == c)].mean(axis=0) for c in (0, 1)]
        for seed in range(seeds):
            weights = means[1] - means[0] + SEED_NOISE * rng.normal(size=features.shape[1])
            bias = -weights @ (means[0] + means[1]) / 2
            correct[seed, test] = (features[test] @ weights + bias > 0) == labels[test]
            ends = np.array([weights @ centre + bias, weights @ centre - bias])
            truths.append(stats.norm.cdf(ends / np.linalg.norm(weights)).mean())
    return correct, np.mean(truths)


def studies(images, folds, seeds, count):
    """Cross-validations of two variants that are equally good, on features of their own."""
    rng = np.random.default_rng([images, folds, seeds])
    labels = np.arange(images) % 2
    for _ in range(count):
        dealt = np.empty(images, int)
        for c in (0, 1):
            dealt[labels == c] = rng.permutation(images // 2) % folds
        features = rng.normal(size=(images, 2 * FEATURES)) + SHIFT * (2 * labels[:, None] - 1)
        halves = features[:, :FEATURES], features[:, FEATURES:]
        yield dealt, [answers_of(half, labels, dealt, seeds, rng) for half in halves]


def naive(correct, folds):
    """The t interval of the runs' accuracies, as if they were independent."""
    runs = np.concatenate([correct[:, folds == fold].mean(axis=1) for fold in np.unique(folds)])
    half = stats.t.ppf(0.975, len(runs) - 1) * runs.std(ddof=1) / np.sqrt(len(runs))
    return runs.mean() - half, runs.mean() + half


def holds(interval, truth):
    return interval[0] <= truth <= interval[1]


def coverage(images, folds, seeds, count):
    """Shares of 95 % intervals that hold the truth: of an accuracy naively, and of ours."""
    ratio, held = 1 / (folds - 1), {"naive": 0, "accuracy": 0, "difference": 0}
    found = list(studies(images, folds, seeds, count))
    truth = np.mean([one[1] for _, sides in found for one in sides])
    for dealt, ((first, _), (second, _)) in found:
        held["naive"] += holds(naive(first, dealt), truth)
        held["accuracy"] += holds(intervals.of_accuracy(first, dealt, ratio)[1:], truth)
        difference = intervals.of_fold_difference(first, second, dealt, ratio)
        held["difference"] += holds(difference.interval(), 0)
    return {kind: hits / count for kind, hits in held.items()}
