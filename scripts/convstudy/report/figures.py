"""The figures of a study as tables and drawings: the summary, the differences, the costs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas

from convstudy.report import drawings, notes, tables
from convstudy.report.drawings import Dot
from convstudy.report.grids import Cell, Form, Grid, Head, fixed, points, short, some
from convstudy.report.notes import percent
from convstudy.report.results import Result
from convstudy.statistics import aggregate

Records = list[dict[str, Any]]
Columns = Sequence[tuple[str, Head, Form]]
# What a table shows: column of summary.csv, head, how a value is written.
RESULTS: Columns = (
    ("place", Head("on validation", "rank"), str),
    ("protocol", Head("protocol"), str),
    ("n_folds", Head("folds", "fold"), fixed(0)),
    ("n_seeds", Head("seeds", "seed"), str),
    ("test_accuracy_mean", Head("accuracy %", "accuracy"), percent),
    ("interval", Head("95 % interval", "95 % interval"), str),
    ("test_accuracy_std", Head("± over runs", "seed"), percent),
    (
        "test_accuracy_without_duplicates_mean",
        Head("without duplicates %", "without duplicates"),
        percent,
    ),
    ("balanced_accuracy_mean", Head("balanced %", "balanced accuracy"), percent),
    ("macro_f1_mean", Head("macro F1 %", "macro F1"), percent),
    ("roc_auc_mean", Head("AUC", "AUC"), fixed(3)),
    ("top5_accuracy_mean", Head("top-5 %", "top-5"), percent),
    ("test_loss_mean", Head("loss", "loss"), fixed(3)),
    ("brier_mean", Head("Brier", "Brier"), fixed(3)),
    ("ece_mean", Head("ECE, points", "ECE"), percent),
    ("ece_floor_mean", Head("its floor", "ECE floor"), percent),
    ("temperature_mean", Head("temperature", "temperature"), fixed(2)),
    ("ece_scaled_mean", Head("ECE scaled", "temperature"), percent),
    ("validation_accuracy_mean", Head("validation %", "validation"), percent),
    ("train_accuracy_mean", Head("training %", "train - test"), percent),
    ("generalization_gap_mean", Head("train − test", "train - test"), points),
    ("reference_accuracy", Head("published %"), percent),
    ("reference_loss", Head("published loss"), fixed(3)),
    ("never_predicted", Head("never predicted", "majority"), str),
)
COSTS: Columns = (
    ("epochs_mean", Head("epochs run"), fixed(1)),
    ("budget_epochs", Head("epochs at most"), fixed(0)),
    ("parameters", Head("parameters"), fixed(0)),
    ("trainable_parameters", Head("of them trained"), fixed(0)),
    ("backbone_parameters", Head("of a backbone beside"), some(fixed(0))),
    ("flops_per_image", Head("FLOPs an image", "FLOPs"), short),
    ("backbone_flops_per_image", Head("of a backbone beside", "FLOPs"), some(short)),
    ("train_seconds_mean", Head("training, s"), fixed(1)),
    ("extraction_seconds_mean", Head("extraction, s"), fixed(1)),
    ("milliseconds_per_image_mean", Head("ms an image"), fixed(2)),
    ("train_peak_memory_mib_max", Head("memory in training, MiB"), fixed(0)),
    ("evaluate_peak_memory_mib_max", Head("in evaluation, MiB"), fixed(0)),
    ("processor", Head("processor"), str),
    ("device", Head("device"), str),
    ("threads", Head("threads"), str),
    ("load_max", Head("load"), fixed(2)),
)
# Costs that accuracy is drawn against: title, columns that are added, how a value is written.
AGAINST: tuple[tuple[str, tuple[str, ...], Form], ...] = (
    ("FLOPs an image, backbone included", ("flops_per_image", "backbone_flops_per_image"), short),
    ("parameters, backbone included", ("parameters", "backbone_parameters"), short),
    ("seconds of training", ("train_seconds_mean",), short),
    ("milliseconds an image", ("milliseconds_per_image_mean",), short),
)


def records_of(frame: pandas.DataFrame) -> Records:
    """The rows of the summary that are results, each with its interval and rank as texts."""
    found = aggregate.shown(frame).to_dict("records")
    for row in found:
        row["place"] = notes.rank(row)
        ends = row["test_accuracy_ci_low"], row["test_accuracy_ci_high"]
        row["interval"] = "" if any(map(math.isnan, ends)) else _between(*map(percent, ends))
    return found


def grids(
    records: Records, results: Sequence[Result], columns: Columns, title: str, source: str,
    notes: Mapping[str, list[str]] | None = None,
) -> list[Grid]:  # fmt: skip
    """A table a data set, a row a result.

    Args:
        records: of `records_of`.
        results: of `results.load`, in the same order.
        columns: what is shown, as far as the records have it.
        title: of each table, before its data set.
        source: the file that the numbers come from.
        notes: below the table of each data set.
    """
    shown = [column for column in columns if column[0] in records[0]]
    heads = [Head("variant"), *(head for _, head, _ in shown)]
    found = []
    for dataset in datasets(records):
        body = [
            [Cell.of(x.label)] + [Cell.of(r[key], form, f"{x.key}|{key}") for key, _, form in shown]
            for r, x in zip(records, results, strict=True)
            if x.dataset == dataset
        ]
        own = (notes or {}).get(dataset, [])
        grid = Grid(f"{title} on {dataset}", heads, body, own, [source])
        found.append(grid.without_empty_columns())
    return found


def notes_of(frame: pandas.DataFrame, found: Sequence[tables.Table]) -> dict[str, list[str]]:
    """The notes that the summary has below its tables, one a data set, by data set."""
    names = datasets(records_of(frame))
    return {name: table.notes for name, table in zip(names, found, strict=True)}


def datasets(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the data sets, in the order of the study."""
    return list(dict.fromkeys(row["dataset"] for row in records))


def overview(records: Records, results: Sequence[Result]) -> list[dict[str, Any]]:
    """All variants with their intervals: of each data set its rows, its axis and a caption."""
    found = []
    for dataset in datasets(records):
        held = [(r, x) for r, x in zip(records, results, strict=True) if x.dataset == dataset]
        ends = [r[f"test_accuracy_ci_{end}"] for r, _ in held for end in ("low", "high")]
        means = [r["test_accuracy_mean"] for r, _ in held]
        published = [r["reference_accuracy"] for r, _ in held]
        axis = drawings.around([*ends, *means, *published], 0, 1)
        majority = held[0][0].get("majority_accuracy", math.nan)
        inside = axis.low <= majority <= axis.high
        rows = [
            {
                "label": x.label,
                "text": percent(r["test_accuracy_mean"]),
                "drawing": drawings.interval(
                    axis, r["test_accuracy_ci_low"], r["test_accuracy_mean"],
                    r["test_accuracy_ci_high"], x.colour,
                    lines={"majority": majority} if inside else None,
                    published=r["reference_accuracy"],
                    about=f"{x.label}: {percent(r['test_accuracy_mean'])} % {r['interval']}",
                ),
                "subject": f"{x.key}|test_accuracy_mean",
                "value": repr(float(r["test_accuracy_mean"])),
            }
            for r, x in held
        ]  # fmt: skip
        found.append(
            {"dataset": dataset, "rows": rows, "axis": drawings.axis_row(axis, drawings.plain),
             "caption": _overview_words(held[0][0], majority, inside, published)}
        )  # fmt: skip
    return found


def _overview_words(first: Mapping[str, Any], majority: float, inside: bool, published) -> str:
    words = f"test accuracy in %, {first['n_test']} test images"
    if not math.isnan(majority):
        line = " (dashed line)" if inside else ""
        words += f"; always naming the largest class: {percent(majority)} %{line}"
    if not all(map(math.isnan, published)):
        words += "; hollow: published"
    return words


def forest(differences: pandas.DataFrame | None) -> list[dict[str, Any]]:
    """The paired differences as rows of one picture, comparison by comparison, on one axis."""
    if differences is None or differences.empty:
        return []
    effect = differences["minimum_detectable_effect"]
    columns = [differences[key] for key in ("ci_low", "ci_high", "difference")]
    reach = [float(v) for column in (*columns, effect, -effect) for v in column]
    axis = drawings.around([*reach, 0.0], -1, 1)
    found = []
    for (_, dataset), group in differences.groupby(["comparison", "dataset"], sort=False):
        first = group.iloc[0]
        rows = []
        for row in group.to_dict("records"):
            least = row["minimum_detectable_effect"]
            rows.append({
                "label": row["variant_label"],
                "text": points(row["difference"]),
                "interval": _between(points(row["ci_low"]), points(row["ci_high"])),
                "drawing": drawings.interval(
                    axis, row["ci_low"], row["difference"], row["ci_high"], 0,
                    lines={"zero": 0.0},
                    band=None if math.isnan(least) else (-least, least),
                    about=f"{row['variant_label']} less {row['baseline_label']}: "
                          f"{points(row['difference'])} points",
                ),
                "conclusion": row["conclusion"],
                "differs": row["differs"],
            })  # fmt: skip
        found.append(
            {"title": first["title"], "dataset": dataset, "baseline": first["baseline_label"],
             "networks": (group["speaks_of"] == "networks").any(), "rows": rows, "axis": ""}
        )  # fmt: skip
    found[-1]["axis"] = drawings.axis_row(axis, drawings.signed)
    return found


def difference_grids(differences: pandas.DataFrame | None, source: str) -> list[Grid]:
    """One table a comparison and data set."""
    if differences is None or differences.empty:
        return []
    groups = differences.groupby(["comparison", "dataset"], sort=False)
    return [
        _difference_grid(group, table.notes, source)
        for (_, group), table in zip(groups, tables.difference_tables(differences), strict=True)
    ]


def _difference_grid(group: pandas.DataFrame, notes: list[str], source: str) -> Grid:
    first = group.iloc[0]
    heads = [
        Head("variant"), Head("seeds", "seed"), Head("difference, points", "paired difference"),
        Head("95 % interval", "95 % interval"),
        Head("could be seen from, points", "minimum detectable effect"),
        Head("only the first right"), Head("only this right"), Head("p", "p-value"),
        Head("p after Holm", "Holm"), Head("not equal"),
    ]  # fmt: skip
    body = []
    for row in group.to_dict("records"):
        of = "|".join(row[key] for key in ("comparison", "dataset", "variant"))
        ends = _between(points(row["ci_low"]), points(row["ci_high"]))
        body.append([
            Cell.of(row["variant_label"]), Cell.of(row["n_seeds"], str, f"{of}|n_seeds"),
            Cell.of(row["difference"], points, f"{of}|difference"), Cell.of(ends),
            Cell.of(row["minimum_detectable_effect"], percent, f"{of}|minimum_detectable_effect"),
            Cell.of(row["baseline_only_right"], str, f"{of}|baseline_only_right"),
            Cell.of(row["variant_only_right"], str, f"{of}|variant_only_right"),
            Cell.of(row["p"], tables.p_value, f"{of}|p"),
            Cell.of(row["p_holm"], tables.p_value, f"{of}|p_holm"), Cell.of(row["differs"]),
        ])  # fmt: skip
    title = f"{first['title']} (against {first['baseline_label']}, on {first['dataset']})"
    kept = [note for note in notes if note not in set(group["conclusion"])]  # the page's answers
    return Grid(title, heads, body, kept, [source]).without_empty_columns()


def against_costs(records: Records, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Accuracy against each cost that the runs have: a title, and a drawing a data set."""
    found = []
    for title, columns, form in AGAINST:
        drawn = []
        for dataset in datasets(records):
            dots = []
            for row, result in zip(records, results, strict=True):
                cost = _sum(row.get(column, math.nan) for column in columns)
                if result.dataset == dataset and cost > 0:
                    ends = (row["test_accuracy_ci_low"], row["test_accuracy_ci_high"])
                    dots.append(Dot(len(dots) + 1, cost, row["test_accuracy_mean"], *ends,
                                    result.colour, result.label))  # fmt: skip
            if dots:
                front = drawings.pareto(dots)
                listed = [(d, form(d.cost), percent(d.value), d in front) for d in dots]
                drawn.append((dataset, drawings.scatter(dots, front, title, form), listed))
        if drawn:
            found.append({"title": title, "drawn": drawn})
    return found


def _sum(values) -> float:
    """The sum; NaN if any is missing, and so left out."""
    held = [math.nan if value is None else float(value) for value in values]
    return math.fsum(held) if not any(map(math.isnan, held)) else math.nan


def _between(low: str, high: str) -> str:
    return f"[{low}, {high}]"
