"""The simulation finds the bugs that were planted in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.planted import BUGS, Bug
from tests.simulation.quiet import simulated
from tests.simulation.world import simulate

WITHIN = 1000


SLOW = {
    "snapshot without patients news2 level",
    "snapshot without dense limits active",
    "snapshot without senders sensor_off good",
}
"""It is found after hundreds of seeds only."""


@pytest.mark.parametrize(
    "bug", [pytest.param(bug, id=bug.name, marks=[pytest.mark.full] if bug.name in SLOW else []) for bug in BUGS]
)
def test_a_planted_bug_is_found(bug: Bug, record_property: Callable[[str, object], None]) -> None:
    with simulated():
        found = next((one for seed in range(WITHIN) if (one := simulate(seed, bug.parts)).wrong), None)
    assert found is not None, f"{bug.name}: not found in {WITHIN} seeds"
    assert any(words in line for line in found.wrong for words in bug.says), found.wrong
    record_property("seeds", found.seed + 1)
