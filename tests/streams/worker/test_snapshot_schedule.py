from __future__ import annotations

from streams.worker.snapshot_schedule import RARELY, Saving


def test_a_state_is_saved_when_the_log_since_is_longer_but_not_too_often_nor_too_seldom():
    saving = Saving(60, at=1000, size=500)
    saving.since = 500
    assert not saving.due(1059)
    assert saving.due(1060)
    saving.since -= 1
    assert not saving.due(1060)
    assert not saving.due(999 + RARELY * 60)
    assert saving.due(1000 + RARELY * 60)
    saving.begin(1300)
    assert (saving.at, saving.since, saving.size) == (1300, 0, 500)


def test_one_that_was_never_saved_is_saved_soon():
    assert Saving(60, at=0).due(60)
