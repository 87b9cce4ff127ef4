"""What the images of a data set were like reaches its facts, and their form its HDF5 file."""

import numpy as np
import pytest
import reader_fixtures as fx
from PIL import Image

from convstudy.data import hdf5
from convstudy.decoding.images import Form, load_image


def folder_of(tmp_path, encode, names=("healthy", "tumour"), count=6):
    members = {
        f"{name}/{i}.png": encode(10 * k + i) for k, name in enumerate(names) for i in range(count)
    }
    return {"images": fx.write_files(tmp_path / "data", members)}


def twelve_bits(seed):
    """0 to 4095 in steps of 65, in another order in each image."""
    values = np.random.default_rng(seed).permutation(np.arange(64) * 65).reshape(8, 8)
    return fx.encoded(Image.fromarray(values.astype(np.uint16)))


def prepared(tmp_path, encode=twelve_bits, **settings):
    found = fx.prepared("image_folder", folder_of(tmp_path, encode), tmp_path, **settings)
    found["pixels"] = np.concatenate([found[subset][0] for subset in hdf5.SUBSETS])
    return found


def test_a_class_of_tiff_files_alone_and_a_file_with_another_ending(tmp_path):
    def members(name, number, ending, file_format):
        image = Image.new("RGB", (24, 20), (number, 10, 200))
        return {f"{name}/{number}.{ending}": fx.encoded(image, file_format)}

    files = {}
    for number in range(6):
        files |= members("cat", number, "png", "PNG") | members("fox", 100 + number, "tif", "TIFF")
    files |= members("cat", 9, "jpg", "TIFF")
    folder = fx.write_files(tmp_path / "data", files)
    found = fx.prepared("image_folder", {"images": folder}, tmp_path)
    assert found["attributes"]["class_names"] == ["cat", "fox"]
    assert found["facts"]["originals"]["formats"] == {"PNG": 6, "TIFF": 7}
    for subset in hdf5.SUBSETS:
        for image, label, name in zip(*found[subset], strict=True):
            number = int(name.decode().split("/")[1].split(".")[0])
            assert label == (number >= 100) and (image == (number, 10, 200)).all()


def test_a_range_that_is_mostly_empty_is_noted_with_its_repair(tmp_path):
    found = prepared(tmp_path)
    assert len(np.unique(found["pixels"])) == 17
    (note,) = found["facts"]["notes"]
    assert "highest value of 12 images of 16-bit grey is 4,095 of 65,535" in note
    assert "17 of 256 levels" in note and "value_range: data" in note
    assert "value_range" not in found["attributes"]


def test_the_range_of_all_images_keeps_the_contrast(tmp_path):
    found = prepared(tmp_path, value_range="data", channels=1)
    assert found["pixels"].shape == (12, 8, 8, 1)
    assert len(np.unique(found["pixels"])) == 64
    assert found["attributes"]["value_range"] == [0, 4095]
    assert found["attributes"]["channels"] == 1
    assert found["facts"]["notes"] == ["Values 0 to 4,095 of 12 images became 0 to 255."]
    pixels = load_image(
        tmp_path / "data/tumour/3.png", Form.of(found["attributes"] | {"image_size": [8, 8]}), "a"
    )
    assert any(np.array_equal(pixels, image) for image in found["pixels"])


def test_one_range_holds_for_all_images(tmp_path):
    def encode(number):
        return fx.encoded(Image.fromarray(np.full((8, 8), 1000 + number, np.uint16)))

    found = prepared(tmp_path, encode, value_range="data")
    assert found["attributes"]["value_range"] == [1000, 1015]
    assert sorted(np.unique(found["pixels"])) == [
        round((number - 1000) * 17) for number in (*range(1000, 1006), *range(1010, 1016))
    ]


def test_a_range_without_images_of_more_bits_is_noted(tmp_path):
    found = prepared(tmp_path, lambda n: fx.encoded(fx.picture(n)), value_range=[0, 4095])
    assert "value_range changes nothing" in found["facts"]["notes"][0]
    assert set(found["facts"]["originals"]) == {"sizes", "modes", "formats"}


def test_values_beyond_a_range_that_is_given_are_noted(tmp_path):
    found = prepared(tmp_path, value_range=[0, 1000])
    assert found["facts"]["notes"] == [
        "Values 0 to 1,000 of 12 images became 0 to 255; the highest is 4,095."
    ]


def test_pages_and_profiles_are_noted(tmp_path):
    def encode(number):
        image = fx.picture(number)
        if number == 0:
            return fx.encoded(image, "TIFF", save_all=True, append_images=[image])
        return fx.encoded(image, icc_profile=b"none" if number == 1 else None)

    found = prepared(tmp_path, encode)
    assert found["facts"]["originals"]["formats"] == {"PNG": 11, "TIFF": 1}
    assert found["facts"]["notes"] == [
        "1 image in TIFF files of several pages: the first page is used.",
        "1 image with a colour profile that cannot be used: taken as sRGB.",
    ]


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_the_fit_is_kept_with_the_data(tmp_path, fit):
    found = prepared(tmp_path, lambda n: fx.encoded(fx.picture(n, (16, 8))), fit=fit)
    assert found["attributes"]["fit"] == fit and "channels" not in found["attributes"]
    black = (found["pixels"] == 0).all(axis=3)
    assert black[:, :2].all() == black[:, 6:].all() == (fit == "pad")


def test_a_range_that_is_none_is_refused(tmp_path):
    files = folder_of(tmp_path, twelve_bits)
    with pytest.raises(fx.UserError, match=r"value_range: \[9, 9\] is no range. Expected"):
        fx.prepared("image_folder", files, tmp_path, value_range=[9, 9])
    assert not (tmp_path / "out").exists()
