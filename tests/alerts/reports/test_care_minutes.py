"""Minutes of care come from what was done, never twice, and never more than was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.care.people import add_person
from alerts.reports.care_minutes import care_minutes, codes_of
from alerts.reports.period import Period
from tests.alerts.care.conftest import MASTER, Ward
from tests.alerts.conftest import Db

BEGAN = datetime(2026, 11, 10, 9, tzinfo=UTC)
MONTH = Period.of_month("2026-11", ZoneInfo("UTC"))


def test_time_counts_until_the_next_act_of_the_same_person_and_five_minutes_at_most(db: Db, ward: Ward) -> None:
    db.execute("UPDATE patient SET admitted = '2026-10-01'")
    nurse = add_person(db, "m.testova", "M. Testova", "nurse", "synthetic-only")
    boss = add_person(db, "a.boss", "A. Boss", "administrator", "synthetic-only")
    acts = [
        (0, nurse, f"patient:{ward.ada}"),
        (4, nurse, f"patient:{ward.bruno}"),  # four minutes for Ada
        (6, nurse, ""),  # back on the list: two for Bruno
        (60, nurse, f"patient:{ward.ada}"),
        (90, nurse, f"patient:{ward.ada}"),  # no more than five for Ada, and nothing for the last act
        (0, boss, f"patient:{ward.bruno}"),
        (4, boss, f"patient:{ward.bruno}"),  # an administrator gives no care
    ]
    for minutes, person, subject in acts:
        db.execute(
            "INSERT INTO audit (at, person, action, subject) VALUES (%s, %s, 'patient.read', %s)",
            [BEGAN + timedelta(minutes=minutes), person, subject],
        )
    found = care_minutes(db, MASTER, MONTH)
    assert [(one["name"], one["minutes"], one["people"]) for one in found] == [
        ("EXAMPLETON, Ada", 9.0, 1), ("TESTWELL, Bruno", 2.0, 1),
    ]  # fmt: skip
    assert care_minutes(db, MASTER, Period.of_month("2026-12", ZoneInfo("UTC")))[0]["minutes"] == 0


@pytest.mark.parametrize(
    ("minutes", "talks", "codes"),
    [
        (9.9, 1, ""), (10, 1, "99470"), (19.9, 1, "99470"), (20, 1, "99457"), (39.9, 2, "99457"), (40, 1, "99457 + 99458"),
        (61, 1, "99457 + 2 × 99458"), (61, 0, ""),
    ],
)  # fmt: skip
def test_a_month_has_codes_only_where_somebody_talked_with_the_patient(minutes: float, talks: int, codes: str) -> None:
    assert codes_of(minutes, talks) == codes


def test_a_month_is_a_month() -> None:
    assert Period.of_month("2028-02", ZoneInfo("UTC")).days == 29
    with pytest.raises(ValueError):
        Period.of_month("2026-13", ZoneInfo("UTC"))
