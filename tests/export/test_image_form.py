"""New images are brought to the form of the images that a network was trained on."""

import types

import keras
import numpy as np
import pytest
from PIL import Image

from convstudy.decoding.form import Form
from convstudy.export import exported_network, prediction
from convstudy.foundation.errors import UserError
from convstudy.networks import keras_file

ABOUT = {
    "class_names": ["a", "b"], "image_size": [4, 6], "fit": "pad", "channels": 1,
    "value_range": [0, 4095],
}  # fmt: skip


def saved(path, channels, about):
    pixels = keras.layers.Input((4, 6, channels))
    values = keras.layers.Dense(2)(keras.layers.Flatten()(pixels))
    keras_file.save_model(keras.Model(pixels, values), path, about)
    return path


def test_predict_makes_images_as_the_data_set_did(tmp_path):
    values = np.tile(np.array([[0, 2048, 4095, 4095]], np.uint16), (4, 1))
    Image.fromarray(values).save(tmp_path / "a.png")
    seen = []

    def predict_on_batch(batch):
        seen.append(batch)
        return np.full((len(batch), 2), 0.5)

    model = types.SimpleNamespace(predict_on_batch=predict_on_batch)
    network = types.SimpleNamespace(model=model, about=ABOUT)
    prediction.classify(network, [("a", tmp_path / "a.png")], tmp_path / "t.csv", 1)
    assert seen[0].shape == (1, 4, 6, 1) and seen[0].dtype == np.uint8
    assert seen[0][0, 0, :, 0].tolist() == [0, 0, 128, 255, 255, 0]


def test_an_export_of_another_form_is_loaded(tmp_path):
    path = saved(tmp_path / "a.keras", 1, ABOUT)
    assert Form.of(exported_network.load(path).about) == Form((4, 6), "pad", 1, (0, 4095))


@pytest.mark.parametrize("change", [{"channels": 3}, {"fit": "x"}, {"value_range": [3]}])
def test_an_export_that_says_another_form_is_refused(tmp_path, change):
    path = saved(tmp_path / "a.keras", 1, ABOUT | change)
    with pytest.raises(UserError, match="a.keras: is another network than it says"):
        exported_network.load(path)


def test_the_pixels_are_described():
    assert Form((4, 6)).described() == (
        "RGB, 0-255, resized to image_size (bilinear, aspect ratio not kept)"
    )
    words = Form.of(ABOUT).described()
    assert "grey, 0-255" in words and "4095 became 255" in words and "black" in words
