"""Folded batch norms: the same features and the same gradients as of the network as it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from convstudy.networks import folding

# the smallest of each family of keras.applications with batch norms, and its norms before which
# there is a convolution alone
FAMILIES = {
    "ResNet50": "all",
    "ResNet50V2": "some",
    "MobileNet": "all",
    "MobileNetV2": "all",
    "MobileNetV3Small": "all",
    "DenseNet121": "some",
    "EfficientNetB0": "all",
    "EfficientNetV2B0": "all",
    "InceptionV3": "all",
    "InceptionResNetV2": "all",
    "NASNetMobile": "some",
    "Xception": "all",
    "VGG16": "none",
    "ConvNeXtTiny": "none",
}
SIZE = 75  # the least that all of them take


def norms(network):
    return [x for x in network.layers if isinstance(x, layers.BatchNormalization)]


def trained(network, seed=0):
    """Statistics, scales and offsets as a training would leave them, not 0 and 1."""
    rng = np.random.default_rng(seed)
    for norm in norms(network):
        for weight in norm.weights:
            low, high = (-0.2, 0.2) if weight.name in ("beta", "moving_mean") else (0.6, 1.4)
            weight.assign(rng.uniform(low, high, weight.shape))
    return network


@pytest.mark.parametrize("application", FAMILIES)
def test_features_stay(application):
    keras.utils.set_random_seed(0)
    make = getattr(keras.applications, application)
    network = trained(
        make(weights=None, include_top=False, pooling="avg", input_shape=(SIZE, SIZE, 3))
    )
    images = np.random.default_rng(0).uniform(-1, 1, (2, SIZE, SIZE, 3)).astype(np.float32)
    before, names = network(images, training=False).numpy(), [x.path for x in network.weights]
    folded = folding.fold(network, whole=True)
    after = network(images, training=False).numpy()
    found = "none" if folded == 0 else "all" if folded == len(norms(network)) else "some"
    assert found == FAMILIES[application]
    assert np.abs(after - before).max() <= 1e-5 * np.abs(before).max()
    assert [x.path for x in network.weights] == names
    assert folded == 0 or not np.array_equal(after, before)


def small(frozen):
    keras.utils.set_random_seed(1)
    images = layers.Input((12, 12, 3))
    maps = images
    for convolution in (
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        layers.SeparableConv2D(6, 2, padding="same"),
    ):
        maps = layers.ReLU()(layers.BatchNormalization()(convolution(maps)))
    network = trained(keras.Model(images, layers.GlobalAveragePooling2D()(maps)))
    for norm, still in zip(norms(network), frozen, strict=True):
        norm.trainable = not still
    return network


def one_step(network):
    images = np.random.default_rng(0).normal(size=(5, 12, 12, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(images, training=True) ** 2)
    return loss, dict(
        zip(
            [x.path for x in network.trainable_variables],
            tape.gradient(loss, network.trainable_variables),
            strict=True,
        )
    )


@pytest.mark.parametrize("frozen", [(True, True, True), (True, False, True)])
def test_gradients_stay_those_of_the_weights_themselves(frozen):
    plain, folded = small(frozen), small(frozen)
    assert folding.fold(folded) == sum(frozen)
    (loss, gradients), (same, others) = one_step(plain), one_step(folded)
    np.testing.assert_allclose(loss, same, rtol=1e-5)
    pairs = zip(gradients.values(), others.values(), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * np.abs(one).max())


def test_norms_that_train_stay():
    assert folding.fold(small((False, False, False))) == 0


def after(make):
    """The network of an input of 8 x 8 x 3, and what `make` puts behind it."""
    images = layers.Input((8, 8, 3))
    return trained(keras.Model(images, make(images)))


def shared_convolution(images):
    convolution = layers.Conv2D(3, 3, padding="same")
    return layers.BatchNormalization()(convolution(convolution(images)))


def shared_maps(images):
    maps = layers.Conv2D(3, 3, padding="same")(images)
    return layers.Add()([maps, layers.BatchNormalization()(maps)])


def maps_that_are_an_output(images):
    maps = layers.Conv2D(3, 3, padding="same")(images)
    return [maps, layers.BatchNormalization()(maps)]


def shared_norm(images):
    norm = layers.BatchNormalization()
    return norm(layers.Conv2D(3, 3)(norm(layers.Conv2D(3, 3)(images))))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: layers.BatchNormalization()(layers.Conv2D(3, 3, activation="relu")(x)),
        lambda x: layers.BatchNormalization(axis=1)(layers.Conv2D(3, 3)(x)),
        lambda x: layers.Conv2D(3, 3)(layers.BatchNormalization()(x)),
        lambda x: layers.BatchNormalization(dtype="mixed_bfloat16")(layers.Conv2D(3, 3)(x)),
        shared_convolution,
        shared_maps,
        maps_that_are_an_output,
        shared_norm,
    ],
)
def test_what_cannot_be_folded_stays(make):
    network = after(make)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    before = [np.asarray(x) for x in keras.tree.flatten(network(images, training=False))]
    assert folding.fold(network, whole=True) == 0
    now = [np.asarray(x) for x in keras.tree.flatten(network(images, training=False))]
    for one, other in zip(before, now, strict=True):
        assert np.array_equal(one, other)


def test_norms_of_nested_networks_are_folded():
    inner = after(lambda x: layers.BatchNormalization()(layers.Conv2D(3, 3)(x)))
    images = layers.Input((8, 8, 3))
    outer = keras.Model(images, layers.Flatten()(inner(images)))
    data = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    before = outer(data, training=False).numpy()
    assert folding.fold(outer, whole=True) == 1
    np.testing.assert_allclose(outer(data, training=False), before, rtol=1e-4, atol=1e-5)
