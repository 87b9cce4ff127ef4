"""Decode image files into uint8 arrays of one size, in grey or RGB.

Whatever a file holds becomes 8-bit RGB or grey: palettes are expanded, CMYK is converted, an
embedded colour profile (ICC) is converted to sRGB, transparent pixels are laid over white, and of
several frames or pages the first is taken. Grey of more than 8 bits is scaled to 0-255; of colours
of 16 bits the upper 8 are read, which is all that Pillow gives. The orientation that a camera
stores in EXIF is applied.

Resizing is bilinear over the whole footprint of the new pixel (Pillow's `BILINEAR`, which does not
alias when it shrinks). An image that has the size already is not touched.
"""

import contextlib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from convstudy.decoding import formats, pixels
from convstudy.decoding.form import Form
from convstudy.decoding.formats import ENDINGS, UNREAD_ENDINGS
from convstudy.foundation.errors import UserError, first_line
from convstudy.foundation.system_files import is_system_file

# Pillow only warns above its threshold; `decode` refuses, so the warning would be noise.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


_SIXTEEN_BITS = re.compile(";16[BLN]")  # in Pillow's names of how a file stores its pixels


class UnreadableImage(UserError):
    """An image that cannot be decoded.

    Attributes:
        name: what messages call the image.
        reason: a phrase for a list, as in "the file is empty".
    """

    def __init__(self, name: str, reason: str, message: str = "") -> None:
        self.name, self.reason = name, reason
        super().__init__(
            message
            or f"{name}: cannot be read as an image ({reason}). Expected a complete file of the "
            f"format {', '.join(formats.FORMATS)}: replace it by a good copy, or remove it."
        )


def is_image_name(name: str) -> bool:
    """Tell by its ending whether a file counts as an image; hidden files never do."""
    return not is_system_file(name) and name.lower().endswith(ENDINGS)


def is_image_like(name: str) -> bool:
    """Tell by its ending whether a file holds an image, be it one that is read or not."""
    return not is_system_file(name) and name.lower().endswith(ENDINGS + UNREAD_ENDINGS)


@dataclass(frozen=True)
class Decoded:
    """One stored image.

    Attributes:
        image: its pixels upright, mode "RGB", or "L" for one channel.
        size: (height, width) as stored.
        mode: how the file held its pixels, as Pillow calls it ("L", "RGB", "I;16", "CMYK", ...).
        format: what kind of file it was ("JPEG", ...); "array" for pixels without a file.
        values: the smallest and the largest value, of an image of more than 8 bits.
        truncated: whether the file has more than 8 bits of which the upper 8 were read.
        profile: what became of an ICC profile, see `pixels.to_srgb`.
        pages: whether a TIFF file holds more pages than the first.
    """

    image: Image.Image
    size: tuple[int, int]
    mode: str
    format: str
    values: tuple[int, int] | None = None
    truncated: bool = False
    profile: str = ""
    pages: bool = False


Stored = Path | str | BinaryIO | np.ndarray


def decode(source: Stored, form: Form, name: str) -> Decoded:
    """Decode one image, at the size that it has.

    Args:
        source: a file, a binary stream, or pixels: uint8 or uint16, (height, width) or (height,
            width, 1 or 3).
        form: what is asked of all images.
        name: what messages call the image.

    Raises:
        UnreadableImage: the file is no image of an admitted format, is cut, or is too large to
            decode; or the pixels have another type or shape.
    """
    if isinstance(source, np.ndarray):
        return _of_array(source, form, name)
    if isinstance(source, Path | str):
        try:
            stream = open(source, "rb")
        except OSError as error:
            raise UnreadableImage(name, error.strerror or "it cannot be opened") from error
        with stream:
            return decode(stream, form, name)
    try:
        return _of_stream(source, form, name)
    except UserError:
        raise
    except Image.DecompressionBombError as error:  # Pillow raises it, too, at twice the limit
        raise _too_large(name, str(error), form) from error
    except Exception as error:  # Pillow's decoders let many types escape on a damaged file
        raise UnreadableImage(name, _reason(error, source)) from error


def _of_stream(stream: BinaryIO, form: Form, name: str) -> Decoded:
    """Decode a file by what its first bytes say."""
    head = stream.read(formats.HEAD)
    stream.seek(0)
    kind = formats.format_of(head)
    if kind is None:
        raise UnreadableImage(name, f"the file is {formats.described(head)}")
    if kind == "HEIF":
        formats.register_heif()
    # Where a decoder checks the size itself, it is by Pillow's limit.
    Image.MAX_IMAGE_PIXELS = form.max_pixels
    with Image.open(stream, formats=(kind,)) as image:
        if image.width * image.height > form.max_pixels:
            raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
        truncated = any(_SIXTEEN_BITS.search(str(tile.args)) for tile in image.tile)
        image.load()
        about = (image.height, image.width), image.mode, image.format
        turn = pixels.turn(image)
        shown, values = image, None
        deep = pixels.deep_values(image)
        if deep is not None:
            shown, values, truncated = _scaled(deep, form, name), pixels.extremes(deep), False
        elif truncated:
            values = pixels.extremes_of_bands(image)
        shown, profile = pixels.to_srgb(shown, image.info.get("icc_profile"))
        shown = pixels.flattened(shown, form.mode)
        shown = shown if turn is None else shown.transpose(turn)
        pages = image.format == "TIFF" and image.is_animated
        return Decoded(shown, *about, values, truncated, profile, pages)


def fitted(image: Image.Image, form: Form) -> np.ndarray:
    """Bring a decoded image to the form; the result is uint8 (height, width, channels) in 0-255."""
    height, width = form.size
    if image.size == (width, height):
        pass
    elif form.fit == "crop":
        image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    elif form.fit == "pad":
        image = _padded(image, width, height)
    else:
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(image, dtype=np.uint8).reshape(height, width, form.channels)


def load_image(source: Stored, form: Form, name: str) -> np.ndarray:
    """Decode one image and bring it to the form; see `decode` and `fitted`."""
    return fitted(decode(source, form, name).image, form)


def _padded(image: Image.Image, width: int, height: int) -> Image.Image:
    """Unlike Pillow's `ImageOps.pad`, leave a line of one pixel of the thinnest image."""
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new(image.mode, (width, height))
    corner = (width - size[0]) // 2, (height - size[1]) // 2
    canvas.paste(image.resize(size, Image.Resampling.BILINEAR), corner)
    return canvas


def _too_large(name: str, found: str, form: Form) -> UnreadableImage:
    return UnreadableImage(
        name,
        "the image is too large",
        f"{name}: the image is too large to decode ({found}), expected at most "
        f"{form.max_pixels:,} pixels. Shrink it, remove it, or raise the data set's max_pixels.",
    )


def _reason(error: Exception, stream: BinaryIO) -> str:
    """What is wrong with a file that a decoder refused."""
    if isinstance(error, ImportError):
        return (
            "the file is a HEIC image, and the library for them is missing: install pillow-heif, "
            "or save the image as JPEG"
        )
    kind, said = None, first_line(error)
    with contextlib.suppress(OSError, ValueError):
        stream.seek(0)
        kind = formats.format_of(stream.read(formats.HEAD))
        if kind and ("truncated" in said.lower() or formats.is_cut(stream, kind)):
            return f"the file is a {kind} image that is cut off"
    if isinstance(error, UnidentifiedImageError):
        said = "it cannot be understood"
    return f"the file is a damaged {kind} image: {said}" if kind else said


def _scaled(values: np.ndarray, form: Form, name: str) -> Image.Image:
    """Grey or colours of more than 8 bits, as the form's `value_range` brings them to 8."""
    if form.value_range != "type":
        return Image.fromarray(pixels.scaled(values, *form.value_range))
    least, most = pixels.extremes(values)
    if least < 0 or most > pixels.SIXTEEN_BITS[1]:
        raise UnreadableImage(
            name,
            f"its values are {least:,} to {most:,}",
            f"{name}: its values are {least:,} to {most:,}, and value_range: type expects 0 to "
            f"65,535. Set the data set's value_range to data, or to [low, high].",
        )
    return Image.fromarray(pixels.scaled(values, *pixels.SIXTEEN_BITS))


def _of_array(array: np.ndarray, form: Form, name: str) -> Decoded:
    """Pixels without a file."""
    shape = array.shape
    if array.dtype not in (np.uint8, np.uint16) or not (
        len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
    ):
        raise UnreadableImage(
            name,
            f"an array {array.dtype} {shape}",
            f"{name}: its pixels are an array {array.dtype} {shape}, expected uint8 or uint16, "
            f"(height, width) or (height, width, 1 or 3). Convert them where they are made.",
        )
    size = shape[:2]
    if not 0 < size[0] * size[1] <= form.max_pixels:
        raise _too_large(name, f"{size[1]} x {size[0]} pixels", form)
    array = array[:, :, 0] if len(shape) == 3 and shape[2] == 1 else array
    values = None
    if array.dtype == np.uint16:
        values, image = pixels.extremes(array), _scaled(array, form, name)
        mode = "I;16" if array.ndim == 2 else "RGB;16"
    else:
        image = Image.fromarray(np.ascontiguousarray(array))
        mode = image.mode
    return Decoded(pixels.flattened(image, form.mode), size, mode, "array", values)
