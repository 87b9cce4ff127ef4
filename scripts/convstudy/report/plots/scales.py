"""Axes that fit what they show: percentages with a margin, none beyond 0 and 100."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from convstudy.report.plots import style

MARGIN = 0.08  # of the span, on both sides, so that no point lies on an edge
LEAST_SPAN = 2.0  # points; below it noise would fill the picture
NEAR = 0.6  # of the span: a baseline that is no farther away is drawn at its place
ARROWS = {"x": "◂▸", "y": "▾▴"}
BASELINE = "always the largest class"


def fit_percent(axes: Axes, which: Literal["x", "y"], values: Iterable[float]) -> None:
    """Let an axis of percentages reach from the smallest value to the largest, and a margin more.

    Where the margin passes 0 or 100, the axis line and its ticks end there: beyond is room for
    markers, and no percentage.

    Args:
        axes: What is drawn in.
        which: The axis.
        values: All that is shown, in percent; those that are not finite are left out.
    """
    low, high = limits(values)
    start, end = max(low, 0.0), min(high, 100.0)
    axis = axes.xaxis if which == "x" else axes.yaxis
    places = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(start, end)
    axis.set_ticks([place for place in places if start <= place <= end])
    axes.set(**{f"{which}lim": (low, high)})
    axes.spines["bottom" if which == "x" else "left"].set_bounds(start, end)


def with_near(values: Iterable[float], others: Iterable[float]) -> list[float]:
    """The values, and those of the others that are near enough to be shown beside them."""
    values = _finite(values)
    low, high = min(values), max(values)
    room = NEAR * max(high - low, LEAST_SPAN)
    return values + [x for x in others if low - room <= x <= high + room]


def mark_baseline(axes: Axes, which: Literal["x", "y"], percent: float) -> None:
    """Draw a dotted line at a baseline, or an arrow and its value where it is outside."""
    low, high = getattr(axes, f"get_{which}lim")()
    if low <= percent <= high:
        draw = axes.axvline if which == "x" else axes.axhline
        draw(percent, color=style.FAINT, ls=":", lw=1.4)
        return
    beyond = bool(percent > high)
    arrow = ARROWS[which][beyond]
    words = f"{BASELINE}: {percent:.1f} %"
    text = f"{words} {arrow}" if which == "x" and beyond else f"{arrow} {words}"
    if which == "x":
        where, align = (float(beyond), 1.0), {"ha": "right" if beyond else "left", "va": "bottom"}
    else:
        where, align = (0.99, 0.98 if beyond else 0.02), {"ha": "right"}
        align["va"] = "top" if beyond else "bottom"
    axes.text(*where, text, transform=axes.transAxes, color=style.GREY, fontsize=7.5, **align)


def limits(values: Iterable[float]) -> tuple[float, float]:
    """Ends of an axis of points or percent that holds the finite values, with a margin."""
    found = _finite(values)
    low, high = min(found), max(found)
    missing = max(0.0, LEAST_SPAN - (high - low)) / 2
    margin = MARGIN * (high - low + 2 * missing)
    return low - missing - margin, high + missing + margin


def _finite(values: Iterable[float]) -> list[float]:
    found = np.asarray(list(values), dtype=float)
    return found[np.isfinite(found)].tolist() or [0.0]
