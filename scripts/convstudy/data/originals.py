"""What the files of a data set's images were like, and what a reader must know of it."""

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

import numpy as np

from convstudy.decoding import images
from convstudy.foundation.errors import UserError

_ALL_VALUES = (-(2**31), 2**32)
_SIXTEEN_BITS = 65535
_DARK = _SIXTEEN_BITS // 4  # below it most of the range is empty

Originals = Mapping[str, Counter]


def count(found: Originals, decoded: images.Decoded) -> None:
    """Count an image; `found` makes a counter of each key that it lacks.

    Keys: `sizes`, `modes` and `formats`; and where there are such images `profiles` ("converted",
    "unusable"), `pages` ("several"), and of images of more than 8 bits `more_than_8_bits` and
    `upper_8_bits`, each with the number of `images` and the `highest` value.
    """
    height, width = decoded.size
    found["sizes"][f"{width} x {height}"] += 1
    found["modes"][decoded.mode] += 1
    found["formats"][decoded.format] += 1
    if decoded.profile:
        found["profiles"][decoded.profile] += 1
    if decoded.pages:
        found["pages"]["several"] += 1
    if decoded.values:
        deep = found["upper_8_bits" if decoded.truncated else "more_than_8_bits"]
        deep["images"] += 1
        deep["highest"] = max(deep["highest"], decoded.values[1])


def notes(found: Originals, form: images.Form) -> list[str]:
    """Sentences for the summary on what was assumed or lost."""
    deep, upper = found.get("more_than_8_bits", Counter()), found.get("upper_8_bits", Counter())
    said = []
    if form.value_range != "type" and not deep:
        said.append("value_range changes nothing: no image is of grey of more than 8 bits.")
    elif form.value_range != "type":
        low, high = form.value_range
        clipped = f"; the highest is {deep['highest']:,}" if deep["highest"] > high else ""
        said.append(f"Values {low:,} to {high:,} of {_images(deep)} became 0 to 255{clipped}.")
    elif deep and deep["highest"] < _DARK:
        levels = round(deep["highest"] * 255 / _SIXTEEN_BITS) + 1
        said.append(
            f"The highest value of {_images(deep)} of 16-bit grey is {deep['highest']:,} of "
            f"{_SIXTEEN_BITS:,}: at most {levels} of 256 levels are left. Set value_range: data to "
            f"keep the contrast."
        )
    if upper and upper["highest"] < _DARK:
        said.append(
            f"Of {_images(upper)} of 16-bit colours only the upper 8 bits are read, and the "
            f"highest value is about {upper['highest']:,} of {_SIXTEEN_BITS:,}: save them with 8 "
            f"bits, in the full range, to keep the contrast (value_range does not change them)."
        )
    elif upper and form.value_range != "type":
        said.append(f"value_range does not change {_images(upper)} of 16-bit colours.")
    for kind, key, words in _SEEN:
        if number := found.get(kind, {}).get(key):
            said.append(f"{_images({'images': number})} {words}.")
    return said


_SEEN = (
    ("pages", "several", "in TIFF files of several pages: the first page is used"),
    ("profiles", "converted", "converted to sRGB from an embedded colour profile"),
    ("profiles", "unusable", "with a colour profile that cannot be used: taken as sRGB"),
)


def _images(counted: Mapping[str, int]) -> str:
    number = counted["images"]
    return f"{number:,} image{'s' * (number != 1)}"


def with_value_range(
    form: images.Form,
    stored: Callable[[int], BinaryIO | np.ndarray],
    indices: Iterable[int],
) -> images.Form:
    """The form with `value_range: data` replaced by the range of all images of more than 8 bits.

    Where there is none, the range is that of the type. Images that cannot be read are passed over:
    the pass that writes them says so.

    Args:
        form: the form that the data set asks for.
        stored: gives a stored image by its number, as `Source.image` does.
        indices: numbers of the images to look at.
    """
    if form.value_range != "data":
        return form
    anything = dataclasses.replace(form, value_range=_ALL_VALUES)
    ends: list[int] = []
    for index in indices:
        with contextlib.suppress(UserError), opened(stored(index)) as image:
            found = images.decode(image, anything, "")
            if found.values and not found.truncated:
                ends = [min([*ends, *found.values]), max([*ends, *found.values])]
    if not ends:
        return dataclasses.replace(form, value_range="type")
    return dataclasses.replace(form, value_range=(ends[0], max(ends[1], ends[0] + 1)))


def opened(stored: BinaryIO | np.ndarray) -> contextlib.AbstractContextManager:
    """A context that gives a stored image, and closes it where it is a file."""
    return (
        contextlib.closing(stored) if hasattr(stored, "close") else contextlib.nullcontext(stored)
    )
