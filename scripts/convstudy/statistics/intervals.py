"""Accuracies and differences with two sources of variance: seeds and test images.

Scores form a table of seeds by test images, both drawn from more that could have been: another seed
gives another network, another test set other images (Bouthillier et al. 2021, arXiv 2103.03098).
Their shares of a mean's variance are read off the mean squares of a two-way analysis of variance,
as in studies with several readers and cases (Hillis 2014, Statistics in Medicine 33:330-360); by
(seeds - 1) degrees of freedom the share of the seeds is known badly, that of the images well. The
critical value of such a sum depends on the ratio that was found (Welch 1947, Biometrika 34:28-35;
Cochran 1964, Biometrics 20:191-195); see `Estimate.critical`.

With one seed there is no variance of seeds to be seen: an estimate speaks of that network alone.

With folds the images are trained on, too, and the networks of two folds share most of theirs: their
accuracies are not independent, and no unbiased estimate of the variance of their mean exists
(Bengio and Grandvalet 2004, Journal of Machine Learning Research 5:1089-1105). `of_folds` takes the
approximate one of Nadeau and Bengio (2003, Machine Learning 52:239-281).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

CONFIDENCE = 0.95
POWER = 0.8
# Welch's equation solved by eye: over all shares of the seeds in the true variance the coverage of
# 95 % intervals is 93.4 to 97.0 % with 2 seeds, 94.5 to 96.0 % with 3, 94.9 to 95.5 % with 5.
EXPONENT = 1.75
NOTHING = 1e-4  # of what independent answers would give


@dataclass(frozen=True)
class Estimate:
    """A mean of scores and what its variance is made of.

    `seeds` and `images` are the two parts of the variance of `value`; `degrees` those of freedom
    by which the first is known (0: one seed, whose part is unknown and left out). With folds all
    variance is in the first, by the folds, in which seeds and images both had their chance.
    """

    value: float
    seeds: float
    images: float
    degrees: float

    @property
    def standard_error(self) -> float:
        """Root of the variance."""
        return float(np.sqrt(self.seeds + self.images))

    @property
    def speaks_of_variants(self) -> bool:
        """Whether more than one seed was seen; otherwise it speaks of one network a variant."""
        return self.degrees > 0

    def critical(self, probability: float = (1 + CONFIDENCE) / 2) -> float:
        """Quantile of the error in standard errors, for a one-sided probability above 0.5.

        Student's t where all variance is that of the seeds, the normal one where it is that of the
        images; between them the squares are weighted by the share of the seeds to the power
        `EXPONENT`. Cochran's weights, the share itself, are too careful with 2 or 3 seeds, and
        Satterthwaite's degrees of freedom not careful enough (down to 87 % with 2).
        """
        normal = stats.norm.ppf(probability)
        if not self.degrees or not self.seeds:
            return float(normal)
        weight = (self.seeds / (self.seeds + self.images)) ** EXPONENT
        student = stats.t.ppf(probability, self.degrees)
        return float(np.sqrt(normal**2 + weight * (student**2 - normal**2)))

    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval."""
        half = self.critical() * self.standard_error
        return self.value - half, self.value + half

    def p_value(self) -> float:
        """Two-sided p of a true value of zero: at 0.05 the 95 % interval ends at zero."""
        found = abs(self.value) / self.standard_error
        if found == 0:
            return 1.0
        least = 1e-12
        if found >= self.critical(1 - least / 2):
            return least
        return float(optimize.brentq(lambda p: self.critical(1 - p / 2) - found, least, 1.0))

    def detectable(self) -> float:
        """True value that a test at 5 % finds in 80 % of such experiments (Bloom 1995)."""
        return (self.critical() + self.critical(POWER)) * self.standard_error


def of_scores(scores: np.ndarray) -> Estimate:
    """The mean of scores (seeds, images)."""
    scores = np.asarray(scores, dtype=np.float64)
    seeds, images, rest = _parts(scores)
    images = max(0.0, images - rest)
    # Seeds of exactly one accuracy may leave nothing: then as if all answers were independent.
    independent = float(scores.var() / scores.size)
    if seeds + images < NOTHING * independent:
        images = independent
    return Estimate(float(scores.mean()), seeds, images, len(scores) - 1)


def of_folds(scores: np.ndarray, folds: np.ndarray, ratio: float) -> Estimate:
    """The mean over the folds of a cross-validation, with the corrected variance of its k folds.

    (1 / k + ratio) s² with k - 1 degrees of freedom, s² the variance of the folds' means (Nadeau
    and Bengio 2003). They correct the variance of runs on other draws of the data; several seeds
    on the same folds are none, so they are averaged within their fold.

    Args:
        scores: (seeds, images), each image tested by the network of its fold.
        folds: the fold (images,) that each image tests in.
        ratio: test images of a fold over the training images of its network.
    """
    scores = np.asarray(scores, dtype=np.float64)
    means = fold_means(scores, folds)
    variance = (1 / len(means) + ratio) * float(means.var(ddof=1))
    # Folds of exactly one accuracy: then as if the answers to all images were independent.
    independent = float(scores.mean(axis=0).var() / scores.shape[1])
    if variance < NOTHING * independent:
        variance = independent
    return Estimate(float(means.mean()), variance, 0.0, len(means) - 1)


def fold_means(scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The mean score (k,) of each fold, over its images and all seeds."""
    return np.array([np.mean(scores[:, folds == fold]) for fold in np.unique(folds)])


def of_fold_difference(
    first: np.ndarray, second: np.ndarray, folds: np.ndarray, ratio: float
) -> Estimate:
    """The same of `second` - `first`: scores with the same images and folds, of any seeds."""
    sides = [np.asarray(side, dtype=np.float64) for side in (first, second)]
    if len(first) != len(second):
        sides = [side.mean(axis=0, keepdims=True) for side in sides]
    difference = sides[1] - sides[0]
    estimate = of_folds(difference, folds, ratio)
    return replace(estimate, seeds=estimate.seeds + _doubt(*difference.shape))


def of_paired_difference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """The mean of `second` - `first`, scores (seeds, images) with the same seeds and images."""
    difference = np.asarray(second, dtype=np.float64) - first
    estimate = of_scores(difference)
    return replace(estimate, images=estimate.images + _doubt(*difference.shape))


def of_difference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """The same for scores with the same images and other seeds, two or more each."""
    sides = [np.asarray(side, dtype=np.float64) for side in (first, second)]
    parts = [_parts(side) for side in sides]
    by_image = sides[1].mean(axis=0) - sides[0].mean(axis=0)
    images = _parts(by_image[None]).images - sum(part.rest for part in parts)
    counts = [len(side) for side in sides]
    return Estimate(
        float(by_image.mean()),
        sum(part.seeds for part in parts),
        max(0.0, images) + _doubt(min(counts), by_image.size),
        _pooled_degrees([part.seeds for part in parts], [count - 1 for count in counts]),
    )


def of_accuracy(
    scores: np.ndarray, folds: np.ndarray | None = None, ratio: float = 0.0
) -> tuple[Estimate, float, float]:
    """A mean of right (1) and wrong (0) answers (seeds, images), and the ends of its interval.

    With `folds` and `ratio` as for `of_folds`.

    Near 1 an accuracy's errors are lopsided, so the interval is Wilson's, for as many images as
    would give this variance without seeds (Franco et al. 2019, Journal of Survey Statistics and
    Methodology 7:334-364). It stays between 0 and 1, and has a width where no answer is wrong.
    """
    estimate = of_scores(scores) if folds is None else of_folds(scores, folds, ratio)
    mean, binomial = estimate.value, estimate.value * (1 - estimate.value)
    variance = estimate.standard_error**2
    images = binomial / variance if variance > 0 else np.shape(scores)[1]
    square = estimate.critical() ** 2 / images
    centre = (mean + square / 2) / (1 + square)
    half = np.sqrt(square * binomial + square**2 / 4) / (1 + square)
    return estimate, float(centre - half), float(centre + half)


class _Parts(NamedTuple):
    """Of the variance of a mean: what seeds explain, what images explain, what neither does.

    The last is in the first two as well, and is to be counted once.
    """

    seeds: float
    images: float
    rest: float


def _parts(scores: np.ndarray) -> _Parts:
    seeds, images = scores.shape
    by_image, by_seed = scores.mean(axis=0), scores.mean(axis=1, keepdims=True)
    of_images = float(by_image.var(ddof=1) / images)
    if seeds == 1:
        return _Parts(0.0, of_images, 0.0)
    rest = ((scores - by_image - by_seed + scores.mean()) ** 2).sum()
    rest /= (seeds - 1) * (images - 1) * seeds * images
    return _Parts(float(by_seed.var(ddof=1) / seeds), of_images, float(rest))


def _doubt(seeds: int, images: int) -> float:
    """Variance of two more images a seed, of which one differs for the better, one for the worse.

    Two networks that differ on no image may do so on the next (Bonett and Price 2012, Journal of
    Educational and Behavioral Statistics 37:479-488).
    """
    return 2 / (seeds * images**2)


def _pooled_degrees(variances: list[float], degrees: list[int]) -> float:
    """Degrees of freedom of a sum of variances, by Welch (1947): less careful than Satterthwaite's.

    Not fewer than the smallest of the parts, nor more than all together.
    """
    squares = sum(v**2 / (k + 2) for v, k in zip(variances, degrees, strict=True))
    found = sum(variances) ** 2 / squares - 2 if squares else sum(degrees)
    return float(np.clip(found, min(degrees), sum(degrees)))
