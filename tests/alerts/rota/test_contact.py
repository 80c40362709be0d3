"""Channels of a person: in order, with quiet hours that never hold a high."""

from __future__ import annotations

from datetime import time

from alerts.rota.contact import Contact, usable
from streams.engine.condition import Priority
from tests.alerts.rota.test_layer import BERLIN, utc

NIGHT = (time(22), time(7))
CONTACTS = [Contact("push", 0, NIGHT), Contact("sms", 60), Contact("phone", 120, NIGHT)]
THERE = {"push", "sms", "phone"}
AT_NIGHT, BY_DAY = utc("2026-03-03 02:00"), utc("2026-03-03 12:00")


def names(found: list[Contact]) -> list[tuple[str, int]]:
    return [(one.channel, one.after_s) for one in found]


def test_quiet_hours_hold_a_medium_and_never_a_high() -> None:
    assert names(usable(CONTACTS, THERE, Priority.HIGH, AT_NIGHT, BERLIN)) == [("push", 0), ("sms", 60), ("phone", 120)]
    assert names(usable(CONTACTS, THERE, Priority.MEDIUM, AT_NIGHT, BERLIN)) == [("sms", 0)]
    assert len(usable(CONTACTS, THERE, Priority.MEDIUM, BY_DAY, BERLIN)) == 3


def test_a_channel_that_the_notifier_does_not_have_delays_no_other() -> None:
    assert names(usable(CONTACTS, {"sms", "phone"}, Priority.HIGH, BY_DAY, BERLIN)) == [("sms", 0), ("phone", 60)]
    assert usable(CONTACTS, set(), Priority.HIGH, BY_DAY, BERLIN) == []


def test_quiet_hours_are_those_of_the_teams_clock() -> None:
    midday = Contact("push", quiet=(time(12), time(13)))
    assert midday.is_quiet(utc("2026-07-01 10:30"), BERLIN)
    assert not midday.is_quiet(utc("2026-01-15 10:30"), BERLIN)
    assert midday.is_quiet(utc("2026-01-15 11:30"), BERLIN)


def test_where_all_are_quiet_a_medium_is_held_until_the_first_is_not() -> None:
    quiet = [Contact("push", 0, NIGHT), Contact("sms", 30, (time(1), time(4)))]
    (held,) = usable(quiet, THERE, Priority.MEDIUM, AT_NIGHT, BERLIN)
    assert (held.channel, held.not_before) == ("sms", utc("2026-03-03 03:00"))
    assert [one.not_before for one in usable(quiet, THERE, Priority.HIGH, AT_NIGHT, BERLIN)] == [None, None]


def test_quiet_hours_end_the_next_morning_also_where_the_clock_changes() -> None:
    assert Contact("push", 0, NIGHT).quiet_until(utc("2026-03-28 22:00"), BERLIN) == utc("2026-03-29 05:00")
