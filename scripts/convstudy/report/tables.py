"""The tables of a study, made once for `summary.md` and for the page alike."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas

from convstudy.report import notes
from convstudy.report.notes import percent
from convstudy.statistics import aggregate


@dataclass
class Table:
    """A table of texts: the first column is a name, the others are figures."""

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


Row = Mapping[str, Any]
Columns = Mapping[str, Callable[[Row], str]]


def _points(key: str) -> Callable[[Row], str]:
    return lambda row: percent(row[key])


def _number(key: str, form: str = ",.0f", unit: float = 1) -> Callable[[Row], str]:
    return lambda row: "" if math.isnan(row[key]) else f"{row[key] / unit:{form}}"


def _both(key: str, form: str, unit: float) -> Callable[[Row], str]:
    """A cost of the network alone, or with the frozen backbone that a head needs."""
    return lambda row: f"{(row[key] + row[f'backbone_{key}']) / unit:{form}}"


RESULTS: Columns = {
    "on validation": lambda row: notes.rank(row),
    "test accuracy %": lambda row: _accuracy(row),
    "95 % interval": lambda row: (
        f"[{percent(row['test_accuracy_ci_low'])}, {percent(row['test_accuracy_ci_high'])}]"
    ),
    "without duplicates %": _points("test_accuracy_without_duplicates_mean"),
    "balanced %": _points("balanced_accuracy_mean"),
    "macro F1 %": _points("macro_f1_mean"),
    "ROC AUC %": _points("roc_auc_mean"),
    "top-5 %": _points("top5_accuracy_mean"),
    "log loss": _number("test_loss_mean", ".3f"),
    "Brier": _number("brier_mean", ".3f"),
    "ECE, points": _points("ece_mean"),
    "its floor": _points("ece_floor_mean"),
    "ECE at T": _points("ece_scaled_mean"),
    "T": _number("temperature_mean", ".2f"),
    "train - test, points": lambda row: _gap(row),
}
COSTS: Columns = {
    "epochs": _number("epochs_mean", ".1f"),
    "at most": _number("budget_epochs"),
    "parameters": _number("parameters"),
    "trained": _number("trainable_parameters"),
    "with backbone": _both("parameters", ",.0f", 1),
    "MFLOPs an image": _number("flops_per_image", ",.1f", 1e6),
    "MFLOPs with backbone": _both("flops_per_image", ",.1f", 1e6),
    "training, s": _number("train_seconds_mean", ",.1f"),
    "extraction, s": _number("extraction_seconds_mean", ",.1f"),
    "ms an image": _number("milliseconds_per_image_mean", ".3f"),
    "training memory, MiB": _number("train_peak_memory_mib_max"),
}


def summary_tables(frame: pandas.DataFrame, variants: Sequence[Row]) -> list[Table]:
    """One table a data set, a row a result, published figures beside ours where there are any."""
    return [_summary_table(rows, variants) for rows in _by_dataset(frame)]


def cost_tables(frame: pandas.DataFrame) -> list[Table]:
    """What each result cost, one table a data set."""
    tables = []
    for rows in _by_dataset(frame):
        beside = (rows["backbone_parameters"] > 0).any()
        columns = {name: cell for name, cell in COSTS.items() if beside or "backbone" not in name}
        title = f"Costs on {rows['dataset'].iloc[0]}"
        tables.append(Table(title, *_filled(rows, columns), notes.of_costs(rows)))
    return tables


def difference_tables(differences: pandas.DataFrame | None) -> list[Table]:
    """One table a declared comparison and data set, from what `paired_tests.compare` returns."""
    if differences is None or differences.empty:
        return []
    tables = []
    for (_, dataset), group in differences.groupby(["comparison", "dataset"], sort=False):
        first = group.iloc[0]
        header = [
            "variant",
            "difference, points",
            "95 % interval",
            "minimum detectable effect, points",
            "only first right",
            "only this right",
            "p",
            "p after Holm",
        ]
        body = [
            [
                row["variant_label"],
                f"{100 * row['difference']:+.2f}",
                f"[{100 * row['ci_low']:+.2f}, {100 * row['ci_high']:+.2f}]",
                f"{100 * row['minimum_detectable_effect']:.2f}",
                str(row["baseline_only_right"]),
                str(row["variant_only_right"]),
                p_value(row["p"]),
                p_value(row["p_holm"]),
            ]
            for row in group.to_dict("records")
        ]
        title = f"{first['title']} (against {first['baseline_label']}, on {dataset})"
        tables.append(Table(title, header, body, notes.of_differences(group)))
    return tables


def sweep_tables(frame: pandas.DataFrame, variants: Sequence[Mapping[str, Any]]) -> list[Table]:
    """One table a sweep, a row a value.

    Args:
        frame: what `aggregate.summarize` returns.
        variants: the dicts given to it; `values` has a point's values by parameter.
    """
    values = {v["variant"]: v["values"] for v in variants}
    found = []
    for (sweep, dataset), rows in frame[frame["sweep"].notna()].groupby(
        ["sweep", "dataset"], sort=False
    ):
        records = rows.to_dict("records")
        parameters = list(values[records[0]["variant"]])
        body = [
            [
                row["variant"],
                *(str(values[row["variant"]][name]) for name in parameters),
                percent(row["validation_accuracy_mean"]),
                percent(row["test_accuracy_mean"]),
                f"{row['rank']:.0f}",
                "chosen" if row["selected"] else "shown" if row["shown"] else "",
            ]
            for row in records
        ]
        header = ["variant", *parameters, "validation accuracy %", "test accuracy %", "rank", ""]
        told = [
            f"Chosen among {len(body)} values by the mean validation accuracy over seeds, the "
            f"first of equals. Only the chosen one's test accuracy is a result and takes part in "
            f"comparisons; the others stand here to be looked at, not to choose from.",
            f"The best of {len(body)} validation accuracies is too high by chance, the more so the "
            f"more values were tried; the test accuracy of the chosen one is not.",
        ]
        found.append(Table(f"Sweep {sweep} (on {dataset})", header, body, told))
    return found


def p_value(p: float) -> str:
    """A p-value to two digits; very small ones as a bound."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def markdown(table: Table) -> str:
    """A table in Markdown, with its notes below it."""
    lines = [table.header, [":---"] + ["---:"] * (len(table.header) - 1)]
    lines += [[_escape(cell) for cell in row] for row in table.rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join(
        [f"### {table.title}", "", text, "", *(f"* {_escape(note)}" for note in table.notes)]
    )


def _by_dataset(frame: pandas.DataFrame) -> list[pandas.DataFrame]:
    """The rows that are results, a frame a data set, in the order of the study."""
    chosen = aggregate.shown(frame)
    return [chosen[chosen["dataset"] == name] for name in dict.fromkeys(chosen["dataset"])]


def _filled(rows: pandas.DataFrame, columns: Columns) -> tuple[list[str], list[list[str]]]:
    """Header and body of those columns that have a figure in any row."""
    records = rows.to_dict("records")
    cells = {name: [cell(row) for row in records] for name, cell in columns.items()}
    held = {name: column for name, column in cells.items() if any(column)}
    names = [[row["label"], row["protocol"]] for row in records]
    body = [
        name + list(row) for name, row in zip(names, zip(*held.values(), strict=True), strict=True)
    ]
    return ["variant", "protocol", *held], body


def _summary_table(rows: pandas.DataFrame, variants: Sequence[Row]) -> Table:
    dataset = rows["dataset"].iloc[0]
    references = {
        v["variant"]: v["reference"]
        for v in variants
        if v["dataset"] == dataset and v.get("reference")
    }
    foreign = {r["dataset"] for r in references.values()} - {dataset}
    header, body = _filled(rows, RESULTS)
    if references:
        whose = "published (on its own data)" if foreign else "published"
        header += [f"{whose}: accuracy %", f"{whose}: loss"]
        for name, row in zip(rows["variant"], body, strict=True):
            found = references.get(name)
            row += [percent(found["accuracy"]), f"{found['loss']:.3f}"] if found else ["", ""]
    return Table(f"Data set {dataset}", header, body, notes.of_results(rows, dataset, foreign))


def _accuracy(row: Row) -> str:
    deviation = row["test_accuracy_std"]
    spread = "" if math.isnan(deviation) else f" ± {percent(deviation)}"
    return percent(row["test_accuracy_mean"]) + spread


def _gap(row: Row) -> str:
    gap = row["generalization_gap_mean"]
    return "" if math.isnan(gap) else f"{100 * gap:+.1f}"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
