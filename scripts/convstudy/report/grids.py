"""Tables of the page, whose cells keep the number that they show.

A few lines of the page's own script sort, filter and copy them: the kept libraries for that
(itables, with DataTables and jQuery) are larger than all our tables, and draw them anew from their
texts, so that the exact number behind a cell would be lost.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Form = Callable[[Any], str]


@dataclass(frozen=True)
class Head:
    """The head of a column, and the term of the glossary that explains it."""

    title: str
    term: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what it is sorted by, what its number is of (`data set|variant|...`)."""

    text: str
    value: str = ""
    subject: str = ""
    numeric: bool = False

    @classmethod
    def of(cls, value: Any, form: Form = str, subject: str = "") -> "Cell":
        """A cell for a value; without text for None and NaN."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return cls("", "", subject, True)
        if isinstance(value, str):
            return cls(form(value), value, subject)
        return cls(form(value), repr(float(value)), subject, True)


@dataclass
class Grid:
    """A table: heads, rows of cells, notes below it, and the files that its numbers come from."""

    title: str
    heads: list[Head]
    rows: list[list[Cell]]
    notes: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def without_empty_columns(self) -> "Grid":
        """The same without columns in which no row has a text."""
        kept = [i for i in range(len(self.heads)) if any(row[i].text for row in self.rows)]
        rows = [[row[i] for i in kept] for row in self.rows]
        return Grid(self.title, [self.heads[i] for i in kept], rows, self.notes, self.sources)


def points(value: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def fixed(digits: int) -> Form:
    """A number with so many decimals."""
    return lambda value: f"{value:,.{digits}f}"


def some(form: Form) -> Form:
    """The same, and nothing for 0."""
    return lambda value: form(value) if value else ""


def short(value: float) -> str:
    """A large number with three digits and k, M, G or T; a small one as it is."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"
