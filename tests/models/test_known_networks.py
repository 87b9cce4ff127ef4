"""Networks that people know: the published counts of their parameters, and that they can learn."""

import keras
import numpy as np
import pytest
from keras import layers

from convstudy import models
from convstudy.networks import keras_file, outputs
from convstudy.study import plugin_options

# Kinds with the options of their smallest network, and the least images that tests give them.
SMALL = {
    "resnet_cifar": ({}, 16),
    "wide_resnet": ({"depth": 10, "width": 1}, 16),
    "vgg_bn": ({"depth": 11}, 32),
    "conv_mixer": ({"width": 16, "depth": 2, "patch": 2}, 16),
    "resnet9": ({}, 16),
    "airbench": ({"width": 8}, 16),
    "application": ({"name": "MobileNetV3Small", "batch_norm_momentum": 0.9}, 32),
}
EACH = pytest.mark.parametrize("kind", SMALL)


def trained(model):
    """The number of trained parameters, as papers count."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


# Sources: [1] the paper's own figure, in its digits; [2] an exact count of the same network in
# other code: y0ast's and akamaster's ResNets, pytorchcv (osmr/imgclsmob), objax's WideResNet,
# kuangliu's VGG, Page's ResNet-9 as torchsummary prints it.
@pytest.mark.parametrize(
    ("kind", "options", "paper", "exact"),
    [
        ("resnet_cifar", {"depth": 20}, "0.27", 269_722),  # He et al. 2016, table 6
        ("resnet_cifar", {"depth": 32}, "0.46", 464_154),
        ("resnet_cifar", {"depth": 44}, "0.66", 658_586),
        ("resnet_cifar", {"depth": 56}, "0.85", 853_018),
        ("resnet_cifar", {"depth": 110}, "1.7", None),
        ("resnet_cifar", {"depth": 20, "shortcut": "projection"}, "0.27", 272_474),
        ("resnet_cifar", {"depth": 56, "shortcut": "projection"}, "0.85", 855_770),
        ("wide_resnet", {"depth": 16, "width": 4}, "2.7", 2_748_890),
        # Zagoruyko and Komodakis 2016, table 4
        ("wide_resnet", {"depth": 40, "width": 1}, "0.6", None),
        ("wide_resnet", {"depth": 40, "width": 4}, "8.9", 8_949_210),
        ("wide_resnet", {"depth": 16, "width": 8}, "11.0", None),
        ("wide_resnet", {"depth": 28, "width": 10}, "36.5", 36_479_194),
        ("vgg_bn", {"depth": 11}, "9.2", 9_231_114),
        ("vgg_bn", {"depth": 13}, "9.4", 9_416_010),
        ("vgg_bn", {"depth": 16}, "14.7", 14_728_266),
        ("vgg_bn", {"depth": 19}, "20.0", 20_040_522),
        ("conv_mixer", {}, "0.7", None),  # Trockman and Kolter 2023, on CIFAR-10
        ("resnet9", {}, "6.6", 6_573_120),
        ("airbench", {}, "1.97", None),  # Jordan 2024, section 3
    ],
)
def test_parameters_are_the_published_ones(kind, options, paper, exact):
    found = trained(models.build(kind, (32, 32, 3), 10, options))
    assert abs(found / 1e6 - float(paper)) < 10.0 ** -len(paper.split(".")[1])  # some are cut
    assert found == (exact or found)


@pytest.mark.parametrize(
    ("width", "depth", "kernel", "millions"), [(1536, 20, 9, "51.6"), (768, 32, 7, "21.1")]
)
def test_conv_mixers_of_imagenet_have_the_papers_parameters(width, depth, kernel, millions):
    options = {"width": width, "depth": depth, "kernel": kernel, "patch": 7}
    found = trained(models.build("conv_mixer", (224, 224, 3), 1000, options))
    assert f"{found / 1e6:.1f}" == millions  # table 1
    # the formula of its appendix
    blocks = width * (depth * (kernel**2 + width + 6) + 3 * 7**2 + 1000 + 3)
    assert found == blocks + 1000


@EACH
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_take_other_sizes_and_grey_images(kind, channels):
    options, side = SMALL[kind]
    model = outputs.build(kind, (side, side + 5, channels), 7, options)
    rows = np.asarray(model(images(3, side, side + 5, channels)))
    assert rows.shape == (3, 7)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)


@EACH
def test_a_step_of_training_lowers_the_loss(kind):
    keras.utils.set_random_seed(0)
    options, side = SMALL[kind]
    model = models.build(kind, (side, side, 3), 4, options)
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    batch, labels = images(16, side, side, 3), np.arange(16) % 4
    before = float(model.train_on_batch(batch, labels))
    assert float(model.train_on_batch(batch, labels)) < before


@EACH
def test_a_network_comes_back_from_its_file(kind, tmp_path):
    options, side = SMALL[kind]
    model, batch = models.build(kind, (side, side, 3), 4, options), images(2, side, side, 3)
    keras_file.save_model(model, tmp_path / "model.keras")
    again = keras_file.load_model(tmp_path / "model.keras", kind)
    assert np.array_equal(np.asarray(model(batch)), np.asarray(again(batch)))


@EACH
def test_mixed_precision_ends_in_full_precision(kind, policy):
    policy("mixed_bfloat16")
    options, side = SMALL[kind]
    model = models.build(kind, (side, side, 3), 4, options)
    rows = model(images(2, side, side, 3))
    assert rows.dtype == "float32"
    np.testing.assert_allclose(np.asarray(rows).sum(axis=1), 1, rtol=1e-5)
    convolutions = [
        layer
        for part in (model, *(x for x in model.layers if isinstance(x, keras.Model)))
        for layer in part.layers
        if isinstance(layer, layers.Conv2D)
    ]
    assert convolutions and {layer.compute_dtype for layer in convolutions} == {"bfloat16"}


@pytest.mark.parametrize("kind", ["vgg_bn", "resnet9", "airbench"])
def test_the_smallest_images_are_what_the_model_says(kind):
    least = plugin_options.describe("models", kind).constants["SMALLEST"]
    models.build(kind, (least, least, 3), 2, {})
    with pytest.raises(ValueError):
        models.build(kind, (least, least - 1, 3), 2, {})


@pytest.mark.parametrize("side", [16, 13])
def test_identity_shortcuts_take_every_second_pixel_and_add_channels_of_zeros(side):
    model = models.build("resnet_cifar", (side, side, 3), 2, {})
    first, *others = [x for x in model.layers if isinstance(x, layers.Conv2D)]
    for layer in others:
        layer.kernel.assign(0 * layer.kernel)
    stem = next(x for x in model.layers if isinstance(x, layers.Activation))
    pooled = next(x for x in model.layers if isinstance(x, layers.GlobalAveragePooling2D))
    seen = keras.Model(model.inputs, [stem.output, pooled.output])
    maps, vectors = (np.asarray(x) for x in seen(images(2, side, side, 3)))
    expected = maps[:, ::2, ::2][:, ::2, ::2].mean(axis=(1, 2))
    np.testing.assert_allclose(vectors[:, :16], expected, rtol=1e-5)
    assert vectors.shape == (2, 64) and not vectors[:, 16:].any()


def test_identity_and_convolution_of_a_block_look_at_the_same_pixels():
    # a convolution with stride that passes its middle pixel on is the identity shortcut
    for kind in ("resnet_cifar", "wide_resnet"):
        model = models.build(kind, (8, 8, 1), 2, {})
        strided = [x for x in model.layers if isinstance(x, layers.Conv2D) and x.strides == (2, 2)]
        layer = next(x for x in strided if x.kernel_size == (3, 3))
        padding = layer.input._keras_history.operation
        assert isinstance(padding, layers.ZeroPadding2D)
        kernel = np.zeros(layer.kernel.shape, np.float32)
        kernel[1, 1, 0, 0] = 1
        layer.kernel.assign(kernel)
        batch = images(1, *padding.input.shape[1:])
        found = np.asarray(layer(padding(batch)))[..., 0]
        np.testing.assert_allclose(found, batch[:, ::2, ::2, 0], rtol=1e-6)


@pytest.mark.parametrize("name", ["EfficientNetB0", "EfficientNetV2B0"])
def test_an_application_takes_the_generators_pixels_as_they_are(name):
    model = models.build("application", (32, 32, 3), 3, {"name": name})
    network = next(x for x in model.layers if isinstance(x, keras.Model))
    stem = next(x for x in network.layers if isinstance(x, layers.Conv2D))
    entering = keras.Model(network.inputs, stem.input)
    batch = images(2, 32, 32, 3)
    before = batch
    for layer in model.layers[1 : model.layers.index(network)]:
        before = layer(before)
    found = np.asarray(entering(before))
    np.testing.assert_allclose(found[:, :32, :32][:, -31:, -31:], batch[:, 1:, 1:], atol=1e-5)


def test_a_patch_larger_than_the_images_is_told():
    with pytest.raises(Exception, match="patch: 5"):
        models.build("conv_mixer", (4, 8, 3), 2, {"patch": 5})


def test_dropout_stands_between_the_convolutions_of_each_block():
    model = models.build("wide_resnet", (8, 8, 3), 2, {"depth": 22, "width": 1, "dropout": 0.3})
    found = [x for x in model.layers if isinstance(x, layers.Dropout)]
    assert [x.rate for x in found] == [0.3] * 9
    users = [node.operation for x in found for node in x._outbound_nodes]
    assert {type(x) for x in users} == {layers.Conv2D}


def test_the_first_convolution_of_airbench_separates_what_patches_hold():
    """Neighbours and colours that are alike, as in photographs, leave it uncorrelated."""
    model = models.build("airbench", (200, 200, 3), 2, {"width": 4})
    noise = images(40, 202, 202, 3)
    colours = noise + 2 * images(40, 202, 202, 1)
    smooth = sum(colours[:, y : y + 200, x : x + 200] for y in range(3) for x in range(3))
    pixels = [smooth[:, y : y + 199, x : x + 199] for y in range(2) for x in range(2)]
    patches = np.concatenate(pixels, axis=-1).reshape(-1, 12)
    found = np.asarray(model.get_layer("patches")(smooth))
    assert np.array_equal(found[..., :12], -found[..., 12:])
    found = found[..., :12].reshape(-1, 12)

    def correlation(rows):
        return np.abs(np.corrcoef(rows.T) - np.eye(12)).max()

    assert correlation(patches) > 0.8 and correlation(found) < 0.03
    np.testing.assert_allclose((found**2).sum(axis=1), (patches**2).sum(axis=1), rtol=1e-3)


def test_convolutions_of_airbench_begin_as_the_identity():
    model = models.build("airbench", (16, 16, 3), 2, {"width": 32})
    _, *others = [x for x in model.layers if isinstance(x, layers.Conv2D)]
    assert [x.filters for x in others] == [32, 32, 128, 128, 128, 128]
    for layer in others:
        maps = images(1, 6, 6, layer.input.shape[-1])
        handed_on = min(maps.shape[-1], layer.filters)
        found = np.asarray(layer(maps))
        np.testing.assert_allclose(found[..., :handed_on], maps[..., :handed_on], rtol=1e-5)
        assert handed_on == layer.filters or found[..., handed_on:].std() > 0.01
