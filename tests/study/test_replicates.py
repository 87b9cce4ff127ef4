"""How many seeds a study has where the config says what its results are to reach."""

import pytest
from configs import checked, refused, selected

UNTIL = {"half_width": 0.01}


def study(seeds, **rule):
    rule = {"until": UNTIL, "at_most": 6} | rule
    return selected(checked(studies__demo__seeds=seeds, studies__demo__replicates=rule))


def decisions(holds_with, reachable=True):
    """What would be decided where the rule holds with so many seeds; and what was asked."""
    asked = []

    def decided(n):
        asked.append(n)
        return {"holds": n >= holds_with, "value": 0.0123, "of": "Net", "reachable": reachable}

    return decided, asked


def test_a_study_without_it_has_the_seeds_that_it_lists_and_decides_nothing():
    demo = selected(checked(studies__demo__seeds=[4, 2]))
    found = demo.with_enough_seeds(lambda n: pytest.fail("was asked"))
    assert found is demo and demo.seeds == [4, 2] and demo.spec()["study"]["replicates"] == ""


@pytest.mark.parametrize(
    ("listed", "first"), [([0], [0, 1, 2]), ([2, 7], [2, 7, 0]), ([1, 2, 3, 4], [1, 2, 3, 4])]
)
def test_it_starts_with_the_seeds_that_are_listed_and_three_at_least(listed, first):
    assert study(listed).seeds == first


def test_seeds_are_added_one_at_a_time_until_the_rule_holds():
    decided, asked = decisions(holds_with=5)
    found = study([1]).with_enough_seeds(decided)
    assert asked == [3, 4, 5] and found.seeds == [1, 0, 2, 3, 4]
    told = found.spec()["study"]["replicates"]
    assert "1 points wide to each side, 6 at most. It held with 5 seeds (1.23 points, Net)" in told
    assert told in found.spec()["study"]["notes"]
    assert [path for path in found.files("metrics.json", found.rows[:1])] == [
        f"results/runs/demo_objects/base_net/seed{seed}/metrics.json" for seed in (1, 0, 2, 3, 4)
    ]


def test_there_are_never_more_than_allowed():
    decided, asked = decisions(holds_with=100)
    found = study([0], at_once=2).with_enough_seeds(decided)
    assert asked == [3, 5, 6] and len(found.seeds) == 6
    assert "did not hold with 6 seeds" in found.stopping
    assert "more were not allowed" in found.stopping


def test_no_seed_is_added_that_cannot_help():
    decided, asked = decisions(holds_with=100, reachable=False)
    found = study([0]).with_enough_seeds(decided)
    assert asked == [3] and "the test images are too few" in found.stopping


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"until": UNTIL, "at_most": 2}, ["demo.replicates.at_most", "2"]),
        ({"until": UNTIL}, ["demo.replicates", "'at_most' is missing"]),
        ({"at_most": 9}, ["demo.replicates", "'until' is missing"]),
        ({"until": {}, "at_most": 9}, ["demo.replicates.until"]),
        ({"until": UNTIL | {"minimum_detectable_effect": 0.1}, "at_most": 9}, ["replicates.until"]),
        ({"until": {"half_width": 1}, "at_most": 9}, ["until.half_width", "1"]),
        ({"until": {"half_widht": 0.1}, "at_most": 9}, ["until.half_widht", "'half_width'"]),
        ({"until": {"p": 0.05}, "at_most": 9}, ["until.p", "half_width"]),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(rule, words):
    refused({"studies__demo__replicates": rule}, *words)


def test_fewer_at_most_than_the_seeds_that_are_listed_are_refused():
    change = {"studies__demo__seeds": [0, 1, 2, 3]}
    change["studies__demo__replicates"] = {"until": UNTIL, "at_most": 3}
    refused(change, "demo.replicates.at_most: 3 is less than the 4 seeds", "Give 4 or more")


def test_an_effect_without_a_comparison_is_refused():
    change = {"studies__demo__comparisons": []}
    rule = {"until": {"minimum_detectable_effect": 0.02}, "at_most": 9}
    refused(change | {"studies__demo__replicates": rule}, "replicates.until", "has none")
