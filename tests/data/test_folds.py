"""Folds: every image tests once, stratified, grouped, seeded; each fold is a file of its own."""

from collections import Counter

import numpy as np
import pytest
import reader_fixtures as fx
from hypothesis import given, settings
from hypothesis import strategies as st

from convstudy.data import folds, hdf5
from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

NAMES = ["ant", "bee", "cat", "dog"]
HOW = {
    "max_train_per_class": None,
    "max_test_per_class": None,
    "test_fraction": 0.2,
    "validation_fraction": 0.2,
    "seed": 0,
}


def source_of(counts, groups=(), parts=()):
    """Shuffled labels, `counts[k]` of class k."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    names = [str(x) for x in range(len(labels))]
    return Source(NAMES[: len(counts)], labels, names, None, parts, groups)


def drawn(source, k=3, **settings_):
    chosen = range(len(source.class_names))
    return folds.draw(source, chosen, HOW | {"folds": k} | settings_)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(6, 30), min_size=2, max_size=4),
    k=st.integers(2, 6),
    seed=st.integers(0, 2**40),
)
def test_every_image_tests_once_and_folds_are_even(counts, k, seed):
    source = source_of(counts)
    found = drawn(source, k, seed=seed)
    assert np.array_equal(found.rows[hdf5.POOL], np.arange(len(source.labels)))
    assert found.parts.shape == (len(source.labels), k) and found.parts.dtype == np.int8
    assert ((found.parts == 2).sum(axis=1) == 1).all() and found.parts.min() == 0
    for fold in found.parts.T:
        for label, count in enumerate(counts):
            own = Counter(fold[source.labels == label].tolist())
            assert own[2] in (count // k, -(-count // k))
            assert own[1] == max(1, min(round(0.2 * (count - own[2])), count - own[2] - 1))


def test_the_seed_decides():
    source = source_of([30, 30])
    first, again, other = (drawn(source, seed=seed).parts for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_draw_is_pinned():
    """Results that are kept must not change silently with a new version of scikit-learn."""
    tests_in = folds.deal(source_of([6, 6]), range(2), 3, 1)
    assert tests_in.tolist() == PINNED
    groups = [str(x // 2) for x in range(24)]
    tests_in = folds.deal(source_of([12, 12], groups), range(2), 3, 1)
    assert tests_in.tolist() == PINNED_GROUPS


PINNED = [2, 1, 2, 2, 0, 1, 1, 0, 0, 1, 0, 2]
PINNED_GROUPS = [2, 2, 1, 1, 0, 0, 0, 0, 2, 2, 1, 1, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]


def test_groups_stay_in_one_part_of_every_fold():
    rng = np.random.default_rng(1)
    groups = [f"patient {x}" for x in rng.integers(25, size=120)]
    found = drawn(source_of([60, 40, 20], groups), 4)
    for fold in found.parts.T:
        where = {}
        for group, part in zip(groups, fold, strict=True):
            where.setdefault(group, set()).add(int(part))
        assert all(len(parts) == 1 for parts in where.values())
        assert np.bincount(fold).min() > 0
    sizes = (found.parts == 2).sum(axis=0)
    assert sizes.max() - sizes.min() <= 8
    assert "25 groups in 4 folds" in found.notes[0]


def test_other_classes_are_left_out_and_a_limit_thins_training_only():
    source = source_of([30, 30, 30])
    found = folds.draw(source, [2, 0], HOW | {"folds": 3, "max_train_per_class": 10})
    assert np.array_equal(found.rows[hdf5.POOL], np.flatnonzero(source.labels != 1))
    for fold in found.parts.T:
        assert Counter(fold.tolist()) == {-1: 20, 0: 16, 1: 4, 2: 20}


def test_given_parts_are_pooled_and_a_note_says_so():
    parts = ["train"] * 20 + ["validation"] * 4 + ["test"] * 6
    found = drawn(source_of([15, 15], parts=parts))
    assert found.parts.shape == (30, 3)
    assert "4 validation images and 6 test images are dealt into the 3 folds" in found.notes[0]
    (note,) = drawn(source_of([15, 15])).notes
    assert note.startswith("3 folds; ")


@pytest.mark.parametrize(
    ("counts", "k", "expected"),
    [
        ([9, 4], 5, "folds: 5: class 'bee' has 4 images, expected at least 5 images"),
        ([9, 2], 2, "folds: 2: class 'bee' has 2 images, expected at least 3 images"),
    ],
)
def test_more_folds_than_images_of_a_class(counts, k, expected):
    with pytest.raises(UserError, match=expected):
        drawn(source_of(counts), k)


def test_more_folds_than_groups_of_a_class():
    source = source_of([20, 20])
    groups = [f"{NAMES[x]} {i % (9 if x else 3)}" for i, x in enumerate(source.labels)]
    source = source_of([20, 20], groups)
    with pytest.raises(UserError, match="class 'ant' has 20 images of 3 groups, expected.* 4 gro"):
        drawn(source, 4)
    assert drawn(source, 3).parts.shape == (40, 3)


def test_a_fold_is_a_data_set_of_its_own_and_the_features_of_a_fold_as_well(tmp_path):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members(per_class=10))
    block = fx.block("cifar", {"archive": archive}, folds=3, validation_fraction=0.3)
    pool, fold = tmp_path / "d.h5", tmp_path / "d-fold1.h5"
    folds_of(block, pool)
    images, labels, names, parts = hdf5.read_subset(
        pool, hdf5.POOL, ("images", "labels", "names", "parts")
    )
    folds.take(pool, 1, fold)
    for place, subset in enumerate(hdf5.SUBSETS):
        rows = np.flatnonzero(parts[:, 1] == place)
        found = hdf5.read_subset(fold, subset, ("images", "labels", "names"))
        for own, every in zip(found, (images, labels, names), strict=True):
            assert len(rows) > 1 and np.array_equal(own, every[rows])
    few = np.array([2, 0])
    assert np.array_equal(folds.test_images(pool, 1, few), folds.test_images(fold, 1, few))
    about = hdf5.read_attributes(fold)
    assert (about["fold"], about["class_names"][0]) == (1, "ant")
    assert sorted(folds.order(pool)) == list(range(len(labels)))
    first = folds.order(pool)[: (parts[:, 0] == 2).sum()]
    assert np.array_equal(first, np.flatnonzero(parts[:, 0] == 2))
    assert "not kept" in atomic_files.read_json(pool.with_suffix(".json"))["notes"][0]


def folds_of(block, output):
    fx.prepare(block, fx.outputs(output))
