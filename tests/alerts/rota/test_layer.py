"""Turns and hand-overs in the team's own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.rota.layer import Hours, Layer, instant, is_open, moments, turn_at

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Layer("nurse", ("ann", "ben", "cem"), date(2026, 3, 2), time(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_turns_go_round_and_nobody_has_one_before_the_first() -> None:
    assert turn_at(WEEKLY, BERLIN, utc("2026-03-02 05:59")) is None
    for week, person in enumerate(("ann", "ben", "cem", "ann")):
        turn = turn_at(WEEKLY, BERLIN, utc("2026-03-02 06:00") + timedelta(days=7 * week))
        assert turn is not None
        assert turn.person == person


def test_a_hand_over_stays_at_seven_when_the_clock_changes() -> None:
    spring = turn_at(WEEKLY, BERLIN, utc("2026-03-28 12:00"))
    assert spring is not None
    assert (spring.since, spring.until) == (utc("2026-03-23 06:00"), utc("2026-03-30 05:00"))
    assert spring.until - spring.since == timedelta(hours=167), "the week with the change to summer time is an hour short"
    autumn = turn_at(WEEKLY, BERLIN, utc("2026-10-24 12:00"))
    assert autumn is not None
    assert autumn.until - autumn.since == timedelta(hours=169)


def test_a_local_time_that_comes_twice_or_never_is_one_instant() -> None:
    assert instant(date(2026, 10, 25), time(2, 30), BERLIN) == utc("2026-10-25 00:30")
    assert instant(date(2026, 3, 29), time(2, 30), BERLIN) == utc("2026-03-29 01:30")


def test_hours_go_over_midnight_and_belong_to_the_day_on_which_they_begin() -> None:
    nights = Layer("nurse", ("ann",), date(2026, 3, 2), hours=Hours(time(19), time(7), frozenset({4})))  # Friday nights
    assert is_open(nights, BERLIN, utc("2026-03-06 18:00"))
    assert is_open(nights, BERLIN, utc("2026-03-07 05:59"))
    assert not is_open(nights, BERLIN, utc("2026-03-07 06:00"))
    assert not is_open(nights, BERLIN, utc("2026-03-07 18:00"))


@given(
    st.integers(0, 730 * 24 * 60),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.integers(1, 14),
    st.times(),
)
def test_every_instant_lies_in_exactly_one_turn(minute: int, zone: str, days: int, hand_over: time) -> None:
    layer = Layer("nurse", ("ann", "ben", "cem"), date(2025, 12, 1), hand_over.replace(microsecond=0), days)
    now = utc("2026-01-01") + timedelta(minutes=minute)
    turn = turn_at(layer, ZoneInfo(zone), now)
    assert turn is not None
    assert turn.since <= now < turn.until
    after = turn_at(layer, ZoneInfo(zone), turn.until)
    assert after is not None
    assert after.since == turn.until
    assert after.person != turn.person
    assert turn.until in moments(layer, ZoneInfo(zone), now, turn.until + timedelta(seconds=1))
