"""iCalendar out and in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from alerts.rota.calendar import as_calendar, from_calendar
from alerts.rota.errors import CalendarError
from alerts.rota.rota import Duty, duties
from tests.alerts.rota.test_layer import BERLIN, utc
from tests.alerts.rota.test_rota import ROTA

EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:nurse: M.Testova\r\n{}\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_what_goes_out_comes_back_the_same() -> None:
    found = duties(ROTA, "nurse", utc("2026-03-20 12:00"), utc("2026-04-10 12:00"))
    content = as_calendar(1, "North", found, datetime(2026, 3, 1, tzinfo=UTC))
    back = from_calendar(content, ["nurse"], BERLIN)
    assert [(one.person, one.since, one.until) for one in back] == [(one.person, one.since, one.until) for one in found]
    uids = [str(event["uid"]) for event in Calendar.from_ical(content).walk("VEVENT")]
    assert len(set(uids)) == len(uids)
    assert content == as_calendar(1, "North", found, datetime(2026, 3, 1, tzinfo=UTC))


def test_a_hole_is_no_event() -> None:
    hole = Duty("nurse", None, utc("2026-03-20 12:00"), utc("2026-03-21 12:00"))
    assert b"VEVENT" not in as_calendar(1, "North", [hole], utc("2026-03-01 00:00"))


@pytest.mark.parametrize(
    ("times", "since", "until"),
    [
        ("DTSTART:20261201T070000\r\nDTEND:20261201T190000", "2026-12-01 06:00", "2026-12-01 18:00"),
        ("DTSTART:20261201T070000Z\r\nDTEND:20261201T190000Z", "2026-12-01 07:00", "2026-12-01 19:00"),
        (
            "DTSTART;TZID=America/New_York:20261201T070000\r\nDTEND;TZID=America/New_York:20261201T190000",
            "2026-12-01 12:00",
            "2026-12-02 00:00",
        ),
        ("DTSTART;VALUE=DATE:20261201\r\nDTEND;VALUE=DATE:20261202", "2026-11-30 23:00", "2026-12-01 23:00"),
    ],
)
def test_times_are_the_teams_unless_they_name_a_zone(times: str, since: str, until: str) -> None:
    (duty,) = from_calendar(EVENT.format(times).encode(), ["nurse"], BERLIN)
    assert duty == Duty("nurse", "m.testova", utc(since), utc(until))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("not a calendar", "no iCalendar"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n", "no event"),
        (EVENT.format("DTSTART:20261201T070000Z\r\nDTEND:20261201T060000Z"), "ends before"),
        (EVENT.format("DTSTART:20261201T070000Z"), "no end"),
        (EVENT.format("DTSTART:99999999\r\nDTEND:20261201T060000Z"), "no beginning"),
        (EVENT.format("DTSTART:20261201T070000Z\r\nDTEND:20261201T080000Z\r\nRRULE:FREQ=DAILY"), "series"),
        (EVENT.replace("nurse: M", "cook: M").format("DTSTART:20261201T070000Z\r\nDTEND:20261201T080000Z"), "no layer"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(content: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        from_calendar(content.encode(), ["nurse"], BERLIN)
