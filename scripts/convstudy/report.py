"""How a study is put before people: its tables, and one self-contained HTML page.

The tables are made here once, for `summary.md` and for the page alike.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import pandas

from convstudy import files
from convstudy.errors import UserError

TEMPLATE = Path(__file__).with_name("report.html.j2")
HYPERPARAMETERS = (
    "Taken from the configuration; this workflow does not search. Early stopping and the choice of "
    "the best epoch, where the protocol has one, look at the validation images only."
)
IMAGE_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
Pictures = Mapping[str, Sequence[tuple[str, Path | str]]]


@dataclass
class Table:
    """A table of texts: the first column is a name, the others are figures."""

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)


def summary_tables(frame: pandas.DataFrame, variants: Sequence[Mapping[str, Any]]) -> list[Table]:
    """One table a data set, a row a result, the practical's figures beside ours."""
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
        whose = "practical (its own data)" if foreign else "practical"
        practical = [f"{whose}: accuracy %", f"{whose}: loss"] if references else []
        header = (
            "variant|protocol|test accuracy %|95 % interval|loss|top-5 %|ECE, points|"
            "train - test, points|epochs|parameters|seconds"
        ).split("|") + practical
        body = []
        for row in rows.to_dict("records"):
            reference = references.get(row["variant"])
            cells = (
                [percent(reference["accuracy"]), f"{reference['loss']:.3f}"] if reference else []
            )
            body.append(_summary_row(row) + (cells or [""] * len(practical)))
        tables.append(Table(f"Data set {dataset}", header, body, _notes(rows, dataset, foreign)))
    return tables


def difference_tables(differences: pandas.DataFrame | None) -> list[Table]:
    """One table a declared comparison and data set, from what `comparison.compare` returns."""
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


def write_report(
    path: Path | str,
    study: Mapping[str, Any],
    frame: pandas.DataFrame,
    variants: Sequence[Mapping[str, Any]],
    differences: pandas.DataFrame | None,
    metrics_paths: Sequence[Path | str],
    pictures: Pictures,
    sweeps: Sequence[Table] = (),
) -> None:
    """Write one HTML page that holds everything, pictures included, and asks no other address.

    Args:
        path: The page.
        study: `name`, and optionally `title`, `description`, `notes` (list of texts), `protocols`
            (what each does, by name) and `hyperparameters` (how they were chosen).
        frame: What `comparison.summarize` returns.
        variants: The dicts given to `summarize`; their `description` is shown.
        differences: What `comparison.compare` returns, or None.
        metrics_paths: The metrics.json of every run, for compute, versions and commits.
        pictures: Headings and, under each, (title, path of a .png or .svg).
        sweeps: What `selection.tables` returns.

    Raises:
        UserError: A picture is missing or of another format.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(TEMPLATE.read_text()).render(
        study={"title": study.get("name"), "description": "", "notes": []} | dict(study),
        tables=summary_tables(frame, variants),
        comparisons=difference_tables(differences),
        sweeps=sweeps,
        variants=variants,
        checklist=checklist(study, frame, [files.read_json(one) for one in metrics_paths]),
        sections=[
            (heading, [(title, _embedded(picture)) for title, picture in entries])
            for heading, entries in pictures.items()
        ],
    )
    with files.whole_file(path) as temporary:
        temporary.write_text(page)


def checklist(
    study: Mapping[str, Any], frame: pandas.DataFrame, runs: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Answers to the reproducibility checklist of Pineau et al. 2021 (JMLR), as (point, answer)."""
    seeds = sorted({run["seed"] for run in runs})
    provenance = [run["provenance"] for run in runs]
    splits = [
        f"{row['dataset']}: {row['n_train']} training, {row['n_validation']} validation, "
        f"{row['n_test']} test images"
        for row in frame.drop_duplicates("dataset").to_dict("records")
    ]
    hours = sum(run["train_seconds"] for run in runs) / 3600
    memory = max(run["train_peak_memory_mib"] for run in runs)
    return [
        ("Runs", f"{len(runs)} runs: {len(frame)} variants, seeds {_listed(seeds)}. "
         "Means over all seeds are given, never the best run."),
        ("Error bars", "± is the standard deviation over seeds (n - 1). Intervals are 95 % "
         "percentile intervals of a bootstrap that resamples seeds and test images (2000 draws)."),
        ("Data", "; ".join(splits) + ". One stratified split into training and validation, "
         "the same for all runs; only the evaluation opens the test images."),
        *((f"Protocol {name}", words) for name, words in study.get("protocols", {}).items()),
        ("Hyper-parameters", study.get("hyperparameters") or HYPERPARAMETERS),
        ("Compute", f"{hours:.2f} hours of training in all, at most {memory:,.0f} MiB, "
         f"{_counted({p['threads'] for p in provenance}, 'thread')} a run."),
        ("Versions", " | ".join(dict.fromkeys(frame["versions"]))),
        ("Code", "git commit "
         f"{_listed(sorted({str(p['git_commit'] or 'unknown') for p in provenance}))}"),
    ]  # fmt: skip


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
        f"{_counted(set(rows['n_seeds']), 'seed')} a variant; {first['n_train']} training, "
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
            f"The practical's figures were measured on {_listed(sorted(foreign))}, ours on "
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
            f"The seeds of {_listed(mixed)} were trained on different numbers of threads, so no "
            "one setting of `threads` gives all of these figures again to the last digit."
        )
    return notes


def _difference_notes(group: pandas.DataFrame) -> list[str]:
    first = group.iloc[0]
    seeds = _counted(set(group["n_seeds"]), "seed")
    return [
        f"Mean over {seeds} and {first['n_test']} test images, paired by both. "
        "The minimum detectable effect is the true difference that such an experiment finds in "
        "four of five cases (5 % level); a smaller one may well exist unseen.",
        f"McNemar's test compares the two networks of seed {first['mcnemar_seed']}; Holm's "
        f"correction is over {_counted({len(group)}, 'test')}, those of this comparison.",
    ]


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _counted(numbers: set[int], noun: str) -> str:
    return f"{_listed(sorted(numbers))} {noun}{'' if numbers == {1} else 's'}"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _embedded(picture: Path | str) -> str:
    picture = Path(picture)
    try:
        kind = IMAGE_TYPES[picture.suffix.lower()]
        content = base64.b64encode(picture.read_bytes()).decode()
    except (KeyError, OSError) as error:
        raise UserError(
            f"{picture}: expected a .png or .svg picture for the report ({error!r}). Delete it and "
            f"run the same command again to have it drawn."
        ) from error
    return f"data:{kind};base64,{content}"
