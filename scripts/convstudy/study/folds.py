"""Data sets with folds: which files they have, what cannot be asked of them, and words on them.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation import fold_names
from convstudy.foundation.errors import UserError
from convstudy.study.schema import Block


def having(datasets: Block) -> list[str]:
    """Names of the data sets that have folds."""
    return [name for name, block in datasets.items() if block["folds"]]


def trained_on(datasets: Block) -> list[str]:
    """Names, in files, of what networks are trained on: data sets or, where there are, folds."""
    return [x for name, block in datasets.items() for x in fold_names.of(name, block["folds"])]


def check(where: str, block: Block) -> None:
    """Refuse a limit that folds cannot have.

    Raises:
        UserError: of the test images, of which every one is to test.
    """
    if block["folds"] and block["max_test_per_class"] is not None:
        raise UserError(
            f"config: {where}.max_test_per_class: {block['max_test_per_class']} given with folds: "
            f"{block['folds']}, where every image tests once. Remove one of the two keys."
        )


def check_pretraining(where: str, variant: str, dataset: str, datasets: Block) -> None:
    """Refuse weights from a variant that has a network for each fold.

    Raises:
        UserError: its data set has folds.
    """
    if datasets[dataset]["folds"]:
        raise UserError(
            f"config: {where}: '{variant}' is trained on '{dataset}', which has folds: "
            f"{datasets[dataset]['folds']} and so as many networks, each trained on images that "
            f"test another. Name a variant on a data set without folds."
        )


def check_study(config: Block, study: str, rows: list[Block]) -> None:
    """Refuse what cannot be said of folds: sweeps, and seeds that are added as they are needed.

    Raises:
        UserError: the study has such a row or rule.
    """
    for row in rows:
        folds = config["datasets"][row["dataset"]]["folds"]
        if folds and row["sweep"]:
            raise UserError(
                f"config: studies.{study}.variants: '{row['sweep']}' is a sweep, and its data set "
                f"'{row['dataset']}' has folds: the value would be chosen by validation images "
                f"that test in another fold. Choose it on a data set block without folds, and name "
                f"a variant with that value here."
            )
        if folds and config["studies"][study]["replicates"]:
            raise UserError(
                f"config: studies.{study}.replicates: the data set '{row['dataset']}' has folds, "
                f"whose intervals hardly narrow with more seeds. Remove this key and list `seeds`."
            )


def notes(datasets: Block, used: list[str], seeds: int) -> list[str]:
    """What a reader must know of the data sets with folds among those used."""
    return [
        f"{name}: cross-validation with {datasets[name]['folds']} folds, the same for each of "
        f"{seeds} {'seed' if seeds == 1 else 'seeds'}: every image tests once a seed, by a "
        f"network trained on the other folds. Figures are of training on that many images, not of "
        f"one network; intervals are approximate, as no unbiased estimate of their variance exists "
        f"(docs/statistics.md)."
        for name in used
        if datasets[name]["folds"]
    ]
