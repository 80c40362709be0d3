"""Pauses: a reason, an end, and sent whole."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.care.pauses import LONGEST, LONGEST_AWAY, pause, pause_patient, pauses_of, resume
from alerts.database import now, to_ms
from alerts.errors import InvalidPauseError, InvalidTextError
from devices.wire.control import PausedRule, Pauses
from tests.alerts.care.conftest import Ward, sent
from tests.alerts.conftest import Db


def test_pauses_are_sent_whole_and_can_be_replaced_and_ended(db: Db, ward: Ward) -> None:
    until = now(db) + timedelta(hours=1)
    with db.transaction():
        pause(db, ward.ada, "spo2.low", until, "physiotherapy", by=1)
        pause(db, ward.ada, "*", until, "bath", by=1)
        pause(db, ward.ada, "spo2.low", until + timedelta(hours=1), "longer", by=2)
    both = Pauses((PausedRule("*", to_ms(until)), PausedRule("spo2.low", to_ms(until) + 3_600_000)))
    assert sent(db, ward.ada, "pause")[-1] == both == pauses_of(db, ward.ada)
    with db.transaction():
        resume(db, ward.ada, "*", by=1)
        resume(db, ward.ada, "*", by=1)
    assert sent(db, ward.ada, "pause")[3:] == [Pauses(both.pauses[1:])]


@pytest.mark.parametrize(
    ("hours", "reason"), [(1, " "), (-1, "bath"), (0, "bath"), (LONGEST / timedelta(hours=1) + 0.1, "bath")]
)
def test_a_pause_needs_a_reason_and_an_end_within_a_night(db: Db, ward: Ward, hours: float, reason: str) -> None:
    with pytest.raises((InvalidPauseError, InvalidTextError)), db.transaction():
        pause(db, ward.ada, "*", now(db) + timedelta(hours=hours), reason, by=1)
    assert sent(db, ward.ada, "pause") == []


def test_a_pause_that_is_over_is_no_longer_sent(db: Db, ward: Ward) -> None:
    with db.transaction():
        pause(db, ward.ada, "*", now(db) + timedelta(hours=1), "bath", by=1)
    db.execute("UPDATE pause SET until = now() - interval '1 second'")
    assert pauses_of(db, ward.ada) == Pauses()


def test_a_patient_who_is_away_is_paused_for_days_with_one_of_four_reasons(db: Db, ward: Ward) -> None:
    until = now(db) + timedelta(days=7)
    with db.transaction():
        pause_patient(db, ward.ada, until, "admitted", "ward 3", by=1)
    assert sent(db, ward.ada, "pause") == [Pauses((PausedRule("*", to_ms(until)),))]
    assert db.execute("SELECT reason FROM pause").fetchall() == [("Admitted to hospital: ward 3",)]
    for reason, days in (("tired", 1), ("holiday", LONGEST_AWAY.days + 1), ("holiday", -1)):
        with pytest.raises(InvalidPauseError), db.transaction():
            pause_patient(db, ward.ada, now(db) + timedelta(days=days), reason, "", by=1)
