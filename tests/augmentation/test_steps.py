"""All steps, and lists of them: what they keep and follow from, and whom an edit concerns."""

import numpy as np
import pytest
import tensorflow as tf

from convstudy import augmentation
from convstudy.foundation import plugin_files
from convstudy.provenance import code_digests

KINDS = plugin_files.names("augmentation")
LABELS = np.eye(24, dtype=np.float32)


def listed(*kinds):
    return [{"kind": kind, "options": {}} for kind in kinds]


def changed(steps, images, key):
    """What a graph makes of images, as in training."""
    made = augmentation.Augmentation(steps)
    graph = tf.function(made.images_and_labels)
    return [x.numpy() for x in graph(tf.constant(images), LABELS, tf.constant(key, tf.int64))]


@pytest.fixture(scope="module", params=[(18, 14, 3), (16, 16, 1)])
def images(request):
    return np.random.default_rng(0).integers(0, 256, (24, *request.param), dtype=np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_keeps_shape_and_range_and_follows_from_its_key(kind, images):
    one, labels = changed(listed(kind), images, [1, 2])
    assert one.dtype == np.float32 and one.shape == images.shape
    assert one.min() >= 0 and one.max() <= 255.001 and np.isfinite(one).all()
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
    assert augmentation.mixes_labels(listed(kind)) == (not np.array_equal(labels, LABELS))
    again, other = changed(listed(kind), images, [1, 2])[0], changed(listed(kind), images, [1, 3])
    assert np.array_equal(one, again) and not np.array_equal(one, other[0])
    assert not np.array_equal(one, images)


def test_no_two_steps_share_draws():
    keys = [tf.constant([a, 16 * b], tf.int64) for a in range(6) for b in range(6)]
    seeds = {tuple(augmentation._seed(key, x).numpy()) for key in keys for x in range(40)}
    assert len(seeds) == 36 * 40


def test_images_alone_go_through_all_that_mixes_no_labels(images):
    steps = augmentation.Augmentation(listed("flip", "mixup", "cutmix"))
    key = tf.constant([1, 2], tf.int64)
    assert np.array_equal(
        steps.images(images, key), augmentation.Augmentation(listed("flip")).images(images, key)
    )


def test_an_edit_of_one_step_concerns_those_that_use_it():
    def units(*kinds):
        plugins = [f"augmentation/{kind}" for kind in kinds]
        code = code_digests.of("train_model.py", "models/base_net", "generators/none", *plugins)
        return {unit.split("augmentation.")[1] for unit in code.units if "augmentation." in unit}

    plain = units()
    assert not [unit for unit in plain if unit.startswith(tuple(KINDS))]
    assert "cutmix:make" in units("cutmix", "flip") and "_mixing:shares" in units("cutmix")
    assert not units("flip") & {"cutmix:make", "_mixing:shares", "_colour:hue", "rotation:make"}
