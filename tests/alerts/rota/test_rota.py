"""Who is on duty: now, next, and at every moment of the days to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.rota.layer import Hours, Layer
from alerts.rota.policy import Policy
from alerts.rota.rota import Override, Rota, duties, next_turn, now_and_next, on_duty
from tests.alerts.rota.test_layer import BERLIN, WEEKLY, utc

ROTA = Rota(BERLIN, "boss", (WEEKLY,), Policy())
NIGHT = Layer("nurse", ("noor",), date(2026, 3, 2), hours=Hours(time(19), time(7)))
DAY = Layer("nurse", ("dana",), date(2026, 3, 2), hours=Hours(time(7), time(15)))


def test_an_override_takes_the_layer_for_its_time_and_the_newest_one_counts() -> None:
    since, until = utc("2026-03-03 08:00"), utc("2026-03-03 16:00")
    rota = replace(
        ROTA,
        overrides=(
            Override(1, "nurse", "dee", since, until),
            Override(2, "nurse", "eve", since, since + timedelta(hours=1)),
        ),
    )
    assert on_duty(rota, "nurse", since - timedelta(seconds=1)) == "ann"
    assert on_duty(rota, "nurse", since) == "eve"
    assert on_duty(rota, "nurse", until - timedelta(seconds=1)) == "dee"
    assert on_duty(rota, "nurse", until) == "ann"
    now, after = now_and_next(rota, "nurse", since)
    assert (now.person, now.until, now.override) == ("eve", since + timedelta(hours=1), 2)
    assert after is not None
    assert after.person == "dee"


def test_two_layers_of_one_name_are_one_line_and_what_neither_covers_is_a_hole() -> None:
    rota = replace(ROTA, layers=(DAY, NIGHT))
    found = duties(rota, "nurse", utc("2026-03-10 06:00"), utc("2026-03-11 06:00"))
    assert [(one.person, one.since.hour) for one in found] == [("dana", 6), (None, 14), ("noor", 18)]
    assert found[-1].until == utc("2026-03-11 06:00")


def test_the_next_person_is_named_also_where_everybody_is_the_same() -> None:
    now, after = now_and_next(ROTA, "nurse", utc("2026-03-03 08:00"))
    assert (now.person, now.until) == ("ann", utc("2026-03-09 06:00"))
    assert after is not None
    assert (after.person, after.since) == ("ben", utc("2026-03-09 06:00"))
    alone = replace(ROTA, layers=(replace(WEEKLY, people=("ann",)),))
    assert now_and_next(alone, "nurse", utc("2026-03-03 08:00"))[1] is None


def test_a_persons_next_turn_is_the_one_they_have_or_the_first_to_come() -> None:
    turn = next_turn(ROTA, "nurse", "cem", utc("2026-03-03 08:00"))
    assert turn is not None
    assert turn.since == utc("2026-03-16 06:00")
    assert next_turn(ROTA, "nurse", "zoe", utc("2026-03-03 08:00")) is None


@given(
    st.integers(0, 270 * 24 * 60),
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=4),
    st.integers(0, 7 * 24 * 60),
)
def test_the_duties_of_a_time_have_no_gap_and_agree_with_who_is_on_duty(
    first: int, overrides: list[tuple[int, int]], minute: int
) -> None:
    since = utc("2026-03-01") + timedelta(minutes=first)
    until = since + timedelta(days=7)
    taken = tuple(
        Override(n, "nurse", f"o{n}", since + timedelta(hours=begin), since + timedelta(hours=begin + hours))
        for n, (begin, hours) in enumerate(overrides, 1)
    )
    rota = Rota(ZoneInfo("Europe/Berlin"), "boss", (DAY, NIGHT), Policy(), taken)
    found = duties(rota, "nurse", since, until)
    assert found[0].since == since
    assert found[-1].until == until
    assert all(one.until == other.since for one, other in pairwise(found))
    moment = since + timedelta(minutes=minute)
    if moment < until:
        (those,) = [one for one in found if one.since <= moment < one.until]
        assert those.person == on_duty(rota, "nurse", moment)
