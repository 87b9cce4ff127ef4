"""Validation and test accuracy against the value of a swept parameter."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from convstudy.report.plots import scales, style, texts

LOG_FROM = 8  # largest over smallest value, from which steps are read as factors
TICK_LETTERS = 90  # of all values together, that fit below the axis
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
    height = 3.4 + 0.2 * len(lines)
    with style.figure(style.PAGE_WIDTH, height, outputs) as figure:
        axes = figure.subplots()
        axes.set_xscale(scale)
        for place, (name, numbers) in enumerate(lines.items()):
            numbers.sort(key=lambda number: places[number])
            shade = style.colour_at(colour + place)
            for subset, line, alpha in SUBSETS:
                values = [100 * np.asarray(accuracies[number][subset]) for number in numbers]
                label = f"{texts.shortened(name, 60)} {subset}".strip()
                _line(axes, [places[n] for n in numbers], values, line, alpha, shade, label)
        height = 100 * float(np.mean(accuracies[chosen]["validation"]))
        axes.plot(places[chosen], height, "o", ms=12, mfc="none", mec=style.INK, label="chosen")
        ticks, words = labels
        # Names too long to stand side by side are turned.
        turned = {"rotation": 30, "ha": "right"} if sum(map(len, words)) > TICK_LETTERS else {}
        axes.set_xticks(ticks, texts.distinct(words, 24), **turned)
        axes.minorticks_off()
        axes.set_xlabel(texts.shortened(first, 80))
        axes.set_ylabel("accuracy (% of images)")
        scales.fit_percent(axes, "y", _shown(accuracies))
        style.heading(figure, title)
        handles, _ = axes.get_legend_handles_labels()
        if axes.collections:
            band = Patch(color=style.FAINT, alpha=0.3, lw=0)
            band.set_label("band: one standard deviation over seeds")
            handles.append(band)
        longest = max(len(handle.get_label()) for handle in handles)
        columns = max(1, min(3, 100 // (longest + 7)))
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)


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
    means, spread = _means(values), _spread(values)
    axes.plot(places, means, line, marker="o", ms=4.5, color=colour, alpha=alpha, label=label)
    if spread is not None:
        low, high = np.clip([means - spread, means + spread], 0, 100)
        axes.fill_between(places, low, high, color=colour, alpha=0.15 * alpha, lw=0)


def _means(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([x.mean() for x in values])


def _spread(values: Sequence[np.ndarray]) -> np.ndarray | None:
    """Standard deviations over seeds; None where a point has one seed."""
    if min(map(len, values)) == 1:
        return None
    return np.array([x.std(ddof=1) for x in values])


def _shown(accuracies: Sequence[Mapping[str, Sequence[float]]]) -> np.ndarray:
    """All that the axis has to hold: means, and ends of bands between 0 and 100 %."""
    values = [100 * np.asarray(point[subset]) for point in accuracies for subset, *_ in SUBSETS]
    means, spread = _means(values), _spread(values)
    half = 0 if spread is None else spread
    return np.clip([means - half, means + half], 0, 100).ravel()
