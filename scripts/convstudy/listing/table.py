"""A table of texts that names images and says what they are, from a file of a stranger."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas

from convstudy.foundation.errors import UserError, closest, first_line

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


def read(path: Path) -> tuple[pandas.DataFrame, list[str]]:
    """Read a .csv, .tsv or .parquet file as texts, without outer blanks.

    Returns:
        The rows that are not empty; the index is the row's number in the file, where the names of
        columns are row 1. And sentences on what was assumed.

    Raises:
        UserError: the file cannot be read, is no table, or two columns have one name.
    """
    notes: list[str] = []
    try:
        if path.suffix.lower() == ".parquet":
            table = pandas.read_parquet(path)
            rows = table.astype("string").fillna("").astype(object)
            rows.columns = [str(name) for name in table.columns]
            rows.index = range(2, len(rows) + 2)
        else:
            rows, notes = _read_text(path)
    except ImportError as error:
        raise UserError(
            f"{path}: reading Parquet needs the package pyarrow, which is not installed. Install "
            f"it, or save the table as .csv."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: is not a text in UTF-8 ({error.reason} at byte {error.start}). Save the "
            f"table as CSV in UTF-8."
        ) from error
    except UserError:
        raise
    except Exception as error:  # pandas lets many types escape on a damaged file
        raise UserError(
            f"{path}: cannot be read as a table ({first_line(error)}). Expected a .csv, .tsv or "
            f".parquet file with a row of column names and one row an image."
        ) from error
    names = list(rows.columns)
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise UserError(f"{path}: two columns have the name '{twice[0]}', expected one: rename it.")
    return rows[(rows != "").any(axis=1)], notes


def _read_text(path: Path) -> tuple[pandas.DataFrame, list[str]]:
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise UserError(f"{path}: is a spreadsheet, expected a text: save the table as .csv.")
    with open(path, encoding="utf-8-sig") as stream:
        head = stream.readline(2**16)
    if "\0" in head:
        raise UserError(f"{path}: is no text, expected a table as .csv in UTF-8.")
    separator = max(SEPARATORS, key=head.count)
    # Without a header pandas neither renames columns nor takes one for an index.
    rows = pandas.read_csv(
        path,
        sep=separator,
        header=None,
        dtype=str,
        encoding="utf-8-sig",
        na_filter=False,
        skip_blank_lines=False,
    )
    rows = rows.fillna("").astype(str)
    # A cell may hold line breaks, which are blanks in names and in messages.
    rows = rows.apply(lambda cells: cells.str.replace(r"[\r\n]+", " ", regex=True).str.strip())
    rows.columns = rows.iloc[0].tolist()
    rows.index += 1
    note = f"The columns of {path.name} are separated by a {SEPARATORS[separator]}."
    return rows.iloc[1:], [] if separator == "," else [note]


def column(path: Path, table: pandas.DataFrame, option: str, name: str) -> list[str]:
    """The texts of one column.

    Args:
        path: of the table.
        table: what `read` gives.
        option: which option names the column.
        name: of the column.

    Raises:
        UserError: there is none, or a cell is empty.
    """
    if name not in table.columns:
        near = closest(name, table.columns)
        meant = f" Did you mean '{near}'?" if near else ""
        raise UserError(
            f"{path}: has no column '{name}' (option {option}).{meant} Columns: "
            f"{', '.join(table.columns[:20])}."
        )
    texts = table[name].tolist()
    if "" in texts:
        row = table.index[texts.index("")]
        raise UserError(
            f"{path}: row {row} has nothing in the column '{name}' (option {option}; "
            f"{texts.count('')} such rows). Expected a text in each: fill it in, or remove the row."
        )
    return texts


class Finder:
    """Looks images up by what a table calls them."""

    def __init__(self, images: Sequence[str]) -> None:
        self._paths = set(images)
        self._by_name: dict[str, list[str]] = {}
        for image in images:
            self._by_name.setdefault(image.rsplit("/", 1)[-1], []).append(image)

    def find(self, name: str) -> list[str]:
        """Find the images that a name means: one, or none, or several.

        A name is the path inside the folder or archive, or the end of it, such as the file name;
        a path that begins above the folder is understood, too.
        """
        path = "/".join(x for x in name.replace("\\", "/").split("/") if x not in ("", "."))
        if path in self._paths:
            return [path]
        same = self._by_name.get(PurePosixPath(path).name, [])
        return [x for x in same if f"/{x}".endswith(f"/{path}") or f"/{path}".endswith(f"/{x}")]
