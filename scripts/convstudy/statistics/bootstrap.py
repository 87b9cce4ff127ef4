"""Intervals by resampling seeds and test images.

Two sources of noise enter every interval: the seed of a run and the finite set of test images
(Bouthillier et al. 2021, arXiv 2103.03098). Both are resampled here, crossed with each other: a
draw picks seeds and images with replacement, the images jointly for all its seeds (the pigeonhole
bootstrap of Owen 2007). With one seed only the images are resampled, so the interval then speaks
of that one trained network and not of the variant. With few seeds their share of the variance is
understated by the factor (seeds - 1) / seeds.
"""

import numpy as np

DRAWS = 2000


def means(scores: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Means of two-level resamples of `scores` (seeds, images): (draws,).

    The random state is the same for every call, so a variant's interval does not depend on which
    other variants are in the study.
    """
    rng = np.random.default_rng(seed)
    n_seeds, n_images = scores.shape
    weights = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=draws) / n_seeds
    means = []
    for block in np.array_split(weights, max(1, draws // 100)):
        mixed = block @ scores.astype(np.float64)
        picks = rng.integers(n_images, size=mixed.shape)
        means.append(np.take_along_axis(mixed, picks, axis=1).mean(axis=1))
    return np.concatenate(means)


def half_width(accuracy: float, n_images: int) -> float:
    """95 % binomial half-width of an accuracy measured on `n_images`, as a fraction."""
    return 1.96 * float(np.sqrt(accuracy * (1 - accuracy) / n_images))
