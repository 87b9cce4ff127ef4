"""Steps that change colours, and the operations of the policies, against Pillow and SciPy."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps
from scipy import ndimage

from convstudy.augmentation import _colour, _operations, rand_augment, trivial_augment
from convstudy.foundation import plugin_files

SEED = tf.constant([7, 8], tf.int64)
FACTORS = np.array([0.1, 0.6, 1.0, 1.5, 1.9], np.float32)


def step(kind, **options):
    return plugin_files.load("augmentation", kind).make(**options)


@pytest.fixture(scope="module")
def pictures():
    """Five images (24, 20, 3), uint8, of low contrast and with an odd colour."""
    draws = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(draws.normal(size=(5, 24, 20, 3)), (0, 2, 2, 0))
    return np.clip(120 + 300 * smooth + [30, 0, -40], 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (_colour.brightness, ImageEnhance.Brightness),
        (_colour.contrast, ImageEnhance.Contrast),
        (_colour.saturation, ImageEnhance.Color),
        (_colour.sharpness, ImageEnhance.Sharpness),
    ],
)
def test_enhancements_are_pillow_s(pictures, ours, theirs):
    found = ours(pictures.astype(np.float32), tf.constant(FACTORS)).numpy()
    expected = [
        theirs(Image.fromarray(x)).enhance(float(f)) for x, f in zip(pictures, FACTORS, strict=True)
    ]
    np.testing.assert_allclose(found, np.stack(expected), atol=1.6)  # it rounds, we do not
    assert np.abs(found[0] - pictures[0]).max() > 5
    np.testing.assert_allclose(found[2], pictures[2], atol=1e-3)


def test_hues_are_those_of_colorsys(pictures):
    turns = np.array([-0.5, -0.1, 0.0, 0.2, 0.5], np.float32)
    found = _colour.hue(pictures.astype(np.float32), tf.constant(turns)).numpy()
    for image, new, turn in zip(pictures, found, turns, strict=True):
        for at in [(0, 0), (5, 7), (23, 19)]:
            h, s, v = colorsys.rgb_to_hsv(*(image[at] / 255.0))
            expected = np.array(colorsys.hsv_to_rgb((h + turn) % 1, s, v))
            np.testing.assert_allclose(new[at], 255 * expected, atol=0.5)


def test_a_grey_image_has_neither_saturation_nor_hue(pictures):
    grey = pictures[..., :1].astype(np.float32)
    still = step("colour_jitter", brightness=0, contrast=0, saturation=1.0, hue=0.5)
    assert np.array_equal(still(grey, SEED), grey)
    bright = step("colour_jitter", brightness=0.5, contrast=0, saturation=0)
    found = bright(np.full((40, 3, 3, 1), 100, np.float32), SEED).numpy()
    assert (found == found[:, :1, :1]).all() and found.min() < 70 and found.max() > 130


def test_jitter_stays_within_its_range_and_draws_for_each_image():
    one = np.full((500, 2, 2, 3), 100, np.float32)
    found = step("colour_jitter", brightness=0.3, contrast=0, saturation=0)(one, SEED).numpy()
    means = found.mean(axis=(1, 2, 3))
    assert 70 <= means.min() < 74 and 126 < means.max() <= 130 and len(set(means)) > 400


def one_operation(images, name, strength, ranges=rand_augment.RANGES):
    n = len(images)
    return _operations.applied(
        tf.constant(images, tf.float32),
        tf.fill([n], _operations.NAMES.index(name)),
        tf.fill([n], tf.constant(strength, tf.float32)),
        ranges,
    ).numpy()


@pytest.mark.parametrize(
    "name, strength, theirs, within",
    [
        ("auto_contrast", 0.3, ImageOps.autocontrast, 1.01),
        ("equalize", 0.3, ImageOps.equalize, 0),
        ("solarize", -0.25, lambda x: ImageOps.solarize(x, 192), 0),
        ("solarize", 1.0, ImageOps.invert, 0),
        ("posterize", 0.5, lambda x: ImageOps.posterize(x, 6), 0),
        ("posterize", -1.0, lambda x: ImageOps.posterize(x, 4), 0),
        ("colour", -1.0, lambda x: ImageEnhance.Color(x).enhance(0.1), 1.6),
        ("brightness", 1.0, lambda x: ImageEnhance.Brightness(x).enhance(1.9), 1.01),
        ("identity", 1.0, lambda x: x, 0),
    ],
)
def test_operations_are_pillow_s(pictures, name, strength, theirs, within):
    expected = np.stack([theirs(Image.fromarray(x)) for x in pictures])
    np.testing.assert_allclose(one_operation(pictures, name, strength), expected, atol=within)


@pytest.mark.parametrize(
    "name, matrix, offset",
    [
        ("rotate", [[np.cos(0.262), np.sin(0.262)], [-np.sin(0.262), np.cos(0.262)]], (0, 0)),
        ("shear_x", [[1, 0], [0.15, 1]], (0, 0)),
        ("shear_y", [[1, 0.15], [0, 1]], (0, 0)),
        ("translate_x", np.eye(2), (0, 0.5 * 20 * 150 / 331)),
        ("translate_y", np.eye(2), (0.5 * 24 * 150 / 331, 0)),
    ],
)
def test_geometry_is_scipy_s(pictures, name, matrix, offset):
    """Half of the strongest, in rows and columns about the middle."""
    middle, matrix = np.array([11.5, 9.5]), np.asarray(matrix)
    start = middle - matrix @ middle + offset
    found = one_operation(pictures, name, 0.5)
    rows, columns = np.mgrid[:24, :20]
    source = np.stack([rows, columns], -1) @ matrix.T + start
    inside = ((source >= 0) & (source <= [23, 19])).all(-1)
    assert 0.5 < inside.mean() < 1
    for image, new in zip(pictures.astype(float), found, strict=True):
        for channel in range(3):
            expected = ndimage.affine_transform(
                image[..., channel], matrix, start, order=1, mode="nearest"
            )
            np.testing.assert_allclose(new[inside, channel], expected[inside], atol=0.2)
    outside = ((source < -1) | (source > [24, 20])).any(-1)
    assert (found[:, outside] == 128).all()


def test_each_image_goes_through_its_own_operation(pictures):
    images = np.repeat(pictures[:1], len(_operations.NAMES), axis=0).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(images)).astype(np.int32)
    together = _operations.applied(
        tf.constant(images), tf.constant(order), tf.fill([len(images)], 0.8), rand_augment.RANGES
    ).numpy()
    for number, new in zip(order, together, strict=True):
        alone = one_operation(images[:1], _operations.NAMES[number], 0.8)[0]
        np.testing.assert_allclose(new, alone, atol=1e-3)
    assert len({x.tobytes() for x in together}) == len(images)


@pytest.mark.parametrize("name", _operations.NAMES)
def test_an_operation_may_get_no_image_of_a_batch(name):
    anything = [tf.TensorSpec((None, 12, 12, 3)), tf.TensorSpec([None])]
    operation = tf.function(
        lambda images, strength: _operations.applied(
            images,
            tf.fill(tf.shape(strength), _operations.NAMES.index(name)),
            strength,
            rand_augment.RANGES,
        ),
        input_signature=anything,
    )
    # all operations but one have none; then the last one has none, either
    assert operation(tf.zeros([5, 12, 12, 3]), tf.ones([5])).shape == (5, 12, 12, 3)
    assert operation(tf.zeros([0, 12, 12, 3]), tf.ones([0])).shape == (0, 12, 12, 3)


def test_operations_are_drawn_evenly():
    numbers, signs = (x.numpy() for x in _operations.drawn(14_000, SEED))
    counts = np.bincount(numbers, minlength=14)
    assert len(counts) == 14 and 850 < counts.min() and counts.max() < 1150
    assert set(signs) == {-1, 1} and abs(signs.mean()) < 0.05


def test_magnitude_zero_leaves_all_but_what_has_no_strength(pictures):
    images = np.repeat(pictures, 40, axis=0).astype(np.float32)
    images[:, 0, 0] = 255  # the brightest must not be taken for more than a threshold of 255
    new = step("rand_augment", operations=1, magnitude=0.0)(images, SEED).numpy()
    stays = np.array([np.allclose(a, b, atol=1e-2) for a, b in zip(new, images, strict=True)])
    assert 0.75 < stays.mean() < 0.95  # twelve of fourteen


def test_trivial_augment_draws_strengths_up_to_its_range():
    ramp = np.broadcast_to(np.arange(200, dtype=np.float32)[None, None, :, None], (2000, 3, 200, 1))
    new = step("trivial_augment")(tf.constant(ramp), SEED).numpy()
    moved = new[:, 1, 100, 0] - 100
    translated = [m for m, x in zip(moved, new[:, 1, 90:110, 0], strict=True)
                  if np.allclose(np.diff(x), 1, atol=1e-3) and abs(m) > 1e-3]  # fmt: skip
    assert 25 < max(translated) <= 32.01 and -32.01 <= min(translated) < -25
    assert trivial_augment.RANGES["standard"] is rand_augment.RANGES
