"""How often 95 % intervals hold the truth where seeds were added until they were narrow enough.

Studies are simulated: networks whose accuracy varies from seed to seed (a normal spread), on one
test set whose images differ in difficulty. Each study of two equal variants starts with 3 seeds and
gets one more until a rule of `replicates` holds, or has 20. Printed are, by the spread of the
seeds: how many seeds the studies had, how often the interval of an accuracy holds the true one, and
how often two equal variants were found to differ (p < 0.05; the one rule that looks at it is there
to show why no rule of the workflow does).

    PYTHONPATH=scripts python tests/benchmarks/sequential_coverage.py
"""

import argparse

import numpy as np

from convstudy.statistics import intervals, replicates

FIRST, MOST, IMAGES = 3, 20, 600
SPREADS = (0.005, 0.01, 0.02, 0.04)


class Study:
    """Right answers of two equal variants, seed by seed, on one test set."""

    def __init__(self, rng: np.random.Generator, spread: float):
        self.rng, self.spread = rng, spread
        # half of the images are right or wrong with nearly every network
        self.difficulty = rng.beta(0.6, 0.4, IMAGES)
        self.scores = [np.empty((0, IMAGES), bool) for _ in range(2)]

    def add(self) -> None:
        """One more seed of each variant."""
        for side, old in enumerate(self.scores):
            chance = np.clip(self.difficulty + self.rng.normal(scale=self.spread), 0, 1)
            self.scores[side] = np.vstack([old, self.rng.random(IMAGES) < chance])

    def pair(self) -> intervals.Estimate:
        """Their difference."""
        return intervals.of_paired_difference(*self.scores)


def half_width(study: Study, limit: float) -> bool:
    """The rule `until: {half_width: ...}`."""
    return max(replicates.half_width(side)[0] for side in study.scores) <= limit


def effect(study: Study, limit: float) -> bool:
    """The rule `until: {minimum_detectable_effect: ...}`."""
    return study.pair().detectable() <= limit


def p_value(study: Study, limit: float) -> bool:
    """What the workflow does not do: stop at a difference that looks real."""
    return study.pair().p_value() < limit


def never(study: Study, limit: float) -> bool:
    """Ten seeds, whatever they show."""
    return len(study.scores[0]) >= limit


RULES = [(never, 10), (half_width, 0.04), (effect, 0.04), (p_value, 0.05)]


def simulate(rule, limit: float, spread: float, studies: int, seed: int) -> tuple[float, ...]:
    """Mean number of seeds, coverage of an accuracy, and share of false differences."""
    seeds, held, false, truth = [], [], [], truth_of(spread)
    for number in range(studies):
        study = Study(np.random.default_rng([seed, number]), spread)
        for _ in range(FIRST):
            study.add()
        while not rule(study, limit) and len(study.scores[0]) < MOST:
            study.add()
        for side in study.scores:
            _, low, high = intervals.of_accuracy(side)
            held.append(low <= truth <= high)
        seeds.append(len(study.scores[0]))
        false.append(study.pair().p_value() < 0.05)
    return float(np.mean(seeds)), float(np.mean(held)), float(np.mean(false))


def truth_of(spread: float, draws: int = 4_000_000) -> float:
    """The accuracy over all seeds and images, which clipping moves off that of the images."""
    rng = np.random.default_rng(0)
    difficulty = rng.beta(0.6, 0.4, draws)
    return float(np.clip(difficulty + rng.normal(scale=spread, size=draws), 0, 1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    studies = parser.parse_args().studies
    print(
        "rule (limit)                 spread, points   seeds   interval holds   false differences"
    )
    for rule, limit in RULES:
        for spread in SPREADS:
            seeds, held, false = simulate(rule, limit, spread, studies, seed=1)
            name = f"{rule.__name__} ({limit})"
            print(
                f"{name:28} {100 * spread:14.1f} {seeds:7.1f} {100 * held:14.1f} % "
                f"{100 * false:17.1f} %"
            )


if __name__ == "__main__":
    main()
