"""What a reader must know of a data set, in sentences: what is in it, what is not, and what is odd.

Made of the facts of `data.facts`, for the summary and the page alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from convstudy.report.notes import listed

IMBALANCE = 10  # times the training images of the smallest class
FEW = 10  # test images of a class
NAMED = 3  # files or kinds that a sentence names
CLASSES = 10  # classes that a sentence names

Facts = Mapping[str, Any]


def warnings(facts: Mapping[str, Facts]) -> list[str]:
    """What makes figures wrong: test images that were trained on, one image with two classes.

    Args:
        facts: of each data set.
    """
    found = []
    for name, own in facts.items():
        equal, examples = own["duplicates"]["equal"], own["duplicates"]["examples"]
        tests = sum(own["classes"]["test"])
        if equal["training_and_test"]:
            beside = (
                "no test image is left without them"
                if equal["test_images"] == tests
                else "the accuracy without them stands beside it"
            )
            found.append(
                f"{name}: {equal['test_images']:,} of {tests:,} test images are equal to images "
                f"that are trained or validated on ({_pairs(examples['training_and_test'])}). The "
                f"test accuracy is too high for it; {beside}."
            )
        if equal["several_classes"]:
            found.append(
                f"{name}: {_many(equal['several_classes'], 'image')} in copies of different "
                f"classes ({_pairs(examples['several_classes'])}), of which one at most is right."
            )
    return found


def of_dataset(name: str, facts: Facts) -> list[str]:
    """Sentences on one data set, to stand below the table of all."""
    found = [
        _originals(facts["originals"]),
        *_left_out(facts["left_out"]),
        *_unreadable(facts["unreadable"]),
        *facts["notes"],
        *_groups(facts["groups"]),
        *_balance(facts["classes"]),
        *_twins(facts["duplicates"], name),
    ]
    return [f"{name}: {sentence}" for sentence in found]


def _originals(originals: Facts) -> str:
    sizes = originals["sizes"]
    if len(sizes) == 1:
        words = f"{next(iter(sizes))} pixels"
    else:
        by_area = sorted(sizes, key=_area)
        words = (
            f"of {len(sizes):,} sizes, {by_area[0]} to {by_area[-1]} pixels, most {_most(sizes)}"
        )
    modes, formats = (_most(originals[key]) for key in ("modes", "formats"))
    return f"its originals: {words}; modes: {modes}; formats: {formats}."


def _area(size: str) -> int:
    width, height = size.split(" x ")
    return int(width) * int(height)


def _most(counts: Mapping[str, int]) -> str:
    """The most frequent of several kinds with their counts; of a single one the name alone."""
    if len(counts) == 1:
        return next(iter(counts))
    return _some([f"{kind} ({count:,})" for kind, count in counts.items()])


def _left_out(left_out: Sequence[Sequence[str]]) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for name, why in left_out:
        by_reason.setdefault(why, []).append(name)
    return [
        f"{_many(len(names), 'file')} left out, {why}: {_some(names)}."
        for why, names in by_reason.items()
    ]


def _unreadable(unreadable: Sequence[Sequence[str]]) -> list[str]:
    if not unreadable:
        return []
    words = _some([f"{name} ({why})" for name, why in unreadable])
    return [f"{_many(len(unreadable), 'image')} left out, as they cannot be read: {words}."]


def _groups(groups: Facts | None) -> list[str]:
    return [f"its images are of {groups['all']:,} groups."] if groups else []


def _balance(classes: Facts) -> list[str]:
    found = []
    names, train, test = (classes[key] for key in ("names", "train", "test"))
    least, most = min(train), max(train)
    if most > IMBALANCE * least:
        large, small = names[train.index(most)], names[train.index(least)]
        found.append(
            f"{large} has {most:,} training images and {small} {least:,}. The accuracy is above "
            f"all that of large classes: see the balanced accuracy, and the recall of each class."
        )
    few = [f"{name} ({count})" for name, count in zip(names, test, strict=True) if count < FEW]
    if few:
        found.append(
            f"fewer than {FEW} test images of {_some(few, CLASSES)}: figures of such a class alone "
            f"are little more than chance."
        )
    return found


def _twins(twins: Facts, name: str) -> list[str]:
    equal, near = twins["equal"], twins["near"]
    found = [_where("equal", equal) if equal["groups"] else "no two images are equal."]
    if near["groups"]:
        found.append(
            f"{_where('near', near)} Near are images whose perceptual hashes differ in "
            f"{twins['distance']} of 64 bits at most; not each such pair is a copy."
        )
    if not twins["complete"]:
        found.append("there are so many near pairs that not all were sought.")
    if twins["plain"]:
        found.append(
            f"{_many(twins['plain'], 'image')} too plain for such a hash, and only compared for "
            f"equality."
        )
    if equal["groups"] or near["groups"]:
        more = twins["pairs_left_out"]
        rest = f", but for {more:,} of them" if more else ""
        found.append(f"results/data/{name}.duplicates.csv names the pairs{rest}.")
    return found


def _where(kind: str, found: Facts) -> str:
    places = {
        "within one part": found["within_one_part"],
        "in training and validation": found["train_and_validation"],
        f"in training and test ({found['test_images']:,} test images)": found["training_and_test"],
        "of several classes": found["several_classes"],
    }
    words = [f"{count:,} {where}" for where, count in places.items() if count]
    return (
        f"{found['images']:,} images are {kind} to another, in {found['groups']:,} "
        f"group{'s' * (found['groups'] > 1)}: {listed(words)}."
    )


def _many(count: int, noun: str) -> str:
    return f"1 {noun} is" if count == 1 else f"{count:,} {noun}s are"


def _pairs(pairs: Sequence[Sequence[str]]) -> str:
    return "; ".join(f"{one} = {other}" for one, other in pairs)


def _some(values: Sequence[str], count: int = NAMED) -> str:
    """The first values as a list in words, and how many more there are."""
    more = [f"{len(values) - count:,} more"] * (len(values) > count)
    return listed([*values[:count], *more])
