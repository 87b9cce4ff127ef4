"""The weights of Keras's networks: where they come from, and that none is fetched by a job."""

import socket

import keras
import numpy as np
import pytest

from convstudy.foundation.errors import UserError
from convstudy.networks import applications, backbones

ROOT = "https://storage.googleapis.com/tensorflow/keras-applications"
SPEC = {"file": None, "weights": "imagenet", "cut": None, "batch_norm_momentum": None}
SIZE = (32, 32)


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Neither a network nor a cache of Keras."""

    def refuse(*args, **kwargs):
        raise AssertionError("opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(keras.src.backend.config, "_KERAS_DIR", str(tmp_path / "keras"))
    yield
    assert not (tmp_path / "keras").exists()


@pytest.mark.parametrize(
    ("name", "origin", "md5"),
    [
        (
            "ResNet50",
            f"{ROOT}/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "4d473c1dd8becc155b73f8504c6f6626",
        ),
        (
            "DenseNet121",
            f"{ROOT}/densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "30ee3e1110167f948a6b9946edeeb738",
        ),
        (
            "MobileNetV3Small",
            f"{ROOT}/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
            "d3e8ec802a04aa4fc771ee12a9a9b836",
        ),
        (
            "MobileNetV2",
            f"{ROOT}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            None,
        ),
    ],
)
def test_what_keras_would_fetch_is_known_without_fetching(name, origin, md5):
    source = applications.published(name)
    assert (source.addresses, source.md5, source.sha256) == ((origin,), md5, None)


def test_a_long_hash_is_a_sha256():
    assert applications.published("ConvNeXtTiny").sha256 is not None


@pytest.mark.parametrize("name", ["MobileNetV2", "EfficientNetB0"])
def test_imagenet_weights_come_from_the_file(tmp_path, monkeypatch, name):
    """Keras builds EfficientNetB0 with one layer more for ImageNet weights than for random ones."""
    monkeypatch.setattr(applications.sources, "check", lambda expectations: None)
    path = tmp_path / f"{name}.h5"
    with monkeypatch.context() as patch:
        patch.setattr(applications.file_utils, "get_file", lambda *_, **__: str(path))
        patch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
        network = applications.make(name, SIZE, "imagenet")
    network.save(path)
    model = backbones.build(SPEC | {"application": name}, SIZE, path)
    inner = next(x for x in model.layers if isinstance(x, keras.Model))
    assert len(inner.layers) == len(network.layers)
    for found, expected in zip(inner.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_file_with_another_checksum_than_keras_has_is_refused(tmp_path):
    path = tmp_path / "ResNet50.h5"
    path.write_bytes(b"no weights")
    with pytest.raises(UserError, match="ResNet50.h5") as refusal:
        backbones.build(SPEC | {"application": "ResNet50"}, SIZE, path)
    assert "4d473c1dd8becc155b73f8504c6f6626" in str(refusal.value)
    assert path.read_bytes() == b"no weights"


def test_a_file_that_is_no_weights_is_refused(tmp_path):
    path = tmp_path / "MobileNetV2.h5"
    path.write_bytes(b"no weights")
    with pytest.raises(UserError, match="MobileNetV2.h5: not the ImageNet weights"):
        backbones.build(SPEC | {"application": "MobileNetV2"}, SIZE, path)


def test_a_size_that_does_not_fit_is_not_blamed_on_the_file(tmp_path):
    with pytest.raises(UserError, match="^backbones: ResNet50 at 8x8 pixels"):
        backbones.build(SPEC | {"application": "ResNet50"}, (8, 8), tmp_path / "weights.h5")


def test_an_unknown_network_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'ResNet50'"):
        applications.published("resnet50")
