"""A partition's state is lost: which open alarms the engine does not speak for any more."""

from __future__ import annotations

from typing import Any

from alerts.life.events import Acknowledge
from streams.engine.condition import Condition, Phase, Priority
from tests.alerts.conftest import Db
from tests.alerts.fold.test_fold import SECOND, act, condition, fold, open_alarms, stored, team

__all__ = ["team"]


def lost(partition: int, phase: Phase = "onset") -> Condition:
    fields: dict[str, Any] = {"rule": "state_lost", "source": 0, "of": "partition", "category": "technical"}
    return condition(phase, subject=partition, second=SECOND + 60, **fields)


def test_what_the_engine_has_forgotten_ends_and_calls_again_when_it_is_still_true(db: Db, team: None) -> None:
    fold(db, condition(), condition(subject=6), condition(subject=5, rule="heart_rate.high", priority=Priority.MEDIUM))
    mine, medium, others = open_alarms(db)
    act(db, medium, Acknowledge(at=SECOND * 1000 + 5, by=1))
    fold(db, lost(5), lost(5, "end"))
    assert (stored(db, mine).active, stored(db, mine).life, stored(db, mine).latched) == (False, "unacknowledged", True)
    assert stored(db, medium).state == "recovered"
    assert stored(db, others).active, "of another partition"
    fold(db, condition(second=SECOND + 100))
    assert (stored(db, mine).active, stored(db, mine).onsets) == (True, 2)


def test_trends_and_what_only_the_owner_says_of_a_partition_stay(db: Db, team: None) -> None:
    fold(
        db,
        condition(rule="heart_rate.rising", priority=Priority.LOW),
        *(condition(subject=5, rule=rule, source=0, of="partition") for rule in ("log_damaged", "pipeline_stopped")),
    )
    trend, damaged, stopped = open_alarms(db)
    fold(db, lost(5))
    assert [stored(db, number).active for number in (trend, damaged, stopped)] == [True, True, False]
