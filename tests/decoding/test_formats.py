"""Files of every format give their pixels, whatever they are called; other files are named."""

import functools
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import reader_fixtures as fx
from PIL import Image

from convstudy.decoding import formats
from convstudy.decoding.images import (
    Form,
    UnreadableImage,
    decode,
    is_image_like,
    is_image_name,
    load_image,
)

SIZE = (24, 20)  # width, height
COLOUR = (200, 40, 90)
GREY = np.arange(480, dtype=np.uint8).reshape(20, 24)


def heif(image, **options):
    formats.register_heif()
    return fx.encoded(image, "HEIF", **options)


def loaded(content, **form):
    return load_image(io.BytesIO(content), Form(SIZE[::-1], **form), "some/a.png")


LOSSLESS = {
    "PNG": {}, "BMP": {}, "PPM": {}, "WEBP": {"lossless": True}, "JPEG2000": {},
    "TIFF": {}, "TIFF lzw": {"compression": "tiff_lzw"},
    "TIFF deflate": {"compression": "tiff_adobe_deflate"}, "TIFF big": {"big_tiff": True},
    "TIFF bits": {"compression": "packbits"},
    "JPEG2000 raw": {"no_jp2": True},
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_lossless_formats_give_the_pixels(name, mode):
    image = fx.picture(size=SIZE, mode=mode)
    content = fx.encoded(image, name.split()[0], **LOSSLESS[name])
    assert np.array_equal(loaded(content), np.asarray(image.convert("RGB")))
    grey = loaded(content, channels=1)
    assert grey.shape == (20, 24, 1)
    assert np.array_equal(grey[:, :, 0], np.asarray(image.convert("L")))


@pytest.mark.parametrize("file_format", ["JPEG", "AVIF", "HEIF"])
def test_lossy_formats_give_the_colour(file_format):
    image = Image.new("RGB", SIZE, COLOUR)
    content = heif(image) if file_format == "HEIF" else fx.encoded(image, file_format, quality=95)
    assert np.abs(loaded(content).astype(int) - COLOUR).max() <= 6
    assert decode(io.BytesIO(content), Form(SIZE), "a").format == file_format


@pytest.mark.parametrize("plain", [True, False])
def test_bitmaps_and_greymaps_in_text_and_bytes(plain):
    bits = b"P1 # a comment\n2 1\n1 0\n" if plain else b"P4 2 1\n\x80"
    assert load_image(io.BytesIO(bits), Form((1, 2)), "a.pbm")[0, :, 0].tolist() == [0, 255]
    grey = b"P2 2 1 255 7 9\n" if plain else b"P5 2 1 255\n\x07\x09"
    assert load_image(io.BytesIO(grey), Form((1, 2)), "a.pgm")[0, :, 0].tolist() == [7, 9]


def test_a_tiff_file_is_upright_and_gives_its_first_page():
    pages = [fx.picture(seed, SIZE) for seed in (1, 2)]
    content = fx.encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = decode(io.BytesIO(content), Form(SIZE), "a")
    assert found.pages and np.array_equal(np.asarray(found.image), np.asarray(pages[0]))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = fx.encoded(pages[0].transpose(Image.Transpose.ROTATE_90), "TIFF", exif=exif)
    found = decode(io.BytesIO(content), Form(SIZE), "a")
    assert not found.pages and np.array_equal(np.asarray(found.image), np.asarray(pages[0]))


@pytest.mark.parametrize("file_format", ["HEIF", "AVIF"])
def test_a_phone_photo_is_turned_once(file_format):
    image = Image.new("RGB", (32, 16), COLOUR)
    image.paste((0, 0, 255), (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: the left half comes to the top
    options = {"exif": exif.tobytes()}
    encode = heif if file_format == "HEIF" else functools.partial(fx.encoded, file_format="AVIF")
    content = encode(image, **options)
    pixels = load_image(io.BytesIO(content), Form((32, 16)), "a").astype(int)
    assert np.abs(pixels[:12] - (0, 0, 255)).max() < 20
    assert np.abs(pixels[20:] - COLOUR).max() < 20


def test_endings_of_the_formats_count_and_the_content_decides():
    for ending in ("jfif", "JPE", "tif", "tiff", "ppm", "pgm", "avif", "jp2", "j2k", "heic"):
        assert is_image_name(f"a/b.{ending}")
    assert not is_image_name("b.txt") and not is_image_name(".b.tif")


def test_images_that_are_not_read_are_told_from_other_files():
    for name in ("b.NEF", "b.dcm", "b.jpf", "b.png"):
        assert is_image_like(name)
    assert not is_image_name("b.nef")
    assert not is_image_like("b.txt") and not is_image_like(".b.nef")


def test_an_image_with_another_ending_is_read(tmp_path):
    path = tmp_path / "t.jpg"
    Image.new("RGB", SIZE, (1, 2, 3)).save(path, format="TIFF")
    assert load_image(path, Form((2, 2)), "t.jpg")[0, 0].tolist() == [1, 2, 3]
    assert decode(path, Form((2, 2)), "t.jpg").format == "TIFF"


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "b")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\0" * 900, "the file is nothing but zeros"),
        (b"<html>403 Forbidden</html>", "the file is a web page"),
        (b"\n <!DOCTYPE HTML><title>x</title>", "the file is a web page"),
        (b"<?xml version='1.0'?>\n<svg/>", r"the file is a drawing \(SVG\)"),
        ("name,class\nä.png,cat\n".encode() * 99, "the file is a text"),
        (zipped(), "the file is a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(99), "the file is a gzip archive"),
        (b"%PDF-1.7", "the file is a PDF document"),
        (bytes(128) + b"DICM", "the file is a DICOM file"),
        (b"\0\0\0\x20ftypisom" + bytes(20), "the file is a video"),
        (bytes(range(256)), "the file is of an unknown format"),
        (b"\xff\xd8\xff\xe0" + bytes(range(100)), "the file is a JPEG image that is cut off"),
        (b"Pf 1 1 -1.0\n\0\0\0\0", "the file is a damaged PPM image: its pixels are floating"),
    ],
)
def test_the_message_says_what_a_file_is(content, reason):
    with pytest.raises(UnreadableImage, match=rf"^some/a.png: cannot be read .*{reason}") as caught:
        loaded(content)
    assert caught.value.name == "some/a.png"
    assert len(caught.value.reason) < 120 and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "AVIF", "HEIF"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_file_that_is_cut_is_called_so(name, kept):
    image = fx.picture(size=(64, 64))
    content = heif(image) if name == "HEIF" else fx.encoded(image, name)
    with pytest.raises(UnreadableImage) as caught:
        loaded(content[: int(len(content) * kept)])
    assert caught.value.reason == f"the file is a {name} image that is cut off"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("name", ["TIFF", "TIFF lzw", "PPM", "JPEG2000"])
def test_other_files_that_are_cut_are_refused(name):
    content = fx.encoded(fx.picture(size=(64, 64)), name.split()[0], **LOSSLESS[name])
    with pytest.raises(UnreadableImage, match=f"{name.split()[0]} image"):
        loaded(content[: len(content) // 2])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnreadableImage, match="some/a.png: cannot be read .*No such file"):
        load_image(tmp_path / "none.png", Form((2, 2)), "some/a.png")


def test_the_library_of_heic_is_needed_for_heic_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(UnreadableImage, match="a HEIC image, and .* install pillow-heif"):
        loaded(content)
    loaded(fx.encoded(fx.picture()))
    code = (
        "import sys; from convstudy.decoding.images import *; import io;"
        "load_image(io.BytesIO(b'P5 1 1 255 x'), Form((1, 1)), 'a');"
        "assert 'pillow_heif' not in sys.modules"
    )
    scripts = str(Path(formats.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": scripts})


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_max_pixels_is_the_limit_of_every_decoder(name):
    image = Image.new("RGB", SIZE)
    content = heif(image) if name == "HEIF" else fx.encoded(image, name)
    for limit in (1, 479):
        with pytest.raises(UnreadableImage, match=f"too large to decode .* at most {limit} pixels"):
            loaded(content, max_pixels=limit)
    loaded(content, max_pixels=480)
