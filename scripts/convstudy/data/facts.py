"""What a data set is: a JSON file for the summary and the report, and a table of its classes.

The JSON file, `results/data/{dataset}.json`, has

* `made_of`: the settings by which it was read and split, and the SHA-256 of each source
  (`sha256_<key>`, of a folder see `folder_digests`);
* `left_out`: (name, why) of files that might be taken for images of the data set, and are not used;
* `notes`: sentences on what was assumed;
* `image_size`: height and width of all images, as they are written;
* `originals`: how many images were stored in which `sizes`, `modes` and `formats`;
* `unreadable`: (name, why) of images that were skipped;
* `classes`: their `names`, and in `train`, `validation` and `test` the images of each (with
  folds: of a fold on average, and of all folds);
* `groups`: of how many groups the images of each class are (`of_class`), and all (`all`); or null;
* `duplicates`: see `duplicates.counts`; `pairs_left_out` of the table of pairs.

The table, `results/data/{dataset}.csv`, has a row a class, and a last one for all.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstudy.data.hdf5 import SUBSETS
from convstudy.foundation import atomic_files

KEYS = (
    "made_of", "image_size", "left_out", "notes", "originals", "unreadable", "classes", "groups",
    "duplicates",
)  # fmt: skip
ALL = "(all)"  # the last row of the table


def classes(
    names: Sequence[str], labels: np.ndarray, parts: np.ndarray
) -> dict[str, list[str] | list[int]]:
    """Images of each class in each part.

    Args:
        names: of the classes.
        labels: int (n,), the class of each image.
        parts: text (n,), the part of each image.
    """
    return {"names": list(names)} | {
        part: np.bincount(labels[parts == part], minlength=len(names)).tolist() for part in SUBSETS
    }


def classes_of_folds(
    names: Sequence[str], labels: np.ndarray, parts: np.ndarray
) -> dict[str, list[str] | list[int]]:
    """The same with folds: those that train and validate in a fold on average, and all that test.

    Args:
        names: of the classes.
        labels: int (n,), the class of each image.
        parts: int (n, folds), see `folds.Drawn`.
    """
    found: dict[str, list] = {"names": list(names)}
    for place, part in enumerate(SUBSETS):
        shares = (parts == place).sum(axis=1) / (1 if part == "test" else parts.shape[1])
        found[part] = np.bincount(labels, shares, minlength=len(names)).round().astype(int).tolist()
    return found


def groups(names: Sequence[str], labels: np.ndarray, count: int) -> dict[str, Any] | None:
    """How many groups the images are of, of each class and in all; None without groups.

    Args:
        names: the group of each image; an image whose group is "" is one of its own.
        labels: int (n,), the class of each image.
        count: of classes.
    """
    if not len(names):
        return None
    own = [name or f"\0{row}" for row, name in enumerate(names)]
    kinds = np.unique(own, return_inverse=True)[1]
    found = np.unique(np.stack([labels, kinds]), axis=1)[0]
    return {"of_class": np.bincount(found, minlength=count).tolist(), "all": int(kinds.max()) + 1}


def write_table(path: Path | str, facts: Mapping[str, Any]) -> None:
    """Write the table of classes."""
    found, of = facts["classes"], facts["groups"]
    images = np.array([found[part] for part in SUBSETS]).T
    rows = [
        [name, *own.tolist(), own.sum(), f"{own.sum() / images.sum():.6f}"]
        for name, own in zip([*found["names"], ALL], [*images, images.sum(axis=0)], strict=True)
    ]
    in_groups = [*of["of_class"], of["all"]] if of else [""] * len(rows)
    with (
        atomic_files.whole_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as stream,
    ):
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["class", *SUBSETS, "images", "share", "groups"])
        table.writerows([*row, number] for row, number in zip(rows, in_groups, strict=True))


def read(paths: Iterable[Path | str]) -> dict[str, dict[str, Any]]:
    """Read the facts of data sets, by the name of each; raise `UserError` where one is damaged."""
    return {Path(path).stem: _read(path) for path in paths}


def _read(path: Path | str) -> dict[str, Any]:
    facts = atomic_files.read_json(path)
    for key in KEYS:
        if key not in facts:
            raise atomic_files.damaged(path, f"it has no '{key}'")
    return facts


def leaked(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, list[int]]:
    """Rows of the test images that equal an image of another part, by data set."""
    return {name: own["duplicates"]["leaked"] for name, own in facts.items()}
