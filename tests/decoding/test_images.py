"""Decoding: every mode and format becomes upright RGB of the wanted size."""

import io
import struct
import zlib

import numpy as np
import pytest
import reader_fixtures as fx
from PIL import Image

from convstudy.decoding.images import Form, load_image
from convstudy.foundation.errors import UserError


def loaded(image, file_format="PNG", size=None, **options):
    content = fx.encoded(image, file_format, **options)
    return load_image(io.BytesIO(content), Form(size or image.size[::-1]), "a.png")


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "WEBP"])
def test_lossless_formats_give_the_pixels(file_format):
    image = fx.picture(size=(5, 7))
    options = {"lossless": True} if file_format == "WEBP" else {}
    assert np.array_equal(loaded(image, file_format, **options), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_modes(mode):
    image = Image.new("RGB", (16, 16), (200, 40, 90)).convert(mode)
    expected = np.asarray(image.convert("RGB")).astype(int)
    pixels = loaded(image, "JPEG", quality=95)
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels - expected).max() <= 6


def test_grey_and_palette_and_one_bit():
    grey = fx.picture(mode="L")
    assert np.array_equal(loaded(grey), np.asarray(grey.convert("RGB")))
    assert np.array_equal(loaded(grey.convert("1")), np.asarray(grey.convert("1").convert("RGB")))
    palette = fx.picture(mode="P")
    assert np.array_equal(loaded(palette), np.asarray(palette.convert("RGB")))


def test_sixteen_bit_grey_is_scaled():
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    pixels = loaded(Image.fromarray(values))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_laid_over_white(mode):
    image = Image.new("RGBA", (2, 1), (10, 10, 10, 255))
    image.putpixel((0, 0), (10, 10, 10, 0))
    options = {}
    if mode == "P":
        image, options = Image.new("P", (2, 1), 1), {"transparency": 0}
        image.putpalette([10, 10, 10] * 2)
        image.putpixel((0, 0), 0)
    assert loaded(image.convert(mode), **options).tolist() == [[[255] * 3, [10] * 3]]


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    pixels = loaded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = fx.picture(size=(6, 4))
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(loaded(stored, size=(4, 6), exif=exif), np.asarray(upright))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"])
def test_a_broken_exif_block_does_not_cost_the_image(exif):
    image = fx.picture()
    assert np.array_equal(loaded(image, exif=exif), np.asarray(image))


def test_resizing_shrinks_without_aliasing():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels = loaded(Image.fromarray(stripes), size=(16, 8))
    assert pixels.shape == (16, 8, 3)
    assert np.abs(pixels.astype(int) - 127).max() < 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        fx.encoded(fx.picture(size=(64, 64)))[:-400],
        fx.encoded(fx.picture(size=(64, 64)), "JPEG")[:-400],
    ],
)
def test_what_cannot_be_decoded_is_named(content):
    with pytest.raises(UserError, match="some/a.png"):
        load_image(io.BytesIO(content), Form((8, 8)), "some/a.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 20_000])
def test_a_bomb_is_refused_before_it_is_decoded(side):
    header = fx.encoded(Image.new("1", (8, 8)))
    size = struct.pack(">II", side, side)
    chunk = b"IHDR" + size + header[24:29]
    bomb = header[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + header[33:]
    with pytest.raises(UserError, match="a.png: the image is too large to decode"):
        load_image(io.BytesIO(bomb), Form((8, 8)), "a.png")
