"""Drawings inside the page: SVG that takes its colours from the page, so light and dark both read.

Horizontal places are percentages of the drawing's width, so that a drawing fills a phone and a
sheet alike and its letters keep their size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

ROW = 26  # height of a row in pixels


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high`, linear or logarithmic (both ends above 0)."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value stands: 0-100 from one end to the other, cut at the ends."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (self._scaled(value) - low) / (high - low) if high > low else 0.5
        return 100 * min(1.0, max(0.0, share))

    def ticks(self, most: int = 5) -> list[float]:
        """Round values on the axis."""
        if not self.log:
            values = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        else:
            exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)))
            firsts = (1, 2, 5) if len(exponents) <= 2 else (1,)
            values = [first * 10.0**e for e in (*exponents, exponents.stop) for first in firsts]
        edge = 1e-9 * abs(self.high - self.low)
        return [float(v) for v in values if self.low - edge <= v <= self.high + edge]

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.log else value


def around(values: Sequence[float], least: float, greatest: float, pad: float = 0.06) -> Axis:
    """A linear axis that fits values (NaN left out), within the two bounds that have a meaning."""
    held = [v for v in values if not math.isnan(v)] or [0.0]
    low, high = min(held), max(held)
    room = pad * (high - low) or 0.02
    return Axis(max(least, low - room), min(greatest, high + room))


def log_around(values: Sequence[float]) -> Axis:
    """A logarithmic axis with room on both sides of values above 0."""
    return Axis(min(values) / 1.6, max(values) * 1.6, log=True)


def interval(
    axis: Axis,
    low: float,
    point: float,
    high: float,
    colour: int,
    *,
    lines: Mapping[str, float] | None = None,
    band: tuple[float, float] | None = None,
    published: float | None = None,
    about: str = "",
) -> Markup:
    """A row of a picture of intervals: the interval, its middle, and the axis's grid behind them.

    Args:
        axis: the scale, the same for all rows.
        low: lower end of the interval; NaN for none.
        point: the middle.
        high: upper end.
        colour: number of the colour.
        lines: places of upright lines by their class in the page's style.
        band: (from, to) of a shaded stretch behind the interval.
        published: a figure from elsewhere, drawn hollow.
        about: said by a screen reader and on hover.
    """
    middle = ROW / 2
    parts = [_upright(axis, value, "grid") for value in axis.ticks()]
    if band is not None:
        left, right = axis.place(band[0]), axis.place(band[1])
        parts.insert(0, tag("rect", class_="band", x=pc(left), y=0, width=pc(right - left),
                            height=ROW))  # fmt: skip
    parts += [_upright(axis, value, name) for name, value in (lines or {}).items()]
    if not math.isnan(low):
        left, right = pc(axis.place(low)), pc(axis.place(high))
        parts.append(tag("line", class_="interval", x1=left, x2=right, y1=middle, y2=middle))
        for end in (left, right):
            parts.append(tag("line", class_="end", x1=end, x2=end, y1=middle - 4, y2=middle + 4))
    if published is not None and not math.isnan(published):
        parts.append(tag("circle", class_="published", cx=pc(axis.place(published)), cy=middle,
                         r=4.5))  # fmt: skip
    parts.append(tag("circle", class_="point", cx=pc(axis.place(point)), cy=middle, r=5))
    return svg(parts, ROW, f"strip colour{colour}", about)


def axis_row(axis: Axis, form: Callable[[float], str]) -> Markup:
    """The numbers below a picture of intervals: fractions, written in % by `form`."""
    parts = []
    for value in axis.ticks():
        place = axis.place(value)
        parts.append(tag("line", class_="tick", x1=pc(place), x2=pc(place), y1=0, y2=5))
        parts.append(_text(form(100 * value), place, 18))
    return svg(parts, 22, "strip ticks", hidden=True)


def plain(value: float) -> str:
    """A round number."""
    return f"{value:g}"


def signed(value: float) -> str:
    """A round number with its sign; 0 has none."""
    return f"{value:+g}".replace("-", "−") if value else "0"


@dataclass(frozen=True)
class Dot:
    """A numbered point of `scatter`: what it costs, what it reaches, and its interval."""

    number: int
    cost: float
    value: float
    low: float
    high: float
    colour: int
    label: str


def scatter(
    dots: Sequence[Dot], front: Sequence[Dot], across: str, form: Callable[[float], str]
) -> Markup:
    """Accuracy (fractions) against cost, with the steps of the Pareto front.

    Args:
        dots: all points.
        front: those that nothing beats, by rising cost.
        across: what the horizontal axis shows.
        form: writes a cost.
    """
    x = log_around([dot.cost for dot in dots])
    y = around([v for d in dots for v in (d.low, d.high, d.value)], 0, 1)
    height, top, bottom = 340, 12, 296

    def down(value: float) -> float:
        return bottom - (bottom - top) * y.place(value) / 100

    parts = []
    for value in y.ticks():
        parts.append(tag("line", class_="grid", x1="0%", x2="100%", y1=down(value),
                         y2=down(value)))  # fmt: skip
        parts.append(_text(f"{100 * value:g} %", 0, down(value) - 4, "start"))
    for value in x.ticks():
        place = pc(x.place(value))
        parts.append(tag("line", class_="grid", x1=place, x2=place, y1=top, y2=bottom))
        parts.append(_text(form(value), x.place(value), bottom + 16))
    parts.append(_text(across, 100, height - 6, "end", "axis"))
    parts += _steps(front, x, down)
    for dot in dots:
        place = pc(x.place(dot.cost))
        whole = [tag("title", f"{dot.label}: {100 * dot.value:.1f} %, {form(dot.cost)}")]
        if not math.isnan(dot.low):
            whole.append(tag("line", class_="interval", x1=place, x2=place, y1=down(dot.low),
                             y2=down(dot.high)))  # fmt: skip
        whole.append(tag("circle", class_="point", cx=place, cy=down(dot.value), r=9))
        whole.append(_text(str(dot.number), x.place(dot.cost), down(dot.value) + 4, name="number"))
        parts.append(tag("g", Markup("").join(whole), class_=f"colour{dot.colour}"))
    return svg(parts, height, "scatter", f"accuracy against {across}, {len(dots)} variants")


def pareto(dots: Sequence[Dot]) -> list[Dot]:
    """Those that no other beats at the same cost or less, by rising cost."""
    front: list[Dot] = []
    for dot in sorted(dots, key=lambda d: (d.cost, -d.value)):
        if not front or dot.value > front[-1].value:
            front.append(dot)
    return front


def _steps(front: Sequence[Dot], x: Axis, down) -> list[Markup]:
    parts = []
    for dot, after in zip(front, [*front[1:], None], strict=True):
        here, level = x.place(dot.cost), down(dot.value)
        there = x.place(after.cost) if after else 100.0
        parts.append(tag("line", class_="front", x1=pc(here), x2=pc(there), y1=level, y2=level))
        if after:
            parts.append(tag("line", class_="front", x1=pc(there), x2=pc(there), y1=level,
                             y2=down(after.value)))  # fmt: skip
    return parts


def _upright(axis: Axis, value: float, name: str) -> Markup:
    place = pc(axis.place(value))
    return tag("line", class_=name, x1=place, x2=place, y1=0, y2=ROW)


def _text(words: str, x: float, y: float, anchor: str = "", name: str = "") -> Markup:
    """A text whose anchor keeps it inside the drawing at both ends."""
    if not anchor:
        anchor = "middle" if name or 4 <= x <= 96 else "start" if x < 4 else "end"
    return tag("text", words, x=pc(x), y=y, text_anchor=anchor, class_=name or None)


def svg(
    parts: Sequence[Markup], height: float, name: str, about: str = "", *, hidden: bool = False,
    box: tuple[int, int, int, int] | None = None,
) -> Markup:  # fmt: skip
    """A drawing as wide as its place; with a `box` (x, y, width, height), of its shape."""
    attributes = {"class_": name, "width": "100%", "height": height}
    if box:
        attributes = {"class_": name, "viewBox": " ".join(map(str, box))}
    if hidden or not about:
        attributes["aria_hidden"] = "true"
    else:
        attributes |= {"role": "img", "aria_label": about}
        parts = [tag("title", about), *parts]
    return tag("svg", Markup("").join(parts), **attributes)


def tag(name: str, content: Markup | str = "", **attributes) -> Markup:
    """An element, its content and attributes escaped.

    `class_` is `class`, an underscore inside is a hyphen, None leaves an attribute out.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), number(value))
        for key, value in attributes.items()
        if value is not None
    )
    if not content:
        return Markup("<{}{}/>").format(Markup(name), written)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, content)


def pc(value: float) -> str:
    """A percentage of the width."""
    return f"{number(value)}%"


def number(value: float | str) -> str:
    """A number with two decimals at most, so that the page stays small."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
