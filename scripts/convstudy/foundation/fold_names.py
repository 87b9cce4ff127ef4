"""What the folds of a data set are called: `{dataset}-fold{number}`, in files and in metrics.json.

No name in a config holds a hyphen, so none is taken for a fold.
"""


def of(dataset: str, folds: int | None) -> list[str]:
    """The names of a data set's folds, numbered from 0; its own name where it has none."""
    return [f"{dataset}-fold{number}" for number in range(folds)] if folds else [dataset]


def parted(name: str) -> tuple[str, int | None]:
    """The data set and the number of a fold; None for a data set without folds."""
    dataset, _, number = name.rpartition("-fold")
    return (dataset, int(number)) if dataset and number.isdecimal() else (name, None)
