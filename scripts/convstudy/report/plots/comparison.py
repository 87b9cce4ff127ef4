"""Several variants in one picture: their curves, test accuracies and differences to the first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from convstudy.report.plots import scales, style, texts

LEGEND_CHARACTERS = 105  # what fits into the page's width
NAME_CHARACTERS = 44
LINE_CHARACTERS = 22  # of a name beside its interval
ROW_HEIGHT = 0.4  # inches
BAND = "#d9d9d9"
NO_CURVE = " (computed: no curve)"
VARIANTS = "of the variants, on the same test images"
NETWORKS = "of one network each, not of the variants"
OVER = {
    "variant": "95 % interval over seeds and test images",
    "folds": "95 % interval over folds (approximate)",
    "network": "95 % interval over test images (one network)",
}


def plot(
    histories: Mapping[str, Sequence[tuple[style.Run, Path | str]]],
    summary: pandas.DataFrame,
    differences: pandas.DataFrame,
    colours: Mapping[str, str],
    title: str,
    outputs: Sequence[Path | str],
) -> None:
    """Draw validation curves (training ones faint), test accuracies and paired differences.

    Where a figure speaks of one trained network, and not of the variant, its marker is hollow and
    the picture says so.

    Args:
        histories: By variant, (seed, path of its history.csv) or ((fold, seed), path); drawn in
            this order. A mean of predictions has none.
        summary: Rows of `aggregate.summarize`, with the variant as index.
        differences: Rows of `paired_tests.compare` between these variants.
        colours: Colour by variant.
        title: Shown above the picture.
        outputs: Paths ending in `.png` or `.svg`.
    """
    variants = list(histories)
    summary = summary.loc[variants]
    names = texts.distinct(summary["label"].tolist(), NAME_CHARACTERS)
    solved = summary["solved"].astype(bool).to_dict()
    histories = {name: runs for name, runs in histories.items() if not solved[name]}
    labels = [n + NO_CURVE * solved[v] for v, n in zip(variants, names, strict=True)]
    handles = _legend(labels, [colours[x] for x in variants], histories, summary, differences)
    longest = max(len(handle.get_label()) for handle in handles)
    columns = max(1, min(3, LEGEND_CHARACTERS // (longest + 7)))
    below = 0.85 + ROW_HEIGHT * len(names)
    height = 3.1 + below + 0.2 * -(-len(handles) // columns)
    with style.figure(style.PAGE_WIDTH, height, outputs) as figure:
        # Two layouts, so that the long names below do not push the curves to the right.
        upper, lower = figure.subfigures(2, 1, height_ratios=(2.7, below))
        _curves(upper, histories, colours, summary["majority_accuracy"])
        accuracies, paired = lower.subplots(1, 2, sharey=True)
        _accuracies(accuracies, summary, colours)
        accuracies.set_yticks(range(len(names)), [_two_lines(name) for name in names])
        accuracies.set_ylim(len(names) - 0.5, -0.6)
        _differences(paired, variants, differences, colours)
        style.heading(figure, title)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def _curves(
    upper: Figure,
    histories: Mapping[str, Sequence[tuple[style.Run, Path | str]]],
    colours: Mapping[str, str],
    baselines: pandas.Series,
) -> None:
    if not any(histories.values()):
        upper.text(0.5, 0.5, "means of predictions: nothing is trained", ha="center", va="center")
        return
    accuracy, loss = upper.subplots(1, 2)
    shown = []
    for name, runs in histories.items():
        if not runs:  # a mean of predictions, which nothing trains
            continue
        frames = style.read_histories(runs)
        shown += _curve(accuracy, frames, "accuracy", 100, colours[name])
        _curve(loss, frames, "loss", 1, colours[name])
    if not histories:
        for axes in (accuracy, loss):
            axes.set_axis_off()
            axes.text(0.5, 0.5, "no learning curves: weights computed", ha="center")
        return
    style.epoch_axis(accuracy, "validation accuracy (% of images)")
    style.epoch_axis(loss, "validation loss (nats)", ylim=(0, None))
    places = sorted(set(100 * baselines))
    scales.fit_percent(accuracy, "y", scales.with_near(shown, places))
    for place in places:
        scales.mark_baseline(accuracy, "y", place)


def _curve(axes: Axes, frames: dict, column: str, scale: float, colour: str) -> list[float]:
    """Draw both curves of a variant; return what they show."""
    epochs, train = style.mean_over_seeds(frames, column)
    axes.plot(epochs, scale * train, "--", color=colour, lw=1, alpha=0.4)
    _, validation = style.mean_over_seeds(frames, f"val_{column}")
    every = max(1, len(epochs) // 6)
    axes.plot(
        epochs, scale * validation, "-", color=colour, lw=1.8, marker=style.marker_of(colour),
        ms=4.5, markevery=every,
    )  # fmt: skip
    return [*(scale * train), *(scale * validation)]


def _accuracies(axes: Axes, summary: pandas.DataFrame, colours: Mapping[str, str]) -> None:
    columns = ["test_accuracy_mean", "test_accuracy_ci_low", "test_accuracy_ci_high"]
    figures = 100 * summary[columns]
    for row, variant in enumerate(summary.index):
        several = summary.loc[variant, "interval_of"] != "network"
        _interval(axes, row, *figures.loc[variant], colours[variant], several, "{:.1f}")
    places = sorted(set(100 * summary["majority_accuracy"]))
    scales.fit_percent(axes, "x", scales.with_near(figures.to_numpy().ravel(), places))
    for place in places:
        scales.mark_baseline(axes, "x", place)
    axes.set_xlabel("test accuracy (% of images)")
    axes.grid(axis="y", visible=False)


def _differences(
    axes: Axes,
    variants: Sequence[str],
    differences: pandas.DataFrame,
    colours: Mapping[str, str],
) -> None:
    """Draw each variant's difference to its baseline, and what could not have been seen."""
    axes.axvline(0, color=style.INK, lw=1)
    for pair in differences.itertuples():
        row = variants.index(pair.variant)
        least = 100 * pair.minimum_detectable_effect
        axes.barh(row, 2 * least, 0.5, -least, color=BAND, lw=0)
        ends = (100 * pair.difference, 100 * pair.ci_low, 100 * pair.ci_high)
        _interval(axes, row, *ends, colours[pair.variant], pair.speaks_of == "variants", "{:+.1f}")
    for row in sorted({variants.index(name) for name in differences["baseline"]}):
        axes.text(
            0, row, "baseline", ha="center", va="center", fontsize=8, color=style.GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    least = differences["minimum_detectable_effect"]
    shown = pandas.concat([differences["ci_low"], differences["ci_high"], least, -least])
    axes.set_xlim(*scales.limits(100 * shown))
    several = set(differences["speaks_of"]) == {"variants"}
    axes.set_xlabel(f"difference to the baseline (points)\n{VARIANTS if several else NETWORKS}")
    axes.tick_params(labelleft=False, left=False)
    axes.grid(axis="y", visible=False)


def _interval(
    axes: Axes,
    row: int,
    mean: float,
    low: float,
    high: float,
    colour: str,
    of_variant: bool,
    form: str,
) -> None:
    axes.plot([low, high], [row, row], color=colour, lw=2)
    for end in (low, high):
        axes.plot([end, end], [row - 0.14, row + 0.14], color=colour, lw=1.4)
    face = colour if of_variant else "white"
    axes.plot(mean, row, style.marker_of(colour), color=colour, mfc=face, ms=6, mew=1.4)
    axes.annotate(
        form.format(round(mean, 1) + 0.0), (mean, row), xytext=(0, 4.5),
        textcoords="offset points", ha="center", va="bottom", fontsize=8,
    )  # fmt: skip


def _two_lines(name: str) -> str:
    return texts.wrapped(name, LINE_CHARACTERS, 2)


def _legend(
    names: Sequence[str],
    shades: Sequence[str],
    histories: Mapping[str, Sequence],
    summary: pandas.DataFrame,
    differences: pandas.DataFrame,
) -> list[Line2D | Patch]:
    runs = sorted({style.counted(key for key, _ in held) for held in histories.values() if held})
    mean = f", mean of {' or '.join(runs)}" if runs != ["one seed"] else ", one seed"
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=shade, lw=1.8, marker=style.marker_of(shade), ms=4.5, label=name)
        for name, shade in zip(names, shades, strict=True)
    ]
    if runs:
        handles.append(Line2D([], [], color=style.FAINT, lw=1.8, label=f"validation{mean}"))
        handles.append(
            Line2D([], [], color=style.FAINT, lw=1, ls="--", label="training, as recorded (faint)")
        )
    kinds = {*summary["interval_of"], *["network"] * ("networks" in set(differences["speaks_of"]))}
    for kind in (kind for kind in OVER if kind in kinds):
        face = "white" if kind == "network" else style.FAINT
        line = Line2D([], [], color=style.FAINT, lw=2, marker="o", mfc=face, ms=6, mew=1.4)
        line.set_label(OVER[kind])
        handles.append(line)
    if len(differences):
        handles.append(Patch(color=BAND, lw=0, label="difference too small for 80 % power"))
    words = ", ".join(f"{100 * x:.1f} %" for x in sorted(set(summary["majority_accuracy"])))
    baseline = Line2D([], [], color=style.FAINT, lw=1.4, ls=":")
    baseline.set_label(f"{scales.BASELINE} ({words})")
    return [*handles, baseline]
