from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.errors import CareError
from alerts.reports.period import Period

BERLIN = ZoneInfo("Europe/Berlin")


def test_days_begin_at_midnight_of_the_zone_also_when_its_clock_changes() -> None:
    period = Period(date(2026, 10, 24), 3, BERLIN)
    assert period.start == datetime(2026, 10, 23, 22, tzinfo=UTC)
    assert period.end == datetime(2026, 10, 26, 23, tzinfo=UTC)


def test_the_last_days_end_with_today() -> None:
    assert Period.until(date(2026, 11, 30), 30, BERLIN) == Period(date(2026, 11, 1), 30, BERLIN)


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_length_that_makes_no_sense_is_refused(days: int) -> None:
    with pytest.raises(CareError, match="1 to 366 days"):
        Period(date(2026, 11, 1), days, BERLIN)
