"""A rota as iCalendar (RFC 5545): duties go out as events, and events of a calendar come in as overrides.

An event's summary is ``layer: sign-in``, which is what goes out and what is read; times without a zone are the team's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from alerts.rota.errors import CalendarError
from alerts.rota.rota import Duty

MOST: Final = 10_000
"""Events of a file."""


def as_calendar(team: int, name: str, duties: Iterable[Duty], at: datetime) -> bytes:
    """The duties as a calendar; holes are none.  The same duty has the same UID in each export."""
    calendar = Calendar()
    calendar.add("prodid", "-//Vigil//rota//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"On duty: {name}")
    for duty in duties:
        if duty.person is None:
            continue
        event = Event()
        event.add("uid", f"{team}-{duty.layer}-{duty.since:%Y%m%dT%H%M%SZ}@vigil")
        event.add("summary", f"{duty.layer}: {duty.person}")
        event.add("dtstamp", at)
        event.add("dtstart", duty.since.astimezone(UTC))
        event.add("dtend", duty.until.astimezone(UTC))
        calendar.add_component(event)
    found: bytes = calendar.to_ical()
    return found


def from_calendar(content: bytes, layers: Collection[str], zone: ZoneInfo) -> list[Duty]:
    """The duties that a calendar's events name, in their order.  A series of events (RRULE) is refused: it has no end.

    Raises:
        CalendarError: it is no calendar, or an event names no layer, or ends before it begins.
    """
    try:
        calendar = Calendar.from_ical(content)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CalendarError(f"This is no iCalendar file ({error}): export one with vigil rota export.") from None
    if not events:
        raise CalendarError("This calendar has no event: each duty is an event with the summary “layer: sign-in”.")
    if len(events) > MOST:
        raise CalendarError(f"This calendar has {len(events)} events: import at most {MOST} at a time.")
    return list(_duties(events, layers, zone))


def _duties(events: Iterable[Any], layers: Collection[str], zone: ZoneInfo) -> Iterator[Duty]:
    for number, event in enumerate(events, 1):
        summary = str(event.get("summary", ""))
        where = f"Event {number} ({summary[:80]!r})"
        if str(event.get("status", "")).upper() == "CANCELLED":
            continue
        layer, colon, person = (part.strip() for part in summary.partition(":"))
        if not colon or layer not in layers or not person:
            raise CalendarError(f"{where} names no layer: write such as “{next(iter(layers))}: m.testova” as its summary.")
        if event.get("rrule") is not None:
            raise CalendarError(f"{where} is a series: put turns that repeat into the rota's file, and single events here.")
        try:
            since, until = (_instant(event.decoded(key), zone) for key in ("dtstart", "dtend"))
        except (KeyError, ValueError, TypeError, AttributeError):
            raise CalendarError(f"{where} has no beginning or no end: give both.") from None
        if until <= since:
            raise CalendarError(f"{where} ends before it begins: correct its times.")
        yield Duty(layer, person.casefold(), since, until)


def _instant(at: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(0))
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
