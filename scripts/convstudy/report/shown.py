"""The selected study among several: its pages and pictures under the names that people look for."""

import filecmp
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from convstudy.foundation.errors import UserError
from convstudy.provenance import records

PLOTS = "plots"
REPORT = "report.html"


def show(sources: Sequence[str], targets: Sequence[str]) -> None:
    """Copy files of a study's folder, and make `plots` beside the targets a link to its pictures.

    A folder in place of the link, as a copy that follows links leaves it, is replaced. A report
    beside the targets that is of another study, or of earlier runs, goes with its record: it would
    contradict the tables.

    Raises:
        UserError: `plots` holds anything but copies of pictures, which is not ours to delete.
    """
    for source, target in zip(sources, targets, strict=True):
        shutil.copyfile(source, target)
    here, folder = Path(targets[0]).parent, Path(sources[0]).parent
    if f"{here}/{REPORT}" not in targets:
        _remove_other_report(here, folder)
    link, temporary = here / PLOTS, here / f".part.{PLOTS}"
    if _is_copy(link, folder.parent):
        shutil.rmtree(link)
    if link.exists() and not link.is_symlink():
        raise UserError(
            f"{link}: is no link to the pictures of the selected study, which belongs there "
            f"(earlier versions had a folder of pictures). Move it away or delete it, and run the "
            f"same command again."
        )
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(folder / PLOTS, here))
    os.replace(temporary, link)


def _remove_other_report(here: Path, folder: Path) -> None:
    shown, own = here / REPORT, folder / REPORT
    if shown.is_file() and not (_equal(shown, own) and _is_of_these_runs(own)):
        shown.unlink()
        records.path_of(str(shown)).unlink(missing_ok=True)


def _is_of_these_runs(report: Path) -> bool:
    """Whether what a report was made of is what is there now."""
    path = records.path_of(str(report))
    return path.is_file() and not any(records.changed_inputs(records.read(path)))


def _is_copy(folder: Path, studies: Path) -> bool:
    """Whether a real folder holds nothing but copies of the studies' pictures."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(
        any(_equal(path, study / PLOTS / path.name) for study in studies.iterdir())
        for path in folder.iterdir()
    )


def _equal(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
