"""Steps that move pixels, against ImageDataGenerator, NumPy's padding and linear ramps."""

import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from convstudy import augmentation
from convstudy.foundation import plugin_files

SIZE = (12, 10)
SEED = tf.constant([3, 4], tf.int64)


def step(kind, **options):
    return plugin_files.load("augmentation", kind).make(**options)


def maps_of(change, n, size=SIZE):
    return change.draw(n, size, SEED).numpy()


@pytest.fixture(scope="module")
def images():
    """40 images (12, 10, 3) of whole numbers, whose neighbouring pixels are alike."""
    noise = np.random.default_rng(0).normal(128, 40, size=(40, 13, 10, 3))
    return np.clip(0.7 * noise[:, 1:] + 0.3 * noise[:, :-1], 0, 255).round().astype(np.float32)


@pytest.fixture(scope="module")
def square(images):
    """The same cut to (10, 10, 3): the reference takes a wrong middle of other images."""
    return images[:, :10]


def ramps(n, size=SIZE):
    """Images whose two channels are the pixel's own column and row: bilinear sampling is exact."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    one = np.stack([columns, rows], axis=-1).astype(np.float32)
    return np.broadcast_to(one, (n, *one.shape))


def test_flips_mirror_and_two_are_none(images):
    both = step("flip", horizontal=1.0, vertical=1.0)
    assert np.array_equal(both(images, SEED), images[:, ::-1, ::-1])
    assert np.array_equal(both(both(images, SEED), SEED), images)
    upright = step("flip", horizontal=0.0, vertical=1.0)
    assert np.array_equal(upright(images, SEED), images[:, ::-1])
    many = step("flip", horizontal=0.2)(np.repeat(images[:1], 2000, 0), SEED).numpy()
    assert 0.15 < np.mean([not np.array_equal(x, images[0]) for x in many]) < 0.25


def test_rotations_are_the_reference_s(square):
    change = step("rotation", degrees=40.0)
    maps = maps_of(change, len(square), (10, 10))
    angles = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert np.abs(angles).max() <= 40 and angles.min() < -20 and angles.max() > 20
    theirs = ImageDataGenerator()
    expected = [
        theirs.apply_transform(x, {"theta": a}) for x, a in zip(square, angles, strict=True)
    ]
    np.testing.assert_allclose(change(square, SEED), expected, atol=2e-2)


def test_zooms_are_the_reference_s(square):
    change = step("zoom", factor=0.3)
    scales = maps_of(change, len(square), (10, 10))[:, 0, 0]
    assert (1 / scales).min() >= 0.7 and (1 / scales).max() <= 1.3
    assert (1 / scales).min() < 0.8 and (1 / scales).max() > 1.2
    theirs = ImageDataGenerator()
    expected = [
        theirs.apply_transform(x, {"zx": s, "zy": s}) for x, s in zip(square, scales, strict=True)
    ]
    np.testing.assert_allclose(change(square, SEED), expected, atol=2e-2)


def test_shifts_are_the_reference_s(images):
    change = step("shift", width=0.3, height=0.1)
    offsets = maps_of(change, len(images))[:, :2, 2]
    assert (np.abs(offsets) <= [3.0, 1.2]).all() and (np.abs(offsets).max(0) > [2.0, 0.8]).all()
    theirs = ImageDataGenerator()
    expected = [
        theirs.apply_transform(x, {"tx": tx, "ty": ty})
        for x, (tx, ty) in zip(images, offsets, strict=True)
    ]
    np.testing.assert_allclose(change(images, SEED), expected, atol=2e-2)


@pytest.mark.parametrize(
    "kind, options",
    [("rotation", {"degrees": 0}), ("zoom", {"factor": 0}), ("shift", {"width": 0, "height": 0})],
)
def test_nothing_changes_where_the_option_is_zero(images, kind, options):
    np.testing.assert_allclose(step(kind, **options)(images, SEED), images, atol=1e-3)


@pytest.mark.parametrize(
    "fill, numpy_s", [("constant", "constant"), ("reflect", "symmetric"), ("nearest", "edge")]
)
def test_a_random_crop_is_a_slice_of_the_padded_image(images, fill, numpy_s):
    change = step("random_crop", padding=3, fill=fill)
    offsets = maps_of(change, len(images))[:, :2, 2].astype(int)
    cropped = change(images, SEED).numpy()
    for image, found, (x, y) in zip(images, cropped, offsets, strict=True):
        padded = np.pad(image, [(3, 3), (3, 3), (0, 0)], mode=numpy_s)
        assert np.array_equal(found, padded[3 + y : 15 + y, 3 + x : 13 + x])
    many = maps_of(change, 2000)[:, :2, 2]
    for axis in many.T:
        assert sorted(set(axis)) == [-3, -2, -1, 0, 1, 2, 3]


def test_resized_crops_lie_in_the_image_and_have_their_area_and_aspect():
    maps = maps_of(step("random_resized_crop", area=0.2, aspect=1.5), 1000)
    wide, tall = maps[:, 0, 0], maps[:, 1, 1]
    area, aspect = wide * tall, wide / tall
    assert (area > 0.2 - 1e-5).all() and (area <= 1).all() and area.min() < 0.25
    assert (aspect > 1 / 1.5001).all() and (aspect < 1.5001).all()
    for axis, (side, part) in enumerate([(SIZE[1], wide), (SIZE[0], tall)]):
        middle = maps[:, axis, axis] * (side - 1) / 2 + maps[:, axis, 2]
        assert (middle - part * side / 2 > -0.501).all()
        assert (middle + part * side / 2 < side - 0.499).all()
    assert np.array_equal(step("random_resized_crop", area=1, aspect=1)(ramps(2), SEED), ramps(2))


def test_a_resized_crop_is_what_the_ramp_says():
    change = step("random_resized_crop", area=0.3)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    here = np.stack([columns, rows, np.ones(SIZE)], axis=-1)
    source = np.einsum("nij,hwj->nhwi", maps_of(change, 20), here)[..., :2]
    limits = [SIZE[1] - 1, SIZE[0] - 1]
    found = change(ramps(20), SEED).numpy()
    np.testing.assert_allclose(found, np.clip(source, 0, limits), atol=1e-3)


def test_steps_in_a_row_with_one_border_are_sampled_once():
    def changes(*kinds):
        return augmentation.Augmentation([{"kind": k, "options": o} for k, o in kinds]).changes

    geometry = ("shift", {}), ("rotation", {}), ("zoom", {}), ("random_resized_crop", {})
    assert len(changes(*geometry)) == 1
    assert len(changes(*geometry, ("flip", {}), ("shift", {}))) == 3
    assert len(changes(("shift", {}), ("rotation", {"fill": "reflect"}))) == 2


def test_a_joined_step_does_the_first_one_first():
    """A crop of three columns to the right, then a mirror about the middle by a rotation of 180."""
    right = augmentation._affine.Affine(
        lambda n, size, seed: augmentation._affine.moved(n, 3.0, 0.0), "nearest"
    )
    turned = augmentation._affine.Affine(
        lambda n, size, seed: augmentation._affine.about_centre(n, size, -1.0, 0.0, 0.0, -1.0),
        "nearest",
    )
    one_by_one = turned(right(ramps(1), SEED), SEED)
    np.testing.assert_allclose(right.then(turned)(ramps(1), SEED), one_by_one, atol=1e-4)
    assert not np.allclose(turned.then(right)(ramps(1), SEED), one_by_one)
