"""Validation and test accuracy against the value of a swept parameter."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from convstudy.report.plots import style

LOG_FROM = 8  # largest over smallest value, from which steps are read as factors
SUBSETS = (("validation", "-", 1.0), ("test", "--", 0.55))


def plot(
    points: Sequence[Mapping[str, Any]],
    accuracies: Sequence[Mapping[str, Sequence[float]]],
    chosen: int,
    title: str,
    colour: int,
    outputs: Sequence[Path | str],
) -> None:
    """Draw means over seeds, with a band of one standard deviation; a ring marks the chosen point.

    The first parameter is the horizontal axis: logarithmic where positive values span a factor of
    8 or more, one place a value where they are no numbers. Each combination of the others has a
    line.

    Args:
        points: values by parameter, a point each.
        accuracies: of each point, `validation` and `test` accuracies over seeds, as fractions.
        chosen: number of the chosen point.
        title: shown above the picture.
        colour: number of the sweep's colour.
        outputs: paths ending in `.png` or `.svg`.
    """
    first, *others = points[0]
    places, scale, labels = axis_of([point[first] for point in points])
    lines: dict[str, list[int]] = {}
    for number, point in enumerate(points):
        name = ", ".join(f"{key.split('.')[-1]} {point[key]}" for key in others)
        lines.setdefault(name, []).append(number)
    with style.figure(style.PAGE_WIDTH, 3.6, outputs) as figure:
        axes = figure.subplots()
        axes.set_xscale(scale)
        for place, (name, numbers) in enumerate(lines.items()):
            numbers.sort(key=lambda number: places[number])
            shade = style.colour_at(colour + place)
            for subset, line, alpha in SUBSETS:
                values = [100 * np.asarray(accuracies[number][subset]) for number in numbers]
                label = f"{name} {subset}".strip()
                _line(axes, [places[n] for n in numbers], values, line, alpha, shade, label)
        height = 100 * float(np.mean(accuracies[chosen]["validation"]))
        axes.plot(places[chosen], height, "o", ms=12, mfc="none", mec=style.INK, label="chosen")
        axes.set_xticks(*labels)
        axes.minorticks_off()
        axes.set_xlabel(first)
        axes.set_ylabel("accuracy (% of images)")
        style.heading(figure, title)
        figure.legend(loc="outside lower center", ncols=3)


def axis_of(values: Sequence[Any]) -> tuple[list[float], str, tuple[list[float], list[str]]]:
    """Where values stand on an axis, its scale (`linear` or `log`), and its ticks with labels."""
    distinct = list(dict.fromkeys(map(str, values)))
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in values):
        places = [float(distinct.index(str(x))) for x in values]
        return places, "linear", ([float(i) for i in range(len(distinct))], distinct)
    places = [float(x) for x in values]
    scale = "log" if min(places) > 0 and max(places) >= LOG_FROM * min(places) else "linear"
    ticks = sorted(set(places))
    return places, scale, (ticks, [f"{tick:g}" for tick in ticks])


def _line(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[np.ndarray],
    line: str,
    alpha: float,
    colour: str,
    label: str,
) -> None:
    means = np.array([x.mean() for x in values])
    axes.plot(places, means, line, marker="o", ms=4.5, color=colour, alpha=alpha, label=label)
    if all(len(x) > 1 for x in values):
        spread = np.array([x.std(ddof=1) for x in values])
        axes.fill_between(
            places, means - spread, means + spread, color=colour, alpha=0.15 * alpha, lw=0
        )
