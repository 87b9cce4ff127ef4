"""What a reader must know of the figures in a table; stands below it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas

FOLDS = (
    "The interval is of training this variant on as many other images of the same kind. The folds "
    "train on each other's test images, so no unbiased estimate of their variance exists (Bengio "
    "and Grandvalet 2004): it is approximate, by the corrected resampled t test (Nadeau and Bengio "
    "2003) over the folds' means."
)


def of_results(rows: pandas.DataFrame, dataset: str, foreign: set[str]) -> list[str]:
    """Notes on the results on one data set.

    Args:
        rows: rows of what `aggregate.summarize` returns.
        dataset: the data set.
        foreign: other data sets that the published figures were measured on.
    """
    first = rows.iloc[0]
    found = [
        *(_of_folds(rows) if _has_folds(first) else _of_seeds(rows)),
        "Log loss is in nats. ECE is the expected calibration error: the floor is what a perfectly "
        "calibrated network with these probabilities would show on as many images, and ECE at T is "
        "that after dividing the logits by the temperature T, fitted on validation images.",
        "train - test is the accuracy of the kept network on its training images, without "
        "augmentation and dropout, less that on test images.",
    ]
    if rows["test_accuracy_without_duplicates_mean"].notna().any():
        found.append(
            "Without duplicates is the accuracy on the test images that equal none that was "
            "trained or validated on."
        )
    solved = rows["solved"].astype(bool)
    if solved.any():
        found.append(
            f"{listed(rows['label'][solved])}: the weights are computed and nothing in that is "
            f"random, so there is one run, and the interval is that of the test images."
        )
    alone = rows["label"][(rows["interval_of"] == "network") & ~solved]
    if len(alone) and len(alone) + solved.sum() == len(rows):
        found.append(
            "With one seed the interval covers the test images only: it speaks of one trained "
            "network, not of the variant."
        )
    elif len(alone):
        means = (rows.loc[alone.index, "made_of"] != "").all()
        of = "one mean of all seeds" if means else "one seed"
        found.append(f"{listed(alone)}: {of}, so the interval speaks of one trained network.")
    found += _of_combinations(rows) + _of_sweeps(rows) + _warnings(rows)
    if _has_folds(first) and not rows["reference_accuracy"].isna().all():
        found.append(
            "The published figures are of one split, or of other folds: ours are of images that "
            "all tested once, so compare them with care."
        )
    if foreign:
        found.append(
            f"The published figures were measured on {listed(sorted(foreign))}, ours on "
            f"{dataset}: other images, so the two columns are no comparison."
        )
    return found


def _of_seeds(rows: pandas.DataFrame) -> list[str]:
    first = rows.iloc[0]
    several = rows[(rows["made_of"] == "") | (rows["n_seeds"] > 1)]
    seeds = set((several if len(several) else rows)["n_seeds"])  # not of a mean of all seeds
    return [
        f"{counted(seeds, 'seed')} a variant; {first['n_train']} training, "
        f"{first['n_validation']} validation and {first['n_test']} test images. Always answering "
        f"the largest class is right in {percent(first['majority_accuracy'])} %.",
        "± is the standard deviation over seeds. The interval is that of a mean over seeds and "
        "test images, both drawn from what might have been.",
    ]


def _of_folds(rows: pandas.DataFrame) -> list[str]:
    first = rows.iloc[0]
    found = [
        f"{int(first['n_folds'])} folds x {counted(set(rows['n_seeds']), 'seed')} a variant: each "
        f"of the {first['n_test']} images tests once a seed, by a network trained on about "
        f"{first['n_train']} and validated on about {first['n_validation']} images of the other "
        f"folds. Always answering the largest class is right in "
        f"{percent(first['majority_accuracy'])} %.",
        f"± is the standard deviation over all runs. {FOLDS}",
    ]
    if (rows["n_seeds"] == 1).any():
        found.append(
            "With one seed all folds start from the same initial weights: what other weights would "
            "do is not in the interval."
        )
    return found


def _of_combinations(rows: pandas.DataFrame) -> list[str]:
    """What each row that is a mean of predictions is the mean of."""
    means = rows[rows["made_of"] != ""]
    found = [f"{row['label']}: {row['made_of']}." for row in means.to_dict("records")]
    if len(means):
        found.append(
            "A mean of predictions trains nothing. Its temperature is fitted anew on the mean's "
            "validation images; of training images no probabilities are kept, so a mean of several "
            "networks has no training accuracy."
        )
    return found


def _of_sweeps(rows: pandas.DataFrame) -> list[str]:
    """How many values were tried for each row that is one of them."""
    found = []
    swept = rows[rows["tried"].notna()]
    for sweep, own in swept.groupby("sweep", sort=False):
        best = "best" if len(own) == 1 else f"{len(own)} best"
        found.append(
            f"{sweep}: the {best} of {own['tried'].iloc[0]:.0f} configurations on validation "
            f"images, whose validation accuracy is too high by chance, as that of any best. Test "
            f"images had no part in the choice, so the test accuracy is not"
            + ("." if len(own) == 1 else "; to choose among these rows by it would make it so.")
        )
    return found


def rank(row: Mapping[str, Any]) -> str:
    """A value's place among those of its sweep, in words; empty of a row without a sweep."""
    return "" if math.isnan(row["rank"]) else f"{row['rank']:.0f} of {row['tried']:.0f}"


def _has_folds(row: Any) -> bool:
    return not math.isnan(row["n_folds"])


def of_costs(rows: pandas.DataFrame) -> list[str]:
    """Notes on the costs on one data set: what each figure includes, and where it was measured."""
    heads = (rows["backbone_parameters"] > 0).any()
    found = [
        "Epochs are those that ran, on average over seeds, of as many as the budget allows. FLOPs "
        "count a multiplication and an addition as two, for one image forward. Training seconds "
        "include validation after each epoch; ms an image is prediction alone, without loading.",
        f"Processor: {listed(dict.fromkeys(rows['processor']))}; threads: "
        f"{listed(dict.fromkeys(rows['threads']))}; device: "
        f"{listed(dict.fromkeys(rows['device']))}. As many as {rows['load_max'].max():.1f} "
        f"processes a core wanted to run when a training or a prediction began: seconds are those "
        f"of a machine that busy.",
    ]
    if (rows["made_of"] != "").any():
        found.append(
            "A mean of predictions costs what its networks cost together, each once, and a "
            "prediction of each member or view; its epochs are those of its networks on average."
        )
    if heads:
        found.append(
            "A head on features needs its frozen backbone, too: parameters and FLOPs are given "
            "without and with it. Its training seconds and ms an image are its own; "
            "the extraction, once for all heads and all images, comes on top."
        )
    return found


def of_differences(group: pandas.DataFrame) -> list[str]:
    """Notes on one comparison: what is concluded, what is unequal, and how it was tested."""
    first = group.iloc[0]
    found = list(group["conclusion"])
    found += [
        f"Unequal beside what is compared, {row['variant_label']}: {row['differs']}."
        for row in group.to_dict("records")
        if row["differs"]
    ]
    tests = counted({len(group)}, "test")
    least = (
        "The minimum detectable effect is the true difference that such an experiment finds in "
        "four of five cases (5 % level)."
    )
    if _has_folds(first):
        seeds = counted(set(group["n_seeds"]) - {0}, "seed")
        return [
            *found,
            f"Paired by {int(first['n_folds'])} folds and their {first['n_test']} images, means of "
            f"{seeds}. {FOLDS} {least} So are p and this effect; Holm's correction over {tests}.",
        ]
    if (group["speaks_of"] == "networks").all():
        return [*found, f"{least} p is McNemar's, Holm's correction over {tests}."]
    unpaired = group["variant_label"][group["n_seeds"] == 0]
    pairs = sorted(set(group["n_seeds"]) - {0})
    how = f"Paired by {counted(set(pairs), 'seed')} and by test image." if pairs else ""
    if len(unpaired):
        how += f" {listed(unpaired)}: no seeds in common, paired by test image alone."
    return [
        *found,
        f"{how} {least} Interval and p are of one model of seeds and {first['n_test']} test "
        f"images, Holm's correction over {tests}.".strip(),
    ]


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal; empty for NaN."""
    return "" if math.isnan(value) else f"{100 * value:.1f}"


def listed(values: Sequence[Any]) -> str:
    """Values as a list in words."""
    return ", ".join(str(value) for value in values)


def counted(numbers: set[int], noun: str) -> str:
    """Numbers of something, in words."""
    return f"{listed(sorted(numbers))} {noun}{'' if numbers == {1} else 's'}"


def _of_one_library(versions: Iterable[str]) -> bool:
    """Whether a library has two versions in texts like `keras 3.0, numpy 2.0`.

    That one network needs a library which others do not is no difference between them.
    """
    found: dict[str, set[str]] = {}
    for library in (item for text in versions for item in text.split(", ")):
        name, _, version = library.rpartition(" ")
        found.setdefault(name, set()).add(version)
    return any(len(several) > 1 for several in found.values())


def _warnings(rows: pandas.DataFrame) -> list[str]:
    found = [
        f"{row['label']} never predicts {row['never_predicted'].replace(' | ', ', ')}, although "
        f"there are test images of it: see its recall by class, and the balanced accuracy."
        for row in rows.to_dict("records")
        if row["never_predicted"]
    ]
    found += [
        f"{row['label']}: {note}."
        for row in rows.to_dict("records")
        for note in filter(None, row["training_notes"].split(" | "))
    ]
    versions = dict.fromkeys(text for row in rows["versions"] for text in row.split(" | "))
    if _of_one_library(versions):
        found.append(
            "These rows were made by different library versions, and part of their differences may "
            f"come from those: {' / '.join(versions)}. snakemake --forcerun train_model makes all "
            "of them anew."
        )
    mixed = rows["label"][rows["threads"].str.contains(" | ", regex=False)]
    if len(mixed):
        found.append(
            f"The seeds of {listed(mixed)} were trained on different numbers of threads, so no "
            "one setting of `threads` gives all of these figures again to the last digit."
        )
    return found + _devices(rows)


def _devices(rows: pandas.DataFrame) -> list[str]:
    """What is said of rows that were made on different devices.

    Heads on features compute on the processor anyway, whatever the others do.
    """
    whole = rows[rows["backbone_parameters"] == 0]
    several = list(dict.fromkeys(name for text in whole["device"] for name in _apart(text)))
    if len(several) < 2:
        return []
    mixed = whole["label"][whole["device"].map(lambda text: len(_apart(text)) > 1)]
    within = f", those of {listed(mixed)} even within a row" * bool(len(mixed))
    return [
        f"These networks were trained or evaluated on different devices ({' / '.join(several)})"
        f"{within}: they round and add up in other ways, so part of the differences may come from "
        "that, and seconds cannot be compared. snakemake --forcerun train_model makes all anew on "
        "the one that `device` in the config says."
    ]


def _apart(text: str) -> list[str]:
    """The devices of a row, those of a mean of predictions too."""
    return [name for part in text.split(" | ") for name in part.split(" and ")]
