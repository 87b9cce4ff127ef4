"""Groups in splits: images of one group in one part, shares as near as groups allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstudy.data import groups as grouped
from convstudy.data.splits import draw_split
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

NAMES = ["ant", "bee", "cat", "dog"]


def source_of(labels, groups, parts=()):
    names = [str(x) for x in range(len(labels))]
    return Source(NAMES[: max(labels) + 1], np.array(labels), names, None, parts, groups)


def parts_of(drawn, groups):
    found = {}
    for part, rows in drawn.items():
        for row in rows:
            found.setdefault(groups[row], set()).add(part)
    return found


@settings(max_examples=60, deadline=None)
@given(
    classes=st.integers(2, 4),
    sizes=st.lists(st.integers(1, 9), min_size=24, max_size=60),
    mixed=st.booleans(),
    seed=st.integers(0, 2**40),
)
def test_groups_are_in_one_part_and_every_class_is_in_each(classes, sizes, mixed, seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = groups % classes
    if mixed:
        labels = np.where(
            rng.random(len(groups)) < 0.3, rng.integers(classes, size=len(groups)), labels
        )
    source = source_of(labels, groups.astype(str).tolist())
    drawn = draw_split(source, seed=seed)
    assert all(len(where) == 1 for where in parts_of(drawn, source.groups).values())
    assert sorted(np.concatenate(list(drawn.values()))) == list(range(len(labels)))
    for rows in drawn.values():
        assert np.all(np.diff(rows) > 0) and set(labels[rows]) == set(labels)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.3, 0.5, 0.8])
def test_shares_are_near_the_fraction_in_every_class(fraction):
    rng = np.random.default_rng(0)
    groups = rng.integers(80, size=800)
    source = source_of(groups % 4, groups.astype(str).tolist())
    drawn = draw_split(source, test_fraction=fraction)
    for label in range(4):
        share = np.mean(np.isin(np.flatnonzero(source.labels == label), drawn["test"]))
        assert share == pytest.approx(fraction, abs=0.03)


def test_the_seed_decides_also_where_groups_have_many_sizes():
    groups = np.repeat(np.arange(30), np.arange(1, 31))
    source = source_of(groups % 2, groups.astype(str).tolist())
    first, again, *others = (draw_split(source, seed=seed) for seed in (1, 1, 2, 3, 4))
    assert np.array_equal(first["test"], again["test"])
    assert len({tuple(other["test"]) for other in (first, *others)}) > 2


def test_a_rare_class_of_few_groups_takes_no_more_of_the_others():
    groups = [*range(100), 100, 101, 102]
    source = source_of([0] * 100 + [1] * 3, list(map(str, groups)))
    drawn = draw_split(source)
    counts = {part: np.bincount(source.labels[rows]).tolist() for part, rows in drawn.items()}
    assert counts == {"train": [72, 1], "validation": [8, 1], "test": [20, 1]}


def test_images_without_a_group_are_alone():
    source = source_of([0, 1] * 20, [""] * 40)
    drawn = draw_split(source)
    assert [len(drawn[part]) for part in drawn] == [28, 4, 8]


def test_a_class_of_one_group_is_refused_with_its_counts():
    source = source_of([0] * 6 + [1] * 6, list("abcdef") + ["z"] * 6)
    with pytest.raises(UserError, match="class 'bee': its 6 images are of 1 group, .* at least 3"):
        draw_split(source)
    source = source_of([0] * 6 + [1] * 6, list("abcdef") + ["y", "z"] * 3)
    with pytest.raises(UserError, match="class 'bee': its 6 images are of 2 groups"):
        draw_split(source)


def test_classes_that_cannot_be_parted_are_refused():
    """Each class has a group for each part, but c and d would have to be in one, and apart."""
    pairs = [(label, group) for label, held in enumerate(["abc", "abd", "acd"]) for group in held]
    labels, groups = zip(*pairs, strict=True)
    with pytest.raises(UserError, match="4 groups of images cannot be parted .* 3 classes"):
        draw_split(source_of(list(labels), list(groups)))


def test_limits_thin_parts_and_leave_groups_in_one():
    groups = np.repeat(np.arange(40), 5)
    source = source_of(groups % 2, groups.astype(str).tolist())
    drawn = draw_split(source, max_train_per_class=20, max_test_per_class=7)
    counts = {part: np.bincount(source.labels[rows]).tolist() for part, rows in drawn.items()}
    assert counts == {"train": [18, 18], "validation": [2, 2], "test": [7, 7]}
    assert all(len(where) == 1 for where in parts_of(drawn, source.groups).values())


def test_given_parts_stay_and_a_group_in_two_of_them_is_told():
    parts = ["train"] * 12 + ["test"] * 6
    groups = [f"p{x // 2}" for x in range(12)] + ["p0", "p0", "p5", "q", "q", "r"]
    source = source_of([0, 1] * 9, groups, parts)
    drawn = draw_split(source)
    assert drawn["test"].tolist() == list(range(12, 18))
    (note,) = grouped.notes(source, drawn)
    assert "2 groups are both in the train and in the test part" in note
    assert "3 of the 6 test images" in note and "Put each group in one part" in note


def test_groups_that_are_apart_are_counted():
    source = source_of([0, 1] * 20, [str(x // 2) for x in range(40)])
    (note,) = grouped.notes(source, draw_split(source))
    assert note == (
        "Images of one group stay in one part: 20 groups, of which 14 train, 2 validate, 4 test."
    )
    assert grouped.notes(source_of([0, 1], []), {}) == []
