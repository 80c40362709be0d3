from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.reports.adherence import adherence, code_of
from alerts.reports.period import Period
from devices.sample import Status
from tests.alerts.care.conftest import MASTER, Ward
from tests.alerts.conftest import Db

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 11, 1)
READING = """
INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, heart_rate, heart_rate_status)
VALUES (%s, %s, 1, 1, %s, now(), 1, %s, %s)"""


@pytest.mark.parametrize(("days", "code"), [(0, ""), (1, ""), (2, "99445"), (15, "99445"), (16, "99454"), (30, "99454")])
def test_a_period_of_thirty_days_has_the_code_of_its_days(days: int, code: str) -> None:
    assert code_of(days) == code


def test_a_day_counts_once_and_only_with_a_value_that_can_be_used(db: Db, ward: Ward) -> None:
    db.execute("UPDATE patient SET admitted = '2026-10-01'")
    noon = datetime(2026, 11, 1, 11, tzinfo=UTC)
    times = [noon, noon + timedelta(hours=1), noon + timedelta(days=1)]
    times.append(datetime(2026, 11, 4, 23, 30, tzinfo=UTC))  # already the 5th in Berlin
    for sequence, time in enumerate(times):
        db.execute(READING, [ward.ada, time, sequence, 70, None])
    db.execute(READING, [ward.ada, noon + timedelta(days=9), 90, None, int(Status.SENSOR_OFF)])
    db.execute(READING, [ward.ada, datetime(2026, 10, 31, 22, 59, tzinfo=UTC), 91, 70, None])  # the day before
    few, many = adherence(db, MASTER, Period(FIRST, 30, BERLIN))
    assert (few["patient"], few["days"], few["last_day"], few["code"]) == (ward.bruno, 0, None, "")
    assert many == {
        "patient": ward.ada, "name": "EXAMPLETON, Ada", "team": ward.team,
        "days": 3, "of": 30, "last_day": date(2026, 11, 5), "code": "99445",
    }  # fmt: skip
    assert [one["code"] for one in adherence(db, MASTER, Period(FIRST, 29, BERLIN))] == ["", ""]
    assert adherence(db, MASTER, Period(FIRST, 30, BERLIN), team=ward.team + 1) == []


def test_who_was_not_in_care_then_is_not_in_the_report_and_one_damaged_name_hides_nobody(db: Db, ward: Ward) -> None:
    db.execute("UPDATE patient SET admitted = '2026-10-01', discharged = '2026-10-20' WHERE patient = %s", [ward.bruno])
    db.execute("UPDATE patient SET admitted = '2026-10-01', identity = '\\x00' WHERE patient = %s", [ward.ada])
    [only] = adherence(db, MASTER, Period(FIRST, 30, BERLIN))
    assert (only["patient"], only["name"]) == (ward.ada, "(identity cannot be read)")
