"""Pixels as files hold them, brought to upright 8-bit grey or RGB."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

SIXTEEN_BITS = (0, 65535)
_BLOCK = 2**18  # values that are scaled at a time, in 64 bits each
_SAME_LEVELS = 2  # of 255: profiles called sRGB differ from each other by so much

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
_TIFF_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0


def turn(image: Image.Image) -> Image.Transpose | None:
    """What sets an image upright by its EXIF orientation; nothing, if that cannot be parsed."""
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
    except Exception:  # the pixels are good: damaged metadata is no reason to refuse them
        return None
    # The value is whatever the file says, also a type that no dictionary can look up.
    return _UPRIGHT.get(orientation) if isinstance(orientation, int) else None


def deep_values(image: Image.Image) -> np.ndarray | None:
    """The values of an image of more than 8 bits in grey, int32 or uint16; None for all others.

    Raises:
        ValueError: the values are no whole numbers.
    """
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers: save it with 8 or 16 bits")
    if not image.mode.startswith("I"):
        return None
    values = np.asarray(image)
    # Pillow inverts such files of 8 bits, and not those of 16.
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") and tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO:
        values = SIXTEEN_BITS[1] - values
    return values


def extremes(values: np.ndarray) -> tuple[int, int]:
    """The smallest and the largest value."""
    return int(values.min()), int(values.max())


def extremes_of_bands(image: Image.Image) -> tuple[int, int]:
    """The smallest and the largest value of 16 bits, of an image of which the upper 8 were read."""
    found = zip(image.getbands(), np.atleast_2d(image.getextrema()).tolist(), strict=True)
    colours = [ends for band, ends in found if band != "A"]
    return min(low for low, _ in colours) * 257, max(high for _, high in colours) * 257


def scaled(values: np.ndarray, low: int, high: int) -> np.ndarray:
    """Map whole numbers to uint8, low to 0 and high to 255; what lies beyond is clipped."""
    flat = np.ascontiguousarray(values).reshape(-1)
    result = np.empty(flat.shape, np.uint8)
    for start in range(0, len(flat), _BLOCK):
        block = np.clip(flat[start : start + _BLOCK].astype(np.int64), low, high) - low
        result[start : start + _BLOCK] = (block * 510 + (high - low)) // (2 * (high - low))
    return result.reshape(values.shape)


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """Convert an image of 8 bits from its embedded ICC profile to sRGB.

    Returns:
        The image, and what became of the profile: "" where there is none or sRGB, "converted", or
        "unusable" where it is broken or of other colours: the pixels are left then.
    """
    if not profile:
        return image, ""
    if image.mode == "P" or (image.mode in ("L", "RGB") and image.has_transparency_data):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert(image.mode.removesuffix("A")) if alpha else image
    try:
        transform = _transform(profile, colours.mode)
        if transform is None:
            return image, ""
        converted = ImageCms.applyTransform(colours, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, "unusable"
    if alpha:
        converted.putalpha(alpha)
    return converted, "converted"


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None where it is sRGB already, whatever it is called."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB")
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    colours = Image.fromarray(cube).convert(mode)
    converted = np.asarray(ImageCms.applyTransform(colours, transform)).astype(int)
    same = np.abs(converted - np.asarray(colours.convert("RGB"))).max() <= _SAME_LEVELS
    return None if same and mode in ("L", "RGB") else transform


def flattened(image: Image.Image, mode: str) -> Image.Image:
    """Lay transparent pixels over white, and convert to the mode "RGB" or "L"."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    if image.mode not in (mode, "L"):
        image = image.convert("RGB")  # not every mode has a way to grey of its own
    return image if image.mode == mode else image.convert(mode)
