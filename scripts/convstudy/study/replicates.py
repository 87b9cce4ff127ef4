"""How many seeds a study has: as many as it lists, or as many as its results need.

With `replicates` seeds are added until every result is as certain as the config asks for. What
`statistics/replicates` decides after some seeds is handed in here; this module says which seeds
those are, when there are enough, and what a reader must know of it.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

import itertools
from collections.abc import Callable

from convstudy.foundation.errors import UserError
from convstudy.study.schema import Block

# With fewer, the spread over seeds says next to nothing of how many are needed.
FEWEST = 3
RULES = {
    "half_width": "the 95 % interval of every result was {} points wide to each side",
    "minimum_detectable_effect": (
        "every comparison could find (with a power of 80 %) a difference of {} points"
    ),
}

# tests/benchmarks/sequential_coverage.py
ERRORS = (
    "In simulations of studies that stop so, 95 % intervals hold the truth in 94 to 96 %, and "
    "equal variants are found to differ in 4 to 7 % (half_width) or 5 to 11 % "
    "(minimum_detectable_effect, most where seeds vary much), in place of 5 %."
)


def first(study: Block) -> list[int]:
    """The seeds that a study starts with: those it lists; with `replicates`, three at least."""
    return seeds(study, FEWEST) if study["replicates"] else study["seeds"]


def seeds(study: Block, n: int) -> list[int]:
    """The seeds of a study's block after `n` of them: those it lists, then the smallest others."""
    others = (x for x in itertools.count() if x not in study["seeds"])
    more = itertools.islice(others, max(0, n - len(study["seeds"])))
    return [*study["seeds"], *more]


def enough(study: Block, decided: Callable[[int], Block]) -> tuple[list[int], str]:
    """The seeds of a study that has `replicates`, and the rule by which there are no more.

    Args:
        study: its block in the config.
        decided: gives what `statistics.replicates.decide` found with the first so many seeds.
    """
    rule, n = study["replicates"], len(first(study))
    while True:
        found = decided(n)
        if found["holds"] or not found["reachable"] or n >= rule["at_most"]:
            return seeds(study, n), _told(rule, n, found)
        n = min(n + rule["at_once"], rule["at_most"])


def check(where: str, study: Block) -> None:
    """Refuse a rule that cannot be followed.

    Raises:
        UserError: fewer seeds at most than the study starts with, or effects without comparisons.
    """
    rule = study["replicates"]
    if rule is None:
        return
    start = len(first(study))
    if rule["at_most"] < start:
        raise UserError(
            f"config: {where}.replicates.at_most: {rule['at_most']} is less than the {start} seeds "
            f"that the study starts with ({FEWEST} or all in `seeds`). Give {start} or more."
        )
    if "minimum_detectable_effect" in rule["until"] and not study["comparisons"]:
        raise UserError(
            f"config: {where}.replicates.until: minimum_detectable_effect is that of comparisons, "
            f"and the study has none. Name some in {where}.comparisons, or write until: "
            f"{{half_width: 0.01}}."
        )


def _told(rule: Block, n: int, found: Block) -> str:
    ((kind, limit),) = rule["until"].items()
    figure = f"{_points(found['value'])} points, {found['of']}"
    if found["holds"]:
        end = f"It held with {n} seeds ({figure})."
    elif not found["reachable"]:
        end = (
            f"It did not hold with {n} seeds ({figure}), and no number of seeds would make it "
            f"hold: the test images are too few. More of them would, or a larger limit."
        )
    else:
        end = f"It did not hold with {n} seeds ({figure}), and more were not allowed."
    return (
        f"Seeds were added until {RULES[kind].format(_points(limit))}, {rule['at_most']} at most. "
        f"{end} Only widths were looked at, never a difference or its p-value. {ERRORS}"
    )


def _points(fraction: float) -> str:
    return f"{100 * fraction:.3g}"
