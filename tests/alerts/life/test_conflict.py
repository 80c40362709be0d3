"""Conflicts of an act with an alarm's newer history."""

from __future__ import annotations

import pytest

from alerts.life.conflict import first_conflict
from alerts.life.events import HistoryKind


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ([], None),
        ([("repeat", 0), ("better", 0), ("end", 0), ("note", 2)], None),
        ([("acknowledge", 1)], None),
        ([("repeat", 0), ("acknowledge", 2)], 1),
        ([("worse", 0), ("acknowledge", 2)], 0),
        ([("onset", 0)], 0),
        ([("returned", 0)], 0),
    ],
)
def test_acts_of_others_and_new_calls_conflict(since: list[tuple[HistoryKind, int]], found: int | None) -> None:
    assert first_conflict(since, 1) == found
