"""What the data sets of a study are: classes, images a part, and what is to be known of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from convstudy.data import hdf5
from convstudy.report import data_notes
from convstudy.report.grids import Cell, Grid, Head
from convstudy.report.notes import percent
from convstudy.report.tables import Table

LONGEST = 120  # letters of an attribute; what is longer is cut
TITLE = "Data sets"


def grid(facts: Mapping[str, Mapping[str, Any]]) -> Grid:
    """A row a data set: classes, images of each part, the smallest and the largest class.

    Of one with folds the images of a fold on average, and all that test, of which each does once.

    Args:
        facts: of each data set, as `data.facts` reads them.
    """
    heads = [
        Head("data set"), Head("classes"), *(Head(f"{part} images") for part in hdf5.SUBSETS),
        Head("images a class, training"), Head("images a class, test"),
        Head("largest class in test, %", "majority"), Head("pixels"),
    ]  # fmt: skip
    body = []
    for name, own in facts.items():
        classes, (height, width) = own["classes"], own["image_size"]
        test = classes["test"]
        body.append([
            Cell.of(name), Cell.of(len(classes["names"])),
            *(Cell.of(sum(classes[x]), _count, f"{name}||n_{x}") for x in hdf5.SUBSETS),
            Cell.of(_range(classes["train"])), Cell.of(_range(test)),
            Cell.of(max(test) / max(1, sum(test)), percent, f"{name}||majority"),
            Cell.of(f"{width} × {height}"),
        ])  # fmt: skip
    notes = [note for name, own in facts.items() for note in data_notes.of_dataset(name, own)]
    tables = [f"results/data/{name}.csv" for name in facts]
    return Grid(TITLE, heads, body, notes, tables)


def table(facts: Mapping[str, Mapping[str, Any]]) -> Table:
    """The same for `summary.md`."""
    found = grid(facts)
    rows = [[cell.text for cell in row] for row in found.rows]
    words = "The images of each class and part: " + ", ".join(found.sources) + "."
    return Table(TITLE, [head.title for head in found.heads], rows, [words, *found.notes])


def _range(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def said(facts: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each data set where it came from, how it was split, and what is left out, by key."""
    return [
        (dataset, [(key, _short(value)) for key, value in sorted(own["made_of"].items())])
        for dataset, own in facts.items()
    ]


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        text = ", ".join(str(x) for x in value)
    else:
        text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _count(value: int) -> str:
    return f"{value:,}"
