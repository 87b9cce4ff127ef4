"""Texts in pictures: of any length and in any script, also where no font has their letters."""

import functools
import textwrap
from collections.abc import Sequence

from matplotlib import font_manager

LATIN = "DejaVu Sans"  # comes with matplotlib
# Fonts with Chinese, Japanese and Korean letters, as Linux, macOS and Windows name them.
WIDE = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC",
    "Hiragino Sans GB", "Arial Unicode MS", "Microsoft YaHei", "SimHei", "Malgun Gothic",
)  # fmt: skip


@functools.cache
def families() -> tuple[str, ...]:
    """The font of all pictures and, for letters that it lacks, those of `WIDE` installed here."""
    installed = set(font_manager.fontManager.get_font_names())
    return (LATIN, *(name for name in WIDE if name in installed))


@functools.cache
def _glyphs() -> frozenset[int]:
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in families()]
    return frozenset(code for font in fonts for code in font.get_charmap())


def printable(text: str) -> str:
    r"""The text on one line; a letter that no font has is written as its code, like `\u4e2d`.

    A box in its place would make all such names look the same.
    """
    line, glyphs = " ".join(text.split()), _glyphs()
    return "".join(c if ord(c) in glyphs else c.encode("unicode_escape").decode() for c in line)


def shortened(text: str, letters: int) -> str:
    """The printable text in so many letters at most; what is left out of its middle is `…`."""
    text = printable(text)
    if len(text) <= letters:
        return text
    end = (letters - 1) // 3
    return f"{text[: letters - 1 - end].rstrip()}…{text[len(text) - end :].lstrip()}"


def distinct(texts: Sequence[str], letters: int) -> list[str]:
    """Each text shortened; those that look the same afterwards bear their place in the list."""
    found = [shortened(text, letters) for text in texts]
    return [
        shortened(text, letters - 5) + f" ({place})" if found.count(text) > 1 else text
        for place, text in enumerate(found, 1)
    ]


def wrapped(text: str, letters: int, lines: int) -> str:
    """The printable text in lines of so many letters; what does not fit is left out at the end."""
    return textwrap.fill(printable(text), letters, max_lines=lines, placeholder=" …")
