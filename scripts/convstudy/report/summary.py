"""The summary of a study on disk: a table for programs and a page for people."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas

from convstudy.data import facts
from convstudy.foundation import atomic_files
from convstudy.report import data_facts, data_notes, page, tables
from convstudy.statistics import aggregate, paired_tests


def of_study(
    spec: Mapping[str, Any],
    runs: Sequence[tuple[Path | str, Path | str]],
    data: Mapping[str, Mapping[str, Any]],
    csv_path: Path | str,
    md_path: Path | str,
    comparisons_path: Path | str,
) -> None:
    """Write the summary of a study from what its runs left.

    Args:
        spec: What `Study.spec` returns, and its `pictures` as `Study.pictures` does.
        runs: (metrics.json, predictions.h5) of every run.
        data: The facts of each data set.
        csv_path: The table for machines.
        md_path: The table for people; its pictures are named relative to its folder.
        comparisons_path: What is concluded from each comparison, for machines.
    """
    folder = os.path.dirname(md_path)
    differences = paired_tests.compare(spec["comparisons"], spec["rows"], runs)
    _write_csv(differences, comparisons_path)
    write_summary(
        aggregate.summarize(spec["rows"], runs, facts.leaked(data)),
        spec["rows"],
        csv_path,
        md_path,
        spec["study"],
        {
            heading: [(title, os.path.relpath(path, folder)) for title, path in entries]
            for heading, entries in spec["pictures"].items()
        },
        differences,
        data,
    )


def write_summary(
    frame: pandas.DataFrame,
    variants: list[dict[str, Any]],
    csv_path: Path | str,
    md_path: Path | str,
    study: Mapping[str, Any],
    pictures: page.Pictures,
    differences: pandas.DataFrame | None = None,
    data: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write summary.csv and summary.md, each whole or not at all.

    Args:
        frame: What `summarize` returns.
        variants: The dicts given to `summarize`.
        csv_path: The table for machines; nine digits, empty where there is no value.
        md_path: The table for people.
        study: `name`, and optionally `title`, `description`, `notes` (list of texts) and
            `protocols` (what each does, by name).
        pictures: Headings and, under each, (title, path relative to `md_path`).
        differences: What `compare` returns.
        data: The facts of each data set.
    """
    _write_csv(frame, csv_path)
    parts = [f"# {study.get('title') or study['name']}", study.get("description") or ""]
    noted = [*(study.get("notes") or []), *data_notes.warnings(data or {})]
    parts += [f"> {note}" for note in noted]
    parts += ["## Results", *map(tables.markdown, tables.summary_tables(frame, variants))]
    parts += ["## Costs", *map(tables.markdown, tables.cost_tables(frame))]
    sweeps = tables.sweep_tables(frame, variants)
    parts += ["## Sweeps"] * bool(sweeps) + [tables.markdown(table) for table in sweeps]
    tests = tables.difference_tables(differences)
    parts += ["## Paired differences"] * bool(tests) + [tables.markdown(table) for table in tests]
    parts += ["## Data", tables.markdown(data_facts.table(data))] if data else []
    protocols = [f"* **{k}**: {words}" for k, words in study.get("protocols", {}).items()]
    parts += ["## Protocols", "\n".join(protocols)] * bool(protocols)
    told = [f"* **{v['variant']}**: {v['description']}" for v in variants if v.get("description")]
    parts += ["## Variants", "\n".join(told)] * bool(told)
    for heading, entries in pictures.items():
        parts += [f"## {heading}" + " (pictures)" * (heading == "Sweeps")] * bool(entries)
        parts += [f"![{title}]({quote(str(path))})" for title, path in entries]
    with atomic_files.whole_file(md_path) as temporary:
        temporary.write_text("\n\n".join(part for part in parts if part) + "\n")


def _write_csv(frame: pandas.DataFrame, path: Path | str) -> None:
    with atomic_files.whole_file(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")
