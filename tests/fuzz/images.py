"""Targets: image files of every admitted format."""

import zlib
from pathlib import Path

import numpy as np
import reader_fixtures as fx
from PIL import Image, ImageCms

from convstudy.decoding import formats
from convstudy.decoding.images import Form, load_image
from fuzz.harness import Target
from fuzz.mutations import mutated

FORM = Form((8, 6))
GREY = Form((8, 6), "pad", 1, (100, 5000))


def image_files() -> list[bytes]:
    picture, frames = fx.picture(1, (11, 9)), [fx.picture(2, (11, 9))]
    exif = Image.Exif()
    exif[0x0112] = 6
    moving = {"save_all": True, "append_images": frames}
    palette = picture.convert("P")
    return [
        fx.encoded(picture, "JPEG", exif=exif),
        fx.encoded(picture, "JPEG", progressive=True, optimize=True),
        fx.encoded(picture.convert("CMYK"), "JPEG"),
        fx.encoded(picture.convert("L"), "JPEG"),
        fx.encoded(picture, "PNG", exif=exif),
        fx.encoded(palette, "PNG", transparency=3),
        fx.encoded(Image.fromarray(np.arange(99, dtype=np.uint16).reshape(9, 11) * 600), "PNG"),
        fx.encoded(picture.convert("RGBA"), "PNG"),
        fx.encoded(picture.convert("1"), "PNG"),
        fx.encoded(picture, "WEBP"),
        fx.encoded(picture.convert("RGBA"), "WEBP", lossless=True, exif=exif),
        fx.encoded(picture, "WEBP", **moving),
        fx.encoded(picture, "BMP"),
        fx.encoded(palette, "BMP"),
        fx.encoded(picture, "GIF", **moving),
        fx.encoded(palette, "GIF", transparency=3),
    ]


def newer_files() -> list[bytes]:
    """Files of the formats with the largest decoders, grey of 16 bits and colour profiles."""
    formats.register_heif()
    picture = fx.picture(3, (24, 20))
    deep = Image.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24) * 130)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    odd = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    pages = {"save_all": True, "append_images": [fx.picture(4, (24, 20))]}
    return [
        fx.encoded(picture, "TIFF"),
        fx.encoded(picture, "TIFF", compression="tiff_lzw", **pages),
        fx.encoded(deep, "TIFF", compression="tiff_adobe_deflate", tiffinfo={262: 0}),
        fx.encoded(picture.convert("CMYK"), "TIFF", compression="jpeg"),
        fx.encoded(picture.convert("1"), "TIFF", compression="group4", big_tiff=True),
        fx.encoded(Image.fromarray(np.asarray(deep).astype(np.int32) - 9), "TIFF"),
        fx.encoded(picture, "PPM"),
        b"P2 # plain\n3 2 4095\n0 1 2 3 4 4095\n",
        b"P5 3 1 65535\n" + bytes(range(6)),
        fx.encoded(picture, "AVIF", icc_profile=odd),
        fx.encoded(picture.convert("RGBA"), "AVIF"),
        fx.encoded(picture, "JPEG2000"),
        fx.encoded(deep, "JPEG2000", no_jp2=True),
        fx.encoded(picture, "HEIF"),
        fx.encoded(picture.convert("L"), "HEIF", icc_profile=odd),
        fx.encoded(picture, "JPEG", icc_profile=odd),
        fx.encoded(picture, "TIFF", icc_profile=odd),
    ]


def right_crcs(content: bytes) -> bytes:
    """Give every chunk of a PNG file its right checksum, so that the decoder looks inside."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content
    fixed, position = bytearray(content), 8
    while position + 12 <= len(fixed):
        end = position + 8 + int.from_bytes(fixed[position : position + 4], "big")
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = zlib.crc32(fixed[position + 4 : end]).to_bytes(4, "big")
        position = end + 4
    return bytes(fixed)


def check_image(case: bytes, path: Path, form: Form = FORM) -> None:
    path.write_bytes(case)
    with open(path, "rb") as stream:
        pixels = load_image(stream, form, str(path))
    assert pixels.shape == (8, 6, form.channels) and pixels.dtype == np.uint8


def check_grey(case: bytes, path: Path) -> None:
    check_image(case, path, GREY)


TARGETS = [
    # One picture may have 89 million pixels, which transparency triples at 4 bytes each.
    Target("image bytes", lambda: mutated(image_files()), check_image, memory=1500),
    Target("png chunks", lambda: mutated(image_files()[4:9], right_crcs), check_image, memory=1500),
    Target("newer images", lambda: mutated(newer_files()), check_image, memory=1500),
    Target("newer, as grey", lambda: mutated(newer_files()), check_grey, memory=1500),
]
