"""Several variants in one picture: their validation curves and their test accuracies."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from convstudy.report.plots import style

LEGEND_CHARACTERS = 105  # what fits into the page's width
TRAINING = "training (faint)"


def plot(
    histories: Mapping[str, Sequence[tuple[int, Path | str]]],
    accuracies: Mapping[str, tuple[float, float, float]],
    chance: float,
    colours: Mapping[str, str],
    title: str,
    outputs: Sequence[Path | str],
) -> None:
    """Draw validation curves (training ones faint) and test accuracies with 95 % intervals.

    Args:
        histories: By variant, (seed, path of its history.csv); drawn in this order.
        accuracies: By variant, test accuracy and the ends of its interval, as fractions.
        chance: Accuracy of guessing, as a fraction.
        colours: Colour by variant.
        title: Shown above the picture.
        outputs: Paths ending in `.png` or `.svg`.
    """
    names = list(histories)
    columns = max(1, min(4, LEGEND_CHARACTERS // (max(map(len, [*names, TRAINING])) + 7)))
    below = 0.75 + 0.24 * len(names)
    height = 3.1 + below + 0.2 * -(-(len(names) + 2) // columns)
    with style.figure(style.PAGE_WIDTH, height, outputs) as figure:
        # Two layouts, so that the long names below do not push the curves to the right.
        upper, lower = figure.subfigures(2, 1, height_ratios=(2.8, below))
        accuracy, loss = upper.subplots(1, 2)
        for name in names:
            frames = style.read_histories(histories[name])
            _curves(accuracy, frames, "accuracy", 100, colours[name])
            _curves(loss, frames, "loss", 1, colours[name])
        style.epoch_axis(accuracy, "validation accuracy (% of images)")
        accuracy.set_ylim(0, min(100, accuracy.get_ylim()[1]))
        style.epoch_axis(loss, "validation loss (nats)", ylim=(0, None))
        _intervals(lower.subplots(), accuracies, names, chance, colours)
        accuracy.axhline(100 * chance, color=style.FAINT, ls=":", lw=1.4)
        seeds = {len(runs) for runs in histories.values()}
        many = f" (curves: mean of {max(seeds)} seeds)" if seeds != {1} else ""
        style.heading(figure, title + many)
        figure.legend(handles=_legend(names, colours), loc="outside lower center", ncols=columns)


def _curves(axes: Axes, frames: dict, column: str, scale: float, colour: str) -> None:
    epochs, train = style.mean_over_seeds(frames, column)
    axes.plot(epochs, scale * train, "--", color=colour, lw=1, alpha=0.4)
    _, validation = style.mean_over_seeds(frames, f"val_{column}")
    every = max(1, len(epochs) // 6)
    axes.plot(
        epochs, scale * validation, "-", color=colour, lw=1.8, marker=style.marker_of(colour),
        ms=4.5, markevery=every,
    )  # fmt: skip


def _intervals(
    axes: Axes,
    accuracies: Mapping[str, tuple[float, float, float]],
    names: Sequence[str],
    chance: float,
    colours: Mapping[str, str],
) -> None:
    for row, name in enumerate(names):
        mean, low, high = (100 * value for value in accuracies[name])
        axes.plot([low, high], [row, row], color=colours[name], lw=2)
        for end in (low, high):
            axes.plot([end, end], [row - 0.16, row + 0.16], color=colours[name], lw=1.4)
        axes.plot(mean, row, style.marker_of(colours[name]), color=colours[name], ms=6)
        axes.annotate(
            f"{mean:.1f}", (high, row), xytext=(5, 0), textcoords="offset points", va="center",
            fontsize=8.5,
        )  # fmt: skip
    axes.axvline(100 * chance, color=style.FAINT, ls=":", lw=1.4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    top = 100 * max(accuracies[name][2] for name in names)
    axes.set_xlim(0, min(108, 1.12 * max(top, 100 * chance)))
    axes.set_xlabel("test accuracy (% of images) with 95 % interval")
    axes.grid(axis="y", visible=False)


def _legend(names: Sequence[str], colours: Mapping[str, str]) -> list[Line2D]:
    handles = [
        Line2D(
            [], [], color=colours[n], lw=1.8, marker=style.marker_of(colours[n]), ms=4.5, label=n
        )
        for n in names
    ]
    return [
        *handles,
        Line2D([], [], color=style.FAINT, lw=1, ls="--", label=TRAINING),
        Line2D([], [], color=style.FAINT, lw=1.4, ls=":", label="guessing"),
    ]
