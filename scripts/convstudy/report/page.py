"""The report: one self-contained HTML page."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report.checklist import checklist
from convstudy.report.tables import Table, difference_tables, summary_tables

TEMPLATE = Path(__file__).with_name("page.html.j2")
IMAGE_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
Pictures = Mapping[str, Sequence[tuple[str, Path | str]]]


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
        frame: What `aggregate.summarize` returns.
        variants: The dicts given to `summarize`; their `description` is shown.
        differences: What `paired_tests.compare` returns, or None.
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
        checklist=checklist(study, frame, [atomic_files.read_json(one) for one in metrics_paths]),
        sections=[
            (heading, [(title, _embedded(picture)) for title, picture in entries])
            for heading, entries in pictures.items()
        ],
    )
    with atomic_files.whole_file(path) as temporary:
        temporary.write_text(page)


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
