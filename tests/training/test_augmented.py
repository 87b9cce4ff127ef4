"""Batches of a generator with a list of steps, as training and validation get them."""

import factory
import numpy as np
import pytest

from convstudy import generators
from convstudy.data import hdf5
from convstudy.training import augmented_sample, input_pipeline

FLIP = {"kind": "flip", "options": {"horizontal": 1.0}}
MIXUP = {"kind": "mixup", "options": {"alpha": 1.0}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return factory.write_images(tmp_path_factory.mktemp("data") / "x.h5", (8, 8, 3), n=30)


def subsets(data, kind="none", options=None, steps=None, statistics=None, **switches):
    block = {"kind": kind, "options": options or {}}
    block |= {} if steps is None else {"augmentation": steps}
    spec = {"input": "images", "generator": block, "training": {"batch_size": 12}} | switches
    fed, validation, _ = input_pipeline.load_subsets(spec, data, statistics, 0)
    train = [[x.numpy() for x in batch] for batch in fed["stream"].take(3)]
    return train, [[x.numpy() for x in batch] for batch in validation["validation_data"].take(3)]


def same(one, other):
    pairs = [
        pair for batches in zip(one, other, strict=True) for pair in zip(*batches, strict=True)
    ]
    return all(np.array_equal(a, b) for a, b in pairs)


def test_an_empty_list_augments_nothing(data, tmp_path):
    plain, held_out = subsets(data)
    assert same(plain, subsets(data, steps=[])[0])
    (images,) = hdf5.read_subset(data, "train", ("images",))
    for kind, own in (("normalize", ("width_shift", "height_shift")), ("whiten", ())):
        still = dict.fromkeys(own, 0.0) | {"horizontal_flip": False}
        statistics = tmp_path / f"{kind}.h5"
        hdf5.write_statistics(statistics, generators.make(kind, {}).fit(images))
        train, validation = subsets(data, kind, steps=[], statistics=statistics)
        expected, same_validation = subsets(data, kind, still, statistics=statistics)
        for (x, y), (a, b) in zip(train, expected, strict=True):
            np.testing.assert_allclose(x, a, atol=1e-5)
            assert np.array_equal(y, b)
        assert same(validation, same_validation)


@pytest.mark.parametrize("kind", ["none", "normalize", "whiten"])
def test_steps_come_before_the_preprocessing(data, tmp_path, kind):
    (images,) = hdf5.read_subset(data, "train", ("images",))
    generator = generators.make(kind, {})
    statistics = generator.fit(images)
    hdf5.write_statistics(tmp_path / "s.h5", statistics)
    plain, _ = subsets(data, kind, steps=[], statistics=tmp_path / "s.h5")
    flipped, validation = subsets(data, kind, steps=[FLIP], statistics=tmp_path / "s.h5")
    raw, _ = subsets(data)
    for (x, _), (new, _), (before, _) in zip(raw, flipped, plain, strict=True):
        mirrored = np.round(255 * x[:, :, ::-1]).astype(np.uint8)
        expected = generator.test_batch(generator.test_arrays(mirrored, statistics), statistics)
        np.testing.assert_allclose(new, expected, atol=1e-3)
        assert not np.allclose(new, before)
    (held_out,) = hdf5.read_subset(data, "validation", ("images",))
    expected = generator.test_batch(generator.test_arrays(held_out[:12], statistics), statistics)
    np.testing.assert_allclose(validation[0][0], expected, rtol=1e-4, atol=1e-2)


def test_labels_are_rows_where_a_step_mixes(data):
    plain, held_out = subsets(data, steps=[FLIP])
    mixed, mixed_held_out = subsets(data, steps=[FLIP, MIXUP])
    assert plain[0][1].shape == (12,) and mixed[0][1].shape == (12, 2)
    assert (mixed[0][1] % 1 > 0).any()
    for (x, y), (a, b) in zip(held_out, mixed_held_out, strict=True):
        assert np.array_equal(x, a) and np.array_equal(np.eye(2)[y], b)


def test_augmented_validation_images_are_never_mixed(data):
    _, plain = subsets(data, steps=[FLIP], validation_images="augmented")
    _, mixed = subsets(data, steps=[FLIP, MIXUP], validation_images="augmented")
    for (x, y), (a, b) in zip(plain, mixed, strict=True):
        assert np.array_equal(x, a) and np.array_equal(np.eye(2)[y], b)


def test_epochs_and_steps_have_draws_of_their_own(data):
    steps = [{"kind": "random_erasing", "options": {"probability": 1.0, "fill": "black"}}]
    train, _ = subsets(data, steps=steps)
    again, _ = subsets(data, steps=steps)
    assert same(train, again)
    masks = [(x == 0).all(axis=-1) for x, _ in train[:2]]
    assert not np.array_equal(*masks)


def test_the_picture_shows_what_trains(data):
    steps = [FLIP, {"kind": "shift", "options": {}}, MIXUP]
    images, shares = augmented_sample.drawn(data, steps)
    (fed, labels), *_ = subsets(data, steps=steps)[0]
    assert np.array_equal(images / np.float32(255), fed) and np.array_equal(shares, labels)
    _, whole = augmented_sample.drawn(data, [FLIP])
    assert sorted(set(whole.ravel())) == [0, 1] and (whole.sum(axis=1) == 1).all()
