"""Decode image files into uint8 RGB arrays of one size.

Whatever a file holds becomes RGB: grey and palette images are expanded, CMYK is converted, 16-bit
grey (0-65535) is scaled to 0-255, transparent pixels are laid over white, and an animation gives
its first frame. The orientation that a camera stores in EXIF is applied.

Resizing is bilinear over the whole footprint of the new pixel (Pillow's `BILINEAR`, which does not
alias when it shrinks) and does not keep the aspect ratio. An image that has
the size already is not touched.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from convstudy.foundation.errors import UserError
from convstudy.foundation.folder_digests import is_hidden

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
MAX_PIXELS = 89_478_485  # Pillow's own threshold: a quarter of a GiB at 24 bits a pixel
MAX_SIDE = 8192  # of a stored image

# Pillow only warns above this threshold; `load_image` refuses, so the warning would be noise.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def is_image_name(name: str) -> bool:
    """Tell by its ending whether a file counts as an image; hidden files never do."""
    return not is_hidden(name) and name.lower().endswith(ENDINGS)


@dataclass(frozen=True)
class Form:
    """What every image of a data set is brought to.

    Attributes:
        size: (height, width) in pixels.
    """

    size: tuple[int, int]


@dataclass(frozen=True)
class Decoded:
    """One stored image.

    Attributes:
        image: its pixels upright, mode "RGB".
        size: (height, width) as stored.
        mode: how the file held its pixels, as Pillow calls it ("L", "RGB", "I;16", "CMYK", ...).
        format: what kind of file it was ("JPEG", ...); "array" for pixels without a file.
    """

    image: Image.Image
    size: tuple[int, int]
    mode: str
    format: str


def decode(source: Path | str | BinaryIO | np.ndarray, form: Form, name: str) -> Decoded:
    """Decode one image, at the size that it has.

    Args:
        source: a file, a binary stream, or pixels: uint8 (height, width) or (height, width, 1 or
            3), or uint16 without colours.
        form: what is asked of all images.
        name: what messages call the image.

    Raises:
        UserError: the file is no image of an admitted format, is cut, or is too large to decode.
    """
    if isinstance(source, np.ndarray):
        grey = source.reshape(source.shape[:2]) if source.shape[2:] == (1,) else source
        image = Image.fromarray(grey)
        return Decoded(_rgb(image), source.shape[:2], image.mode, "array")
    try:
        with Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
            image.load()
            about = ((image.height, image.width), image.mode, image.format)
            return Decoded(_rgb(_upright(image)), *about)
    except Image.DecompressionBombError as error:  # Pillow raises it too, at twice the threshold
        raise UserError(
            f"{name}: the image is too large to decode ({error}), expected at most "
            f"{MAX_PIXELS:,} pixels. Shrink it, or remove the file."
        ) from error
    except Exception as error:  # Pillow's decoders let many types escape on a damaged file
        reason = str(error).replace(repr(source), "the file") or type(error).__name__
        raise UserError(
            f"{name}: cannot be read as an image ({reason}). Expected a complete file of the "
            f"format {', '.join(FORMATS)}: replace it by a good copy, or remove it."
        ) from error


def fitted(image: Image.Image, form: Form) -> np.ndarray:
    """Bring a decoded image to the form; the result is uint8 (height, width, 3) in 0-255."""
    height, width = form.size
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(image, dtype=np.uint8)


def load_image(source: Path | str | BinaryIO | np.ndarray, form: Form, name: str) -> np.ndarray:
    """Decode one image and bring it to the form; see `decode` and `fitted`."""
    return fitted(decode(source, form, name).image, form)


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; an EXIF block that cannot be parsed orients nothing."""
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
    except Exception:  # the pixels are good: damaged metadata is no reason to refuse them
        return image
    # The value is whatever the file says, also a type that no dictionary can look up.
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # I;16 and its kin: convert() would clip at 255
        grey = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")
