"""The tables of a study, made once for `summary.md` and for the page alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas


@dataclass
class Table:
    """A table of texts: the first column is a name, the others are figures."""

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


def summary_tables(frame: pandas.DataFrame, variants: Sequence[Mapping[str, Any]]) -> list[Table]:
    """One table a data set, a row a result, published figures beside ours where there are any."""
    tables = []
    frame = frame[frame["selected"].astype(bool)]
    for dataset in dict.fromkeys(frame["dataset"]):
        rows = frame[frame["dataset"] == dataset]
        references = {
            v["variant"]: v["reference"]
            for v in variants
            if v["dataset"] == dataset and v.get("reference")
        }
        foreign = {r["dataset"] for r in references.values()} - {dataset}
        whose = "published (on its own data)" if foreign else "published"
        published = [f"{whose}: accuracy %", f"{whose}: loss"] if references else []
        header = (
            "variant|protocol|test accuracy %|95 % interval|loss|top-5 %|ECE, points|"
            "train - test, points|epochs|parameters|seconds"
        ).split("|") + published
        body = []
        for row in rows.to_dict("records"):
            reference = references.get(row["variant"])
            cells = (
                [percent(reference["accuracy"]), f"{reference['loss']:.3f}"] if reference else []
            )
            body.append(_summary_row(row) + (cells or [""] * len(published)))
        tables.append(Table(f"Data set {dataset}", header, body, _notes(rows, dataset, foreign)))
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
            "McNemar p",
            "p after Holm",
        ]
        body = [
            [
                row["variant"],
                f"{100 * row['difference']:+.2f}",
                f"[{100 * row['ci_low']:+.2f}, {100 * row['ci_high']:+.2f}]",
                f"{100 * row['minimum_detectable_effect']:.2f}",
                str(row["baseline_only_right"]),
                str(row["variant_only_right"]),
                p_value(row["mcnemar_p"]),
                p_value(row["mcnemar_p_holm"]),
            ]
            for row in group.to_dict("records")
        ]
        title = f"{first['title']} (against {first['baseline']}, on {dataset})"
        tables.append(Table(title, header, body, _difference_notes(group)))
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
                "chosen" if row["selected"] else "",
            ]
            for row in records
        ]
        header = ["variant", *parameters, "validation accuracy %", "test accuracy %", ""]
        notes = [
            f"Chosen among {len(body)} values by the mean validation accuracy over seeds, the "
            f"first of equals. Only the chosen one's test accuracy is a result and takes part in "
            f"comparisons; the others stand here to be looked at, not to choose from.",
            f"The best of {len(body)} validation accuracies is too high by chance, the more so the "
            f"more values were tried; the test accuracy of the chosen one is not.",
        ]
        found.append(Table(f"Sweep {sweep} (on {dataset})", header, body, notes))
    return found


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal; empty for NaN."""
    return "" if math.isnan(value) else f"{100 * value:.1f}"


def p_value(p: float) -> str:
    """A p-value to two digits; very small ones as a bound."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def markdown(table: Table) -> str:
    """A table in Markdown, with its notes below it."""
    lines = [table.header, [":---"] + ["---:"] * (len(table.header) - 1)]
    lines += [[_escape(cell) for cell in row] for row in table.rows]
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join([f"### {table.title}", "", text, "", *(f"* {note}" for note in table.notes)])


def _summary_row(row: Mapping[str, Any]) -> list[str]:
    accuracy = percent(row["test_accuracy_mean"])
    if not math.isnan(row["test_accuracy_std"]):
        accuracy += f" ± {percent(row['test_accuracy_std'])}"
    return [
        row["variant"],
        row["protocol"],
        accuracy,
        f"[{percent(row['test_accuracy_ci_low'])}, {percent(row['test_accuracy_ci_high'])}]",
        f"{row['test_loss_mean']:.3f}",
        percent(row["top5_accuracy_mean"]),
        percent(row["ece_mean"]),
        f"{100 * row['generalization_gap_mean']:+.1f}",
        f"{row['epochs_mean']:.1f}",
        f"{row['parameters']:,}",
        f"{row['train_seconds_mean']:.1f}",
    ]


def _notes(rows: pandas.DataFrame, dataset: str, foreign: set[str]) -> list[str]:
    first = rows.iloc[0]
    accuracy = rows["test_accuracy_mean"].clip(0, 1)
    widest = accuracy.iloc[(accuracy - 0.5).abs().argmin()]
    width = 196 * math.sqrt(widest * (1 - widest) / first["n_test"])
    notes = [
        f"{counted(set(rows['n_seeds']), 'seed')} a variant; {first['n_train']} training, "
        f"{first['n_validation']} validation and {first['n_test']} test images; guessing is right "
        f"in {percent(first['chance_accuracy'])} %.",
        f"± is the standard deviation over seeds. The interval covers seeds and test images; "
        f"the {first['n_test']} test images alone make ± {width:.2f} points (95 %, binomial, at "
        f"accuracy {percent(widest)} %).",
    ]
    if (rows["n_seeds"] == 1).any():
        notes.append(
            "With one seed the interval covers the test images only: it speaks of one trained "
            "network, not of the variant."
        )
    if foreign:
        notes.append(
            f"The published figures were measured on {listed(sorted(foreign))}, ours on "
            f"{dataset}: other images, so the two columns are no comparison."
        )
    versions = dict.fromkeys(text for row in rows["versions"] for text in row.split(" | "))
    if len(versions) > 1:
        notes.append(
            "These rows were made by different library versions, and part of their differences may "
            f"come from those: {' / '.join(versions)}. snakemake --forcerun train_model makes all "
            "of them anew."
        )
    mixed = rows["variant"][rows["threads"].str.contains(" | ", regex=False)]
    if len(mixed):
        notes.append(
            f"The seeds of {listed(mixed)} were trained on different numbers of threads, so no "
            "one setting of `threads` gives all of these figures again to the last digit."
        )
    return notes


def _difference_notes(group: pandas.DataFrame) -> list[str]:
    first = group.iloc[0]
    seeds = counted(set(group["n_seeds"]), "seed")
    return [
        f"Mean over {seeds} and {first['n_test']} test images, paired by both. "
        "The minimum detectable effect is the true difference that such an experiment finds in "
        "four of five cases (5 % level); a smaller one may well exist unseen.",
        f"McNemar's test compares the two networks of seed {first['mcnemar_seed']}; Holm's "
        f"correction is over {counted({len(group)}, 'test')}, those of this comparison.",
    ]


def listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)


def counted(numbers: set[int], noun: str) -> str:
    return f"{listed(sorted(numbers))} {noun}{'' if numbers == {1} else 's'}"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
