"""Targets: image files of every admitted format."""

import zlib
from pathlib import Path

import numpy as np
import reader_fixtures as fx
from PIL import Image

from convstudy.decoding.images import Form, load_image
from fuzz.harness import Target
from fuzz.mutations import mutated


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


def check_image(case: bytes, path: Path) -> None:
    path.write_bytes(case)
    with open(path, "rb") as stream:
        pixels = load_image(stream, Form((8, 6)), str(path))
    assert pixels.shape == (8, 6, 3) and pixels.dtype == np.uint8


TARGETS = [
    # One picture may have 89 million pixels, which transparency triples at 4 bytes each.
    Target("image bytes", lambda: mutated(image_files()), check_image, memory=1500),
    Target("png chunks", lambda: mutated(image_files()[4:9], right_crcs), check_image, memory=1500),
]
