"""A few cases of every fuzz target; `make fuzz` runs many."""

import pytest
from hypothesis import HealthCheck, given, settings

from fuzz.harness import Sandbox
from fuzz.run import targets

CASES = 200
TARGETS = targets()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_every_input_is_accepted_or_refused_in_one_message(tmp_path, name):
    target, sandbox = TARGETS[name], Sandbox(tmp_path)
    outcomes = set()

    @settings(
        max_examples=max(5, round(CASES * target.share)),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(target.cases())
    def one(case):
        outcomes.add(sandbox.run(target, case))

    one()
    assert outcomes - {"accepted"}, "nothing was refused: the target does not reach its code"
