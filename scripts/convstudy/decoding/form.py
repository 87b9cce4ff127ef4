"""What every image of a data set is brought to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convstudy.foundation.errors import UserError

MAX_PIXELS = 89_478_485  # Pillow's own threshold: a quarter of a GiB at 24 bits a pixel
_FITS = {
    "stretch": "aspect ratio not kept",
    "crop": "aspect ratio kept, cropped to the middle",
    "pad": "aspect ratio kept, in the middle of black",
}
_OPTIONAL = ("fit", "channels", "value_range", "max_pixels")


@dataclass(frozen=True)
class Form:
    """What every image of a data set is brought to.

    Attributes:
        size: (height, width) in pixels.
        fit: how another aspect ratio gets there: "stretch", "crop" (the middle is kept) or "pad"
            (the whole image in the middle, with black beside it).
        channels: 3 for RGB, 1 for grey (luminance, ITU-R 601-2).
        value_range: what becomes 0 and 255 of images of more than 8 bits: "type" (0 and 65535), or
            (low, high). "data" is to be replaced before decoding, see `data/originals.py`.
        max_pixels: images of more are refused before they are decoded.
    """

    size: tuple[int, int]
    fit: str = "stretch"
    channels: int = 3
    value_range: str | tuple[int, int] = "type"
    max_pixels: int = MAX_PIXELS

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> "Form":
        """The form that a data set's block, its HDF5 file's attributes or a network asks for.

        Raises:
            UserError: a value that no form has.
        """
        given = {key: block[key] for key in _OPTIONAL if key in block}
        wanted = given.get("value_range", "type")
        if isinstance(wanted, list | tuple):
            given["value_range"] = tuple(wanted)
        form = cls(tuple(block["image_size"]), **given)
        form._check()
        return form

    def _check(self) -> None:
        found = self.value_range
        whole = isinstance(found, tuple) and all(isinstance(end, int) for end in found)
        if found not in ("type", "data") and not (
            whole and len(found) == 2 and found[0] < found[1]
        ):
            shown = list(found) if whole else found
            raise UserError(
                f"value_range: {shown} is no range. Expected type, data, or [low, high] of whole "
                f"numbers with low < high."
            )
        if self.fit not in _FITS or self.channels not in (1, 3):
            raise UserError(
                f"fit: {self.fit}, channels: {self.channels}: expected one of {', '.join(_FITS)}, "
                f"and 3 or 1 channels."
            )

    @property
    def mode(self) -> str:
        """Pillow's mode of the images."""
        return "RGB" if self.channels == 3 else "L"

    def described(self) -> str:
        """A phrase on the pixels, for someone who makes them with another program."""
        colours = "RGB" if self.channels == 3 else "grey"
        deep = ""
        if self.value_range != "type":
            low, high = self.value_range
            deep = f" (of grey of more than 8 bits, {low} became 0 and {high} became 255)"
        return f"{colours}, 0-255{deep}, resized to image_size (bilinear, {_FITS[self.fit]})"

    def recorded(self) -> dict[str, Any]:
        """What `of` needs beside `image_size` to make this form again: all that is no default."""
        plain = Form(self.size)
        values = {key: getattr(self, key) for key in _OPTIONAL}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value != getattr(plain, key)
        }
