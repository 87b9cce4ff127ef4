"""Generators against Keras's own ImageDataGenerator, on the same images."""

import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from convstudy import generators
from convstudy.generators import _augmentation


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
    flipped = _augmentation.random_flip(batch, tf.constant([3, 4])).numpy()
    theirs = ImageDataGenerator()
    mirrors = [theirs.apply_transform(x, {"flip_horizontal": True}) for x in batch.numpy()]
    is_mirror = [np.array_equal(a, b) for a, b in zip(flipped, mirrors, strict=True)]
    is_plain = [np.array_equal(a, b) for a, b in zip(flipped, batch.numpy(), strict=True)]
    assert all(np.logical_xor(is_plain, is_mirror))
    assert 16 < sum(is_plain) < 48
    again = _augmentation.random_flip(batch, tf.constant([3, 4])).numpy()
    assert np.array_equal(flipped, again)


@pytest.mark.parametrize("offset", [(0, 0), (1, 0), (0, -2), (0.5, 0), (-0.3, 0.7), (3, 3)])
def test_shifts_are_the_reference_s(images, offset):
    batch = images[:8].astype(np.float32)
    ours = _augmentation.shift(tf.constant(batch), tf.constant([offset] * 8, tf.float32))
    theirs = ImageDataGenerator()  # its tx moves columns, its ty rows
    expected = [theirs.apply_transform(x, {"ty": offset[0], "tx": offset[1]}) for x in batch]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-2)


def test_shifts_keep_within_their_range():
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32)[None, :, None, None], (64, 40, 40, 1))
    moved = _augmentation.random_shift(tf.constant(ramp), 0.1, 0.1, tf.constant([5, 6])).numpy()
    offsets = moved[:, 20, 20, 0] - 20
    assert np.abs(offsets).max() <= 4
    assert offsets.min() < -2 and offsets.max() > 2
