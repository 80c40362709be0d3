from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from alerts.reports.burden import burden, false_alarms
from alerts.reports.period import Period
from tests.alerts.care.conftest import Ward
from tests.alerts.conftest import Db

WEEK = Period(date(2026, 11, 2), 7, UTC)  # type: ignore[arg-type]
MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
ALARM = """
INSERT INTO alarm (subject_kind, subject, rule, source, category, active, priority, limit_value, onset, ended, life, outcome,
    closed)
VALUES ('patient', %s, %s, 0, 'physiological', false, %s, %s, %s, %s, 'closed', %s, now()) RETURNING alarm"""


def happens(
    db: Db, patient: int, rule: str, at: datetime, lasts_s: int, *, acknowledged_min: float | None, outcome: str | None,
    calls: int = 1, priority: int = 2, limit: float = 110,
) -> None:  # fmt: skip
    row = db.execute(ALARM, [patient, rule, priority, limit, at, at + timedelta(seconds=lasts_s), outcome]).fetchone()
    assert row
    if acknowledged_min is not None:
        db.execute(
            "INSERT INTO alarm_event (alarm, version, at, kind, actor) VALUES (%s, 2, %s, 'acknowledge', 1)",
            [row[0], at + timedelta(minutes=acknowledged_min)],
        )
    for step in range(calls):
        db.execute(
            "INSERT INTO notification (alarm, recipient, channel, step, due, sent) VALUES (%s, 'team:1', 'log', %s, %s, %s)",
            [row[0], step, at, at],
        )


def test_calls_answers_and_outcomes_are_counted_by_team_and_rule(db: Db, ward: Ward) -> None:
    for minutes, outcome in ((1, "called"), (3, "false_alarm"), (8, "visit")):
        happens(db, ward.ada, "heart_rate.high", MONDAY, 600, acknowledged_min=minutes, outcome=outcome, calls=2)
    happens(db, ward.bruno, "heart_rate.high", MONDAY, 12, acknowledged_min=None, outcome=None, priority=3)
    happens(db, ward.ada, "spo2.low", MONDAY, 60, acknowledged_min=2, outcome="called", calls=0)
    happens(
        db, ward.ada, "spo2.low", MONDAY - timedelta(days=1), 60, acknowledged_min=2, outcome="called"
    )  # the week before
    first, second = burden(db, WEEK)
    assert first == {
        "team": ward.team, "rule": "heart_rate.high", "highest": "high", "alarms": 4, "calls": 7, "acknowledged": 3,
        "median_min": 3.0, "p90_min": 7.0, "under_30_s": 1, "false_alarms": 1,
    }  # fmt: skip
    assert (second["rule"], second["alarms"], second["calls"], second["median_min"]) == ("spo2.low", 1, 0, 2.0)
    assert burden(db, WEEK, team=ward.team + 1) == []


def test_the_review_names_the_limits_that_made_false_alarms_the_worst_first(db: Db, ward: Ward) -> None:
    for day in range(3):
        at = MONDAY + timedelta(days=day)
        happens(db, ward.bruno, "heart_rate.high", at, 300, acknowledged_min=1, outcome="false_alarm", limit=95)
    happens(db, ward.ada, "spo2.low", MONDAY, 10, acknowledged_min=None, outcome=None, limit=94)
    happens(db, ward.ada, "heart_rate.high", MONDAY, 300, acknowledged_min=1, outcome="called")  # it was right
    found = false_alarms(db, WEEK)
    assert [(one["patient"], one["rule"], one["limit"], one["false_alarms"], one["under_30_s"]) for one in found] == [
        (ward.bruno, "heart_rate.high", 95.0, 3, 0),
        (ward.ada, "spo2.low", 94.0, 0, 1),
    ]
