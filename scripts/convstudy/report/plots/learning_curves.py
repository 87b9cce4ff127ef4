"""Learning curves of one variant: loss and accuracy, training and validation, by epoch."""

from collections.abc import Sequence
from pathlib import Path

import pandas
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from convstudy.report.plots import scales, style


def plot(
    histories: Sequence[tuple[style.Run, Path | str]],
    title: str,
    colour: str,
    outputs: Sequence[Path | str],
) -> None:
    """Draw the curves of all runs of a variant: its seeds or, with folds, its folds and seeds.

    Thick lines are means over runs, as far as every run trained; thin lines are the runs. A ring
    marks each run's epoch with the best validation accuracy.

    Args:
        histories: (seed, path of its history.csv), or ((fold, seed), path).
        title: Shown above the picture.
        colour: The variant's colour.
        outputs: Paths ending in `.png` or `.svg`.
    """
    frames = style.read_histories(histories)
    with style.figure(style.PAGE_WIDTH, 3.1, outputs) as figure:
        loss, accuracy = figure.subplots(1, 2)
        _panel(loss, frames, "loss", 1, colour)
        style.epoch_axis(loss, "loss (cross-entropy, nats)", ylim=(0, None))
        _panel(accuracy, frames, "accuracy", 100, colour)
        style.epoch_axis(accuracy, "accuracy (% of images)")
        shown = [100 * f[name] for f in frames.values() for name in ("accuracy", "val_accuracy")]
        scales.fit_percent(accuracy, "y", pandas.concat(shown))
        style.heading(figure, title)
        figure.legend(handles=_legend(colour, sorted(frames)), loc="outside lower center", ncols=3)


def _panel(
    axes: Axes, frames: dict[style.Run, pandas.DataFrame], column: str, scale: float, colour: str
) -> None:
    for name, line in ((column, "--"), (f"val_{column}", "-")):
        if len(frames) > 1:
            for frame in frames.values():
                axes.plot(
                    frame["epoch"], scale * frame[name], line, color=colour, lw=0.7, alpha=0.45
                )
        epochs, mean = style.mean_over_seeds(frames, name)
        # A run of one epoch has no line: the marker shows it.
        dot = "." if len(epochs) == 1 else None
        axes.plot(epochs, scale * mean, line, color=colour, lw=2, marker=dot)
    for frame in frames.values():
        if frame["val_accuracy"].notna().any():
            last = frame[frame["stage"] == frame["stage"].max()] if "stage" in frame else frame
            best = last.loc[last["val_accuracy"].idxmax()]
            axes.plot(
                best["epoch"], scale * best[f"val_{column}"], "o", ms=6, mfc="white", mec=colour,
                mew=1.4, zorder=5,
            )  # fmt: skip


def _legend(colour: str, runs: list[style.Run]) -> list[Line2D]:
    mean = f", mean of {style.counted(runs)}" if len(runs) > 1 else f", seed {runs[0]}"
    handles = [
        Line2D([], [], color=colour, lw=2, ls="--", label="training, as recorded" + mean),
        Line2D([], [], color=colour, lw=2, label="validation" + mean),
    ]
    if len(runs) > 1:
        each = "each seed" if isinstance(runs[0], int) else "each run"
        handles.append(Line2D([], [], color=colour, lw=0.7, alpha=0.6, label=each))
    ring = Line2D([], [], color=colour, ls="", marker="o", mfc="white", mew=1.4)
    ring.set_label("best validation accuracy")
    return [*handles, ring]
