"""Generators against Keras's own ImageDataGenerator, on the same images."""

import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from convstudy import generators
from convstudy.augmentation import flip, shift


@pytest.fixture(scope="module")
def images():
    """600 images (8, 8, 3) whose neighbouring pixels are alike, as in photographs."""
    noise = np.random.default_rng(0).normal(128, 40, size=(600, 9, 8, 3))
    return np.clip(0.7 * noise[:, 1:] + 0.3 * noise[:, :-1], 0, 255).astype(np.uint8)


def reference(images, **options):
    generator = ImageDataGenerator(**options)
    generator.fit(images / np.float32(255))
    return generator


def test_normalize_has_the_references_statistics_and_output(images):
    theirs = reference(images, featurewise_center=True, featurewise_std_normalization=True)
    ours = generators.make("normalize", {})
    statistics = ours.fit(images)
    np.testing.assert_allclose(statistics["mean"], theirs.mean.ravel(), rtol=1e-3)
    np.testing.assert_allclose(statistics["std"], theirs.std.ravel(), rtol=1e-3)
    expected = np.stack([theirs.standardize(x / np.float32(255)) for x in images[:20]])
    output = ours.test_batch(tf.constant(images[:20]), statistics).numpy()
    np.testing.assert_allclose(output, expected, atol=2e-3)


def test_whiten_has_the_references_matrix_and_output(images):
    theirs = reference(images, featurewise_center=True, zca_whitening=True)
    ours = generators.make("whiten", {})
    statistics = ours.fit(images)
    matrix = theirs.zca_whitening_matrix
    np.testing.assert_allclose(statistics["whitening"], matrix, atol=1e-3 * np.abs(matrix).max())
    expected = np.stack([theirs.standardize(x / np.float32(255)) for x in images[:20]])
    np.testing.assert_allclose(ours.test_arrays(images[:20], statistics), expected, atol=2e-2)


def test_whitened_images_have_the_identity_as_covariance(images):
    ours = generators.make("whiten", {"epsilon": 1e-9})
    flat = ours.test_arrays(images, ours.fit(images)).reshape(len(images), -1).astype(float)
    eigenvalues = np.linalg.eigvalsh(flat.T @ flat / len(flat))
    assert np.median(eigenvalues) == pytest.approx(1, abs=0.02)


def test_whitened_training_batch_is_an_image_or_its_mirror(images):
    ours = generators.make("whiten", {})
    statistics = ours.fit(images)
    arrays = ours.training_arrays(images[:64], statistics)
    batch = ours.training_batch(tf.constant(arrays), tf.constant([1, 2]), statistics).numpy()
    mirrored = ours.test_arrays(images[:64, :, ::-1], statistics)
    plain = ours.test_arrays(images[:64], statistics)
    is_plain = [np.array_equal(a, b) for a, b in zip(batch, plain, strict=True)]
    is_mirror = [np.array_equal(a, b) for a, b in zip(batch, mirrored, strict=True)]
    assert all(np.logical_xor(is_plain, is_mirror))
    assert 16 < sum(is_plain) < 48


def test_flips_are_the_reference_s(images):
    batch = tf.constant(images[:64].astype(np.float32))
    flipped = flip.random_flip(batch, tf.constant([3, 4])).numpy()
    theirs = ImageDataGenerator()
    mirrors = [theirs.apply_transform(x, {"flip_horizontal": True}) for x in batch.numpy()]
    is_mirror = [np.array_equal(a, b) for a, b in zip(flipped, mirrors, strict=True)]
    is_plain = [np.array_equal(a, b) for a, b in zip(flipped, batch.numpy(), strict=True)]
    assert all(np.logical_xor(is_plain, is_mirror))
    assert 16 < sum(is_plain) < 48
    again = flip.random_flip(batch, tf.constant([3, 4])).numpy()
    assert np.array_equal(flipped, again)


@pytest.mark.parametrize("offset", [(0, 0), (1, 0), (0, -2), (0.5, 0), (-0.3, 0.7), (3, 3)])
def test_shifts_are_the_reference_s(images, offset):
    batch = images[:8].astype(np.float32)
    ours = shift.shift(tf.constant(batch), tf.constant([offset] * 8, tf.float32))
    theirs = ImageDataGenerator()  # its tx moves columns, its ty rows
    expected = [theirs.apply_transform(x, {"ty": offset[0], "tx": offset[1]}) for x in batch]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-2)


def test_shifts_keep_within_their_range():
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[None, :, None, None], (64, 40, 40, 1))
    moved = shift.random_shift(tf.constant(ramp), 0.1, 0.1, tf.constant([5, 6])).numpy()
    offsets = moved[:, 20, 20, 0] - 20
    assert np.abs(offsets).max() <= 4
    assert offsets.min() < -2 and offsets.max() > 2


def test_shifts_keep_within_each_axis_of_their_own():
    """10 % of 40 rows and of 20 columns, drawn independently."""
    shape = (256, 40, 20, 1)
    rows = np.broadcast_to(np.arange(40, dtype=np.float32)[None, :, None, None], shape)
    columns = np.broadcast_to(np.arange(20, dtype=np.float32)[None, None, :, None], shape)
    both = tf.constant(np.concatenate([rows, columns], axis=3))
    moved = shift.random_shift(both, 0.1, 0.1, tf.constant([7, 8])).numpy()
    offsets = moved[:, 20, 10] - [20, 10]
    assert (np.abs(offsets) <= [4.001, 2.001]).all()
    assert (offsets.min(axis=0) < [-3.6, -1.8]).all() and (offsets.max(axis=0) > [3.6, 1.8]).all()
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 0.2
    again = shift.random_shift(both, 0.1, 0.1, tf.constant([7, 8])).numpy()
    other = shift.random_shift(both, 0.1, 0.1, tf.constant([7, 9])).numpy()
    assert np.array_equal(again, moved) and not np.array_equal(other, moved)


def test_a_whole_shift_moves_pixels_exactly_and_repeats_the_border():
    image = np.arange(36, dtype=np.float32).reshape(1, 6, 6, 1)
    moved = shift.shift(tf.constant(image), tf.constant([[2.0, -1.0]])).numpy()
    rows, columns = np.clip(np.arange(6) + 2, 0, 5), np.clip(np.arange(6) - 1, 0, 5)
    assert np.array_equal(moved[0], image[0][rows][:, columns])


def test_offsets_belong_to_their_own_image(images):
    batch, offsets = images[:3].astype(np.float32), [(0, 0), (1, 0), (0.25, -1.5)]
    together = shift.shift(tf.constant(batch), tf.constant(offsets, tf.float32)).numpy()
    for i, offset in enumerate(offsets):
        alone = shift.shift(tf.constant(batch[i : i + 1]), tf.constant([offset], tf.float32))
        assert np.array_equal(together[i], alone.numpy()[0])


@pytest.mark.parametrize("kind", ["normalize", "whiten"])
def test_training_images_without_augmentation_are_the_test_images(images, kind):
    still = {"horizontal_flip": False}
    if kind == "normalize":
        still |= {"width_shift": 0.0, "height_shift": 0.0}
    ours = generators.make(kind, still)
    statistics = ours.fit(images)
    seed = tf.constant([1, 2])
    arrays = tf.constant(ours.training_arrays(images[:9], statistics))
    training = ours.training_batch(arrays, seed, statistics).numpy()
    test = ours.test_batch(tf.constant(ours.test_arrays(images[:9], statistics)), statistics)
    np.testing.assert_allclose(training, test.numpy(), atol=1e-6)


def test_normalize_augments_as_shift_then_flip(images):
    """The whole training stream of a batch: the reference's transform with the offsets drawn."""
    ours = generators.make("normalize", {})
    statistics = ours.fit(images)
    theirs = reference(images, featurewise_center=True, featurewise_std_normalization=True)
    seed, floats = tf.constant([3, 5], tf.int64), tf.constant(images[:16].astype(np.float32))
    offsets = (tf.random.stateless_uniform([16, 2], seed, -1.0, 1.0) * [0.8, 0.8]).numpy()
    output = ours.training_batch(tf.constant(images[:16]), seed, statistics).numpy()
    for i, image in enumerate(floats.numpy()):
        moves = {"ty": offsets[i, 0], "tx": offsets[i, 1]}
        plain, mirror = (
            theirs.standardize(theirs.apply_transform(image, moves | {"flip_horizontal": f}) / 255)
            for f in (False, True)
        )
        error = min(np.abs(output[i] - plain).max(), np.abs(output[i] - mirror).max())
        assert error < 5e-3


def test_no_generator_gives_pixels_in_0_to_1(images):
    output = generators.make("none", {}).test_batch(tf.constant(images[:4]), {}).numpy()
    np.testing.assert_allclose(output, images[:4] / 255, atol=1e-7)


def test_a_channel_without_contrast_gives_zeros(images):
    flat = images.copy()
    flat[..., 1] = 77
    ours = generators.make("normalize", {})
    output = ours.test_batch(tf.constant(flat[:4]), ours.fit(flat)).numpy()
    assert np.isfinite(output).all()
    assert np.abs(output[..., 1]).max() < 0.1
