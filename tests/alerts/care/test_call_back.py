"""A call that a patient asks for is one item of the worklist, until somebody has called."""

from __future__ import annotations

from alerts.care.call_back import ask_call_back, end_call_back, is_waiting
from alerts.database import now_ms
from alerts.fold.after_state_loss import STATE_LOST
from alerts.fold.fold import apply, fold_conditions
from alerts.life.events import RecordOutcome
from streams.engine.condition import Condition, Priority
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db


def alarms(db: Db) -> list[tuple[bool, str, str]]:
    return db.execute(
        "SELECT active, life, detail ->> 'reason' FROM alarm WHERE rule = 'call_back' ORDER BY alarm"
    ).fetchall()


def test_it_is_asked_for_once_and_again_after_somebody_has_called(db: Db, ward: Ward) -> None:
    with db.transaction():
        assert ask_call_back(db, ward.ada, "no_device")
    with db.transaction():
        assert not ask_call_back(db, ward.ada, "no_sample")
    assert is_waiting(db, ward.ada) and not is_waiting(db, ward.bruno)
    assert alarms(db) == [(True, "unacknowledged", "no device was found")]
    assert db.execute("SELECT count(*) FROM notification").fetchone() == (0,)  # it is listed, and wakes nobody
    (number,) = db.execute("SELECT alarm FROM alarm").fetchone() or (0,)
    with db.transaction():
        apply(db, number, RecordOutcome(1, now_ms(db), "called"))
    assert not is_waiting(db, ward.ada)
    with db.transaction():
        assert ask_call_back(db, ward.ada, "no_sample")
    assert [(active, life) for active, life, _ in alarms(db)] == [(False, "acknowledged"), (True, "unacknowledged")]


def test_it_ends_when_it_is_not_needed_any_more_and_not_with_the_engines_state(db: Db, ward: Ward) -> None:
    with db.transaction():
        ask_call_back(db, ward.ada, "other")
    lost = Condition(ward.ada % 64, 1, ward.ada % 64, STATE_LOST, 0, "onset", Priority.LOW, "technical", of="partition")
    with db.transaction():
        fold_conditions(db, [lost])
    assert is_waiting(db, ward.ada)
    with db.transaction():
        end_call_back(db, ward.ada)
        end_call_back(db, ward.bruno)
    assert alarms(db) == [(False, "unacknowledged", "has a question")]
    assert not is_waiting(db, ward.ada)
