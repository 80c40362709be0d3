from __future__ import annotations

from streams.worker.snapshot_schedule import RARELY, SnapshotSchedule


def test_a_state_is_saved_when_the_log_since_is_longer_but_not_too_often_nor_too_seldom() -> None:
    schedule = SnapshotSchedule(60, at=1000, size=500)
    schedule.since = 500
    assert not schedule.due(1059)
    assert schedule.due(1060)
    schedule.since -= 1
    assert not schedule.due(1060)
    assert not schedule.due(999 + RARELY * 60)
    assert schedule.due(1000 + RARELY * 60)
    schedule.begin(1300)
    assert (schedule.at, schedule.since, schedule.size) == (1300, 0, 500)


def test_one_that_was_never_saved_is_saved_soon() -> None:
    assert SnapshotSchedule(60, at=0).due(60)
