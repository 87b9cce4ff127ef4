"""Pixels of more than 8 bits, colour profiles, and the ways to an aspect ratio."""

import io
import zlib

import numpy as np
import pytest
import reader_fixtures as fx
from PIL import Image, ImageCms

from convstudy.decoding.images import Form, UnreadableImage, decode, fitted, load_image
from convstudy.foundation.errors import UserError

DEEP = np.array([[0, 257, 2048, 4095, 32896, 65535]], np.uint16)
SIZE = (1, 6)


def found(source, **form):
    stored = io.BytesIO(source) if isinstance(source, bytes) else source
    return load_image(stored, Form(SIZE, **form), "a")


def big_endian_tiff():
    header = b"MM\0*\0\0\0\x08\0\x08"
    tags = {256: 6, 257: 1, 258: 16, 259: 1, 262: 1, 273: 110, 278: 1, 279: 12}
    entries = b"".join(
        k.to_bytes(2, "big") + b"\0\3\0\0\0\1" + v.to_bytes(2, "big") + b"\0\0"
        for k, v in tags.items()
    )
    return header + entries + bytes(4) + DEEP.astype(">u2").tobytes()


SIXTEEN = {
    "png": lambda: fx.encoded(Image.fromarray(DEEP)),
    "tiff": lambda: fx.encoded(Image.fromarray(DEEP), "TIFF"),
    "tiff lzw": lambda: fx.encoded(Image.fromarray(DEEP), "TIFF", compression="tiff_lzw"),
    "tiff big-endian": big_endian_tiff,
    "jpeg 2000": lambda: fx.encoded(Image.fromarray(DEEP), "JPEG2000"),
    "pgm": lambda: b"P5 6 1 65535\n" + DEEP.astype(">u2").tobytes(),
    "tiff of 32 bits": lambda: fx.encoded(Image.fromarray(DEEP.astype(np.int32)), "TIFF"),
    "array": lambda: DEEP,
    "array (h, w, 1)": lambda: DEEP[:, :, None],
    "colours": lambda: np.repeat(DEEP[:, :, None], 3, axis=2),
}


@pytest.mark.parametrize("kind", SIXTEEN)
def test_sixteen_bits_are_scaled_by_the_value_range(kind):
    make = SIXTEEN[kind]
    grey = found(make())
    assert grey.shape == (1, 6, 3) and grey[0, :, 0].tolist() == [0, 1, 8, 16, 128, 255]
    assert np.array_equal(grey[..., :1], found(make(), channels=1))
    stretched = found(make(), value_range=(0, 4095), channels=1)
    assert stretched[0, :, 0].tolist() == [0, 16, 128, 255, 255, 255]
    stretched = found(make(), value_range=(257, 32896), channels=1)
    assert stretched[0, :, 0].tolist() == [0, 0, 14, 30, 255, 255]
    stored = io.BytesIO(make()) if isinstance(make(), bytes) else make()
    assert decode(stored, Form(SIZE), "a").values == (0, 65535)


def test_all_values_of_the_type_are_as_before():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    pixels = load_image(values, Form((256, 256), channels=1), "a")[:, :, 0]
    assert np.array_equal(pixels, np.rint(values / 257))


def test_white_is_zero_in_16_bits():
    content = fx.encoded(Image.fromarray(DEEP), "TIFF", tiffinfo={262: 0})
    assert found(content)[0, :, 0].tolist() == [255, 254, 247, 239, 127, 0]


def test_values_beyond_the_type_are_refused_and_can_be_given_a_range():
    values = np.array([[-5, 0, 1, 2, 3, 80_000]], np.int32)
    content = fx.encoded(Image.fromarray(values), "TIFF")
    with pytest.raises(UnreadableImage, match=r"a: its values are -5 to 80,000.*value_range"):
        found(content)
    assert found(content, value_range=(-5, 80_000))[0, [0, 5], 0].tolist() == [0, 255]


def test_colours_of_16_bits_are_read_with_their_upper_8():
    rows = [np.concatenate([[0], np.array([[4660, 0, 65535]], ">u2").view(np.uint8).ravel()])]
    header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x10\2\0\0\0")
    body = zlib.compress(np.concatenate(rows).astype(np.uint8).tobytes())
    content = header + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    read = decode(io.BytesIO(content), Form((1, 1)), "a")
    assert read.truncated and read.values == (0, 65535)
    assert np.asarray(read.image).tolist() == [[[0x12, 0, 255]]]


def chunk(kind, body):
    crc = zlib.crc32(kind + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + kind + body + crc


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.float32), np.zeros((4, 4, 3)), np.zeros((4, 4), np.int64),
        np.zeros((4, 4), bool), np.zeros((4, 4), ">u2")[None, None], np.zeros(4, np.uint8),
        np.zeros((3, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8),
        np.array([["a"]]),
    ],
)  # fmt: skip
def test_arrays_of_other_types_and_shapes_are_refused(array):
    with pytest.raises(UnreadableImage, match="^a: .*(expected uint8 or uint16|too large)"):
        found(array)


def test_arrays_of_8_bits_are_taken_as_they_are():
    grey = np.arange(6, dtype=np.uint8).reshape(1, 6)
    for array in (grey, grey[:, :, None], np.repeat(grey[:, :, None], 3, axis=2)):
        assert found(array)[0, :, 1].tolist() == list(range(6))
        assert found(array, channels=1)[0, :, 0].tolist() == list(range(6))
    flipped = np.repeat(grey[:, ::-1, None], 3, axis=2)
    assert found(flipped)[0, :, 0].tolist() == list(range(6))[::-1]


def striped():
    """Red, green, blue and white side by side, (width 40, height 10)."""
    image = Image.new("RGB", (40, 10))
    for k, colour in enumerate(("red", "lime", "blue", "white")):
        image.paste(colour, (10 * k, 0, 10 * k + 10, 10))
    return image


def test_crop_keeps_the_middle_and_pad_the_whole():
    cropped = fitted(striped(), Form((20, 20), "crop"))
    assert cropped[10, 0].tolist()[1] > 200 and cropped[10, 19].tolist()[2] > 200
    assert cropped[..., 0].max() < 60, "red and white lie outside the middle"
    padded = fitted(striped(), Form((20, 20), "pad"))
    assert padded[:7].max() == padded[13:].max() == 0
    assert padded[10, 0].tolist() == [255, 0, 0] and padded[10, 19].tolist() == [255] * 3
    stretched = fitted(striped(), Form((20, 20)))
    assert stretched[0, 0].tolist() == [255, 0, 0] and stretched[0, 19].tolist() == [255] * 3


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_fit_gives_the_form(fit, channels):
    for size in ((8, 8), (1, 5000), (5000, 1), (16, 16), (7, 9), (1, 1)):
        form = Form((8, 8), fit, channels)
        pixels = load_image(np.full(size, 200, np.uint8), form, "a")
        assert pixels.shape == (8, 8, channels) and pixels.dtype == np.uint8
        assert (pixels == 200).any()
        if size in ((8, 8), (16, 16), (1, 1)) or fit != "pad":
            assert (pixels == 200).all()


def profile(linear=True, space=b"RGB ", swapped=False):
    """An ICC profile: Pillow's sRGB, or changed in the places that it is made of."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if linear:
        start = content.index(b"para") + 12  # parameters of the curve ((a x + b) ^ g, c x)
        numbers = b"".join(int(x * 65536).to_bytes(4, "big") for x in (1, 1, 0, 1, 0))
        content = content[:start] + numbers + content[start + len(numbers) :]
    if swapped:
        content = content.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ")
        content = content.replace(b"?XYZ", b"bXYZ")
    if space == b"GRAY":
        content = content.replace(b"rTRC", b"kTRC")
    return content[:16] + space + content[20:]


def srgb(linear):
    """Encode intensities in 0-255 by the standard IEC 61966-2-1."""
    x = np.asarray(linear) / 255
    return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
def test_a_profile_is_converted_to_srgb(file_format):
    image = fx.picture(size=(6, 1))
    options = {"lossless": True} if file_format == "WEBP" else {}
    content = fx.encoded(image, file_format, icc_profile=profile(), **options)
    assert np.abs(found(content) - srgb(image)).max() <= 1
    swapped = fx.encoded(image, file_format, icc_profile=profile(False, swapped=True), **options)
    assert np.abs(found(swapped).astype(int) - np.asarray(image)[:, :, ::-1]).max() <= 2
    assert decode(io.BytesIO(content), Form(SIZE), "a").profile == "converted"


def test_a_profile_of_grey_palette_and_transparent_images():
    grey = fx.picture(size=(6, 1), mode="L")
    content = fx.encoded(grey, icc_profile=profile(space=b"GRAY"))
    assert np.abs(found(content, channels=1)[:, :, 0] - srgb(grey)).max() <= 1
    palette = fx.picture(size=(6, 1), mode="P")
    content = fx.encoded(palette, icc_profile=profile())
    assert np.abs(found(content) - srgb(palette.convert("RGB"))).max() <= 1
    clear = fx.picture(size=(6, 1)).convert("RGBA")
    clear.putpixel((0, 0), (1, 2, 3, 0))
    pixels = found(fx.encoded(clear, icc_profile=profile()))
    assert pixels[0, 0].tolist() == [255] * 3
    assert np.abs(pixels[0, 1:] - srgb(clear.convert("RGB"))[0, 1:]).max() <= 1


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (profile(linear=False), ""),
        (b"no profile", "unusable"),
        (profile()[:200], "unusable"),
        (profile(space=b"CMYK"), "unusable"),
        (profile(space=b"GRAY"), "unusable"),
    ],
)
def test_srgb_and_what_is_no_profile_leave_the_pixels(content, state):
    image = fx.picture(size=(6, 1))
    stored = fx.encoded(image, "TIFF", icc_profile=content)
    read = decode(io.BytesIO(stored), Form(SIZE), "a")
    assert read.profile == state and np.array_equal(np.asarray(read.image), np.asarray(image))


def test_a_form_is_checked_and_recorded():
    block = {"image_size": [4, 6], "fit": "pad", "channels": 1, "value_range": [0, 4095]}
    form = Form.of(block)
    assert (
        form == Form((4, 6), "pad", 1, (0, 4095))
        and Form.of(form.recorded() | {"image_size": [4, 6]}) == form
    )
    assert Form((4, 6)).recorded() == {}
    for wrong in ([5, 5], [5], "range", [0.5, 2], 7):
        with pytest.raises(UserError, match="value_range: .* Expected"):
            Form.of(block | {"value_range": wrong})
    for key, value in {"fit": "fill", "channels": 4}.items():
        with pytest.raises(UserError, match=f"{key}: {value}"):
            Form.of(block | {key: value})
