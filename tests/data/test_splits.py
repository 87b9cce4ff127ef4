"""The split: stratified, disjoint, seeded, and stable when other classes come and go."""

import logging

import h5py
import numpy as np
import pytest
import reader_fixtures as fx
from hypothesis import given, settings
from hypothesis import strategies as st

from convstudy.data.preparation import digest, prepare
from convstudy.data.splits import draw_split
from convstudy.foundation.errors import UserError
from convstudy.readers import Source

NAMES = ["ant", "bee", "cat", "dog"]


def source_of(counts, test=3, names=NAMES):
    """Shuffled labels with `counts[k]` training images of class k, then its test images."""
    train = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    return source(train, np.tile(np.arange(len(counts)), test), names)


def source(train, test, names=NAMES):
    parts = ["train"] * len(train) + ["test"] * len(test)
    labels = np.concatenate([train, test]).astype(int)
    classes = max(labels, default=0) + 1
    return Source(names[:classes], labels, [str(x) for x in range(len(labels))], None, parts)


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=4),
    fraction=st.floats(0.01, 0.99),
    limit=st.none() | st.integers(2, 20),
    seed=st.integers(0, 2**40),
)
def test_split_is_stratified_and_disjoint(counts, fraction, limit, seed):
    given = source_of(counts)
    labels = given.labels
    drawn = draw_split(
        given,
        max_train_per_class=limit,
        validation_fraction=fraction,
        seed=seed,
    )
    assert not set(drawn["train"]) & set(drawn["validation"])
    for subset, indices in drawn.items():
        assert np.all(np.diff(indices) > 0), f"{subset} is not sorted and unique"
    for label, count in enumerate(counts):
        kept = min(count, limit or count)
        validation = np.sum(labels[drawn["validation"]] == label)
        assert validation == min(max(1, round(fraction * kept)), kept - 1)
        assert np.sum(labels[drawn["train"]] == label) == kept - validation
        assert np.sum(labels[drawn["test"]] == label) == 3


def test_seed_decides():
    given = source_of([30, 30])
    first, again, other = (draw_split(given, seed=seed) for seed in (5, 5, 6))
    assert all(np.array_equal(first[s], again[s]) for s in first)
    assert not np.array_equal(first["validation"], other["validation"])


def test_adding_a_class_leaves_the_other_draws():
    def members(names):
        labels = np.repeat(np.arange(len(names)), 20)
        drawn = draw_split(source(labels, labels, names), max_train_per_class=9, seed=3)
        both = np.concatenate([labels, labels])
        return {
            (subset, name): (drawn[subset][both[drawn[subset]] == label] % 20).tolist()
            for subset in drawn
            for label, name in enumerate(names)
        }

    few, many = members(["bee", "dog"]), members(["ant", "bee", "cat", "dog"])
    assert few == {key: many[key] for key in few}
    assert few["train", "bee"] != few["train", "dog"]


def test_a_larger_limit_keeps_what_a_smaller_one_drew():
    given = source_of([40, 40])
    kept = [
        set(np.concatenate([drawn["train"], drawn["validation"]]))
        for limit in (10, 20)
        for drawn in [draw_split(given, max_train_per_class=limit)]
    ]
    assert kept[0] < kept[1]


def test_the_draw_is_pinned():
    """Results that are kept must not change silently with a new version of numpy."""
    drawn = draw_split(source_of([10, 10]), max_train_per_class=5, seed=1)
    drawn["test"] -= 20
    assert {key: value.tolist() for key, value in drawn.items()} == PINNED


PINNED = {"train": [0, 2, 4, 5, 6, 8, 11, 13], "validation": [1, 17], "test": [0, 1, 2, 3, 4, 5]}


@pytest.mark.parametrize(
    ("counts", "settings_", "expected"),
    [
        ([5, 1], {}, "class 'bee': 1 images in the train part, expected at least 2"),
        ([5, 0], {}, "class 'bee': 0 images"),
        ([5, 5], {"max_train_per_class": 1}, "max_train_per_class: 1"),
        ([5, 5], {"max_test_per_class": 0}, "max_test_per_class: 0"),
    ],
)
def test_too_few_images(counts, settings_, expected):
    with pytest.raises(UserError, match=expected):
        draw_split(source_of(counts), **settings_)


def test_a_class_without_test_images():
    given = source(np.repeat([0, 1], 5), [0, 0, 0])
    with pytest.raises(UserError, match="class 'bee': 0 images in the test part"):
        draw_split(given)
    assert len(draw_split(source_of([5, 0, 5]), [2, 0])["validation"]) == 2


def test_labels_are_numbered_anew_and_limits_are_recorded(tmp_path):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members(per_class=10))
    data = fx.prepared(
        "cifar",
        {"archive": archive},
        tmp_path,
        classes=["cat", 0],
        max_train_per_class=5,
        max_test_per_class=4,
        validation_fraction=0.4,
        seed=7,
    )
    assert data["attributes"] == {"class_names": ["cat", "ant"]}
    assert data["facts"]["made_of"] == {
        "classes": ["cat", 0],
        "exclude_classes": [],
        "image_size": [8, 8],
        "max_test_per_class": 4,
        "max_train_per_class": 5,
        "reader": "cifar",
        "seed": 7,
        "sha256_archive": digest(archive),
        "test_fraction": 0.2,
        "validation_fraction": 0.4,
    }
    counts = {s: np.bincount(data[s][1]).tolist() for s in ("train", "validation", "test")}
    assert counts == {"train": [3, 3], "validation": [2, 2], "test": [4, 4]}
    indices = [int(name.decode().split("_")[1][:-4]) for name in data["train"][2]]
    assert indices == sorted(indices)
    assert [{2: 0, 0: 1}[index % 3] for index in indices] == data["train"][1].tolist()


def test_the_same_images_from_elsewhere_give_equal_bytes(tmp_path):
    members = fx.folder_members(12)
    folder = fx.write_files(tmp_path / "pictures", members)
    more = fx.write_files(tmp_path / "copy", members | {"cat/readme.txt": b"left out"})
    packed = fx.write_tar(tmp_path / "pictures.tar.gz", members)
    again = fx.write_tar(tmp_path / "again.tar", members)
    outputs = []
    for number, source in enumerate((folder, more, packed, again)):
        output = tmp_path / f"{number}.h5"
        words = {"description": f"from {source}", "drawn": bool(number)}
        block = fx.block("image_folder", {"images": source}, max_classes=3 + number, **words)
        prepare(block, fx.outputs(output))
        outputs.append(output)
    assert len({output.read_bytes() for output in outputs}) == 1
    told = [output.with_suffix(".json").read_bytes() for output in outputs]
    assert len(set(told)) == len(told)


def test_equal_data_gives_equal_bytes_and_chunks_are_whole(tmp_path, caplog):
    folder = fx.write_files(tmp_path / "data", fx.folder_members(40))
    outputs = [tmp_path / name for name in ("a.h5", "b.h5")]
    with caplog.at_level(logging.INFO):
        for output in outputs:
            block = fx.block("image_folder", {"images": folder}, image_size=[4, 6])
            prepare(block, fx.outputs(output))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert 2 <= sum("120 images" in record.message for record in caplog.records) <= 20
    with h5py.File(outputs[0]) as file:
        assert file["train/images"].shape == (87, 4, 6, 3)
        assert file["train/images"].dtype == np.uint8 and file["train/labels"].dtype == np.int32


def test_digest_of_a_folder_follows_names_and_contents(tmp_path):
    folder = fx.write_files(tmp_path / "data", {"a/1.txt": b"1", "b.txt": b"2"})
    first = digest(folder)
    assert first == digest(fx.write_files(tmp_path / "copy", {"b.txt": b"2", "a/1.txt": b"1"}))
    (folder / "b.txt").rename(folder / "c.txt")
    assert first != digest(folder)


@pytest.mark.parametrize(
    ("settings_", "expected"),
    [
        ({"image_size": (0, 8)}, "image_size"),
        ({"image_size": (8, 10**6)}, "image_size"),
        ({"validation_fraction": 0.0}, "validation_fraction"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
    ],
)
def test_bad_settings(tmp_path, settings_, expected):
    folder = fx.write_files(tmp_path / "data", fx.folder_members(4))
    with pytest.raises(UserError, match=expected):
        fx.prepared("image_folder", {"images": folder}, tmp_path, **settings_)
