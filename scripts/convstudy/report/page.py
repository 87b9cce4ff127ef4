"""The report: one self-contained HTML page.

What it says is put together here, how it looks is in `page_files/`; see `figures`, `looks`,
`settings` and `data_facts` for its sections.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas
from markupsafe import Markup
from matplotlib import colors

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError
from convstudy.report import data_facts, data_notes, figures, looks, results, settings, tables
from convstudy.report.checklist import checklist
from convstudy.report.examples import Pictures as TestImages
from convstudy.report.glossary import TERMS, cut
from convstudy.report.plots import style

FILES = Path(__file__).with_name("page_files")
IMAGE_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
# Headings of pictures that have their place on the page, and of those that it draws by itself.
PLACED = (
    "Comparison pictures", "Sweeps", "Learning curves", "Sample images", "Augmented images",
)  # fmt: skip
DRAWN = ("Confusion matrices", "Calibration")
Pictures = Mapping[str, Sequence[tuple[str, Path | str]]]  # by heading: (title, path)


def write_report(
    path: Path | str,
    spec: Mapping[str, Any],
    frame: pandas.DataFrame,
    differences: pandas.DataFrame | None,
    runs: results.Runs,
    data_files: Mapping[str, Path | str],
    data: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write one HTML page that holds everything, pictures included, and asks no other address.

    Args:
        path: the page.
        spec: what `Study.spec` returns, and its `pictures` as `Study.report_pictures` does.
        frame: what `aggregate.summarize` returns.
        differences: what `paired_tests.compare` returns, or None.
        runs: (metrics.json, predictions.h5) of every run.
        data_files: the HDF5 file of every data set.
        data: the facts of every data set.

    Raises:
        UserError: a picture is missing or of another format, or predictions are not of the test
            images in the data file.
    """
    page = environment().get_template("page.html.j2").render(
        _context(spec, frame, differences, runs, data_files, data)
    )  # fmt: skip
    with atomic_files.whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def environment() -> jinja2.Environment:
    """Templates that escape what users wrote, and refuse a name that nothing was given for."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FILES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"breakable": breakable, "cut": cut}
    return found


def _context(spec, frame, differences, runs, data_files, data) -> dict[str, Any]:
    """What the templates show, by the names that they use."""
    study = {"description": "", "notes": []} | dict(spec["study"])
    study["title"] = study.get("title") or study["name"]
    study["notes"] = [*study["notes"], *data_notes.warnings(data)]
    rows, folder = spec["rows"], f"results/studies/{study['name']}"
    found = results.load(rows, frame, runs)
    images = {name: TestImages(path) for name, path in data_files.items()}
    return {
        "study": study,
        "folder": folder,
        "question": study.get("question") or _question(spec["comparisons"]),
        "answers": _answers(differences),
        "of_networks": bool((frame["interval_of"] == "network").any()),
        **_figures(frame, rows, found, f"{folder}/summary.csv"),
        "forest": figures.forest(differences),
        "differences": figures.difference_grids(differences, f"{folder}/comparisons.csv"),
        "settings": settings.table(rows),
        "heads": settings.heads(rows),
        "variants": rows,
        **_pictures(spec["pictures"]),
        "looks": looks.at(found, images),
        "data": data_facts.grid(data),
        "data_says": data_facts.said(data),
        "checklist": checklist(study, frame, [atomic_files.read_json(one) for one, _ in runs]),
        "terms": TERMS,
        "style": Markup(_colours() + (FILES / "page.css").read_text(encoding="utf-8")),
        "script": Markup((FILES / "page.js").read_text(encoding="utf-8")),
    }


def _figures(frame, rows, found: Sequence[results.Result], source: str) -> dict[str, Any]:
    """What is made of the rows of the summary."""
    records = figures.records_of(frame)
    notes = [tables.summary_tables(frame, rows), tables.cost_tables(frame)]
    of_results, of_costs = (figures.notes_of(frame, one) for one in notes)
    shown = (records, found)
    return {
        "overview": figures.overview(*shown),
        "result_grids": figures.grids(*shown, figures.RESULTS, "Results", source, of_results),
        "cost_grids": figures.grids(*shown, figures.COSTS, "Costs", source, of_costs),
        "costs": figures.against_costs(*shown),
        "sweeps": tables.sweep_tables(frame, rows),
    }


def _pictures(pictures: Pictures) -> dict[str, Any]:
    """Pictures that have their place on the page, and `further` ones under their own headings."""
    further = [name for name in pictures if pictures[name] and name not in PLACED + DRAWN]
    return {
        "pictures": {name: _embedded(pictures.get(name, [])) for name in PLACED},
        "further": {name: _embedded(pictures[name]) for name in further},
    }


def _question(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """The question that the comparisons put, for a study that names none."""
    titles = [comparison["title"] for comparison in comparisons]
    return f"What makes a difference? {'; '.join(titles)}." if titles else ""


def _answers(differences: pandas.DataFrame | None) -> list[dict[str, str]]:
    """What may be concluded, a sentence a comparison's pair, and what keeps it from being fair."""
    if differences is None or differences.empty:
        return []
    return differences[["dataset", "conclusion", "differs"]].to_dict("records")


def _colours() -> str:
    """The variants' colours as the pictures have them, lighter where the page is dark."""
    own = [style.colour_at(number) for number in range(2 * len(style.PALETTE))]
    plain, light = (
        "".join(f"--c{i}:{change(colour)};" for i, colour in enumerate(own))
        for change in (str, _lightened)
    )
    used = "".join(f".colour{i}{{--own:var(--c{i})}}" for i in range(len(own)))
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{light}}}}}"
    return f":root{{{plain}}}{dark}{used}\n"


def _lightened(colour: str) -> str:
    """A colour with as much white as it needs to be read on a dark ground."""
    mixed = np.array(colors.to_rgb(colour))
    while mixed @ (0.2126, 0.7152, 0.0722) < 0.5:
        mixed += 0.05 * (1 - mixed)
    return colors.to_hex(mixed)


def breakable(name: str) -> Markup:
    """A name that may be broken after each underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def _embedded(entries: Sequence[tuple[str, Path | str]]) -> list[tuple[str, str, str]]:
    """(title, data address, path) of pictures."""
    return [(title, _address(Path(path)), str(path)) for title, path in entries]


def _address(picture: Path) -> str:
    try:
        kind = IMAGE_TYPES[picture.suffix.lower()]
        content = base64.b64encode(picture.read_bytes()).decode()
    except (KeyError, OSError) as error:
        raise UserError(
            f"{picture}: expected a .png or .svg picture for the report ({error!r}). Delete it and "
            f"run the same command again to have it drawn."
        ) from error
    return f"data:{kind};base64,{content}"
