"""Erased rectangles and mixed images, whose labels must say what is in them."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from convstudy.augmentation import _mixing
from convstudy.foundation import plugin_files

SEED = tf.constant([5, 6], tf.int64)
N = 200
# image i is of the one value i, and the only one of its class
IMAGES = np.broadcast_to(np.arange(N, dtype=np.float32)[:, None, None, None], (N, 16, 12, 3))
LABELS = np.eye(N, dtype=np.float32)


def step(kind, **options):
    return plugin_files.load("augmentation", kind).make(**options)


def is_rectangle(mask: np.ndarray) -> bool:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    whole = len(rows) * len(columns)
    return mask.sum() == whole and np.ptp(rows) < len(rows) and np.ptp(columns) < len(columns)


def test_mixup_labels_have_the_shares_of_the_images():
    images, labels = (x.numpy() for x in step("mixup", alpha=1.0)(IMAGES, LABELS, SEED))
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
    assert ((labels > 0).sum(axis=1) <= 2).all() and ((labels > 0).sum(axis=1) == 2).mean() > 0.9
    expected = np.broadcast_to((labels @ np.arange(N))[:, None, None, None], images.shape)
    np.testing.assert_allclose(images, expected, rtol=1e-4, atol=1e-3)


def test_cutmix_labels_have_the_shares_of_the_pixels():
    images, labels = (x.numpy() for x in step("cutmix")(IMAGES, LABELS, SEED))
    shares = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        assert (image == image[..., :1]).all()
        counts = np.bincount(image[..., 0].ravel().astype(int), minlength=N)
        np.testing.assert_allclose(label, counts / counts.sum(), atol=1e-6)
        foreign = image[..., 0] != number
        assert not foreign.any() or is_rectangle(foreign)
        shares.append(foreign.mean())
    assert len(set(shares)) > N / 4 and max(shares) > 0.6


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_images_that_are_not_to_be_mixed_stay(kind):
    images, labels = step(kind, probability=0.0)(IMAGES, LABELS, SEED)
    assert np.array_equal(images, IMAGES) and np.array_equal(labels, LABELS)
    _, labels = step(kind, probability=0.5)(IMAGES, LABELS, SEED)
    assert 0.35 < (np.diag(labels) == 1).mean() < 0.7


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_are_of_the_beta_distribution(alpha):
    found = _mixing.shares(4000, alpha, 1.0, SEED).numpy()
    assert stats.kstest(found, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_a_small_alpha_gives_shares_of_nearly_0_and_1():
    found = _mixing.shares(1000, 1e-3, 1.0, SEED).numpy()
    assert np.isfinite(found).all() and 0.4 < found.mean() < 0.6
    assert (np.minimum(found, 1 - found) < 1e-3).mean() > 0.95


def test_partners_are_a_permutation_of_its_own_for_each_seed():
    one, other = (_mixing.partners(50, tf.constant([1, x])).numpy() for x in (1, 2))
    assert sorted(one) == sorted(other) == list(range(50)) and not np.array_equal(one, other)


@pytest.mark.parametrize("fill", ["noise", "black", "mean"])
def test_an_erased_rectangle_has_its_size_and_all_else_stays(fill):
    images = np.random.default_rng(0).integers(1, 255, (300, 20, 30, 3)).astype(np.float32)
    erased = step("random_erasing", fraction=0.3, fill=fill)(images, SEED).numpy()
    masks = (erased != images).any(axis=-1)
    chosen = masks.any(axis=(1, 2))
    assert 0.4 < chosen.mean() < 0.6
    areas = masks[chosen].mean(axis=(1, 2))
    # a side is rounded by half a pixel
    assert areas.min() > 0.01 and areas.max() < 0.36 and areas.max() > 0.25
    for image, new, mask in zip(images[chosen], erased[chosen], masks[chosen], strict=True):
        assert fill != "black" or is_rectangle(mask)
        if fill == "mean":
            np.testing.assert_allclose(new[mask], image.mean((0, 1))[None].repeat(mask.sum(), 0))
    if fill == "noise":
        new = erased[masks]
        assert 0 <= new.min() < 10 and 245 < new.max() <= 255 and 118 < new.mean() < 137


def test_a_rectangle_lies_anywhere():
    black = step("random_erasing", probability=1.0, fill="black")
    erased = black(np.ones((2000, 8, 8, 1), np.float32), SEED).numpy()
    shares = 1 - erased.mean(axis=(0, 3))
    assert shares.min() > 0.03 and shares.max() < 0.45
    np.testing.assert_allclose(shares, shares[::-1], atol=0.06)
    np.testing.assert_allclose(shares, shares[:, ::-1], atol=0.06)
