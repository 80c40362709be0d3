"""The clock of a gateway that is wrong is said: the desk must not look for power and network instead."""

from __future__ import annotations

import pytest

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.wire.batch import ClockQuality, Kind
from devices.wire.control import Enrolled, Enrolment
from devices.wire.event import Heartbeat
from streams.engine.testing import PatientLog, Record

RULE = "gateway_clock"


def home() -> PatientLog:
    at_home = PatientLog(stages())
    at_home.control(default_rule_set())
    at_home.control(Enrolment((Enrolled(7, 3, 0),), (3,)))
    return at_home


def beat(it: PatientLog, ahead_s: float = 0, *, unset: bool = False, wait: int = 30) -> None:
    clock = ClockQuality.UNSURE if unset else ClockQuality.SURE
    event = (
        Heartbeat(round((it.now + ahead_s) * 1000), clock_set=False) if unset else Heartbeat((it.now + int(ahead_s)) * 1000)
    )
    it.append(Record(it.now * 1000, Kind.EVENT, it.patient, 0, it.gateway, event=event, clock=clock))
    it.wait(wait)


def phases(it: PatientLog, rule: str = RULE) -> list[str]:
    return [one.phase for one in it.conditions(rule)]


def test_a_gateway_whose_clock_is_not_set_is_said_at_once_until_it_is() -> None:
    it = home()
    beat(it)
    beat(it, unset=True)
    (onset,) = it.conditions(RULE)
    assert (onset.category, onset.source, onset.detail) == ("technical", 3, {"reason": "not set"})
    beat(it)
    assert phases(it) == ["onset", "end"]
    assert not phases(it, "gateway_offline")


def test_a_gateway_an_hour_ahead_is_said_at_once() -> None:
    it = home()
    for ahead, expected in ((0, 0), (20, 0), (3600, 1), (3600, 1), (0, 2)):
        beat(it, ahead)
        assert len(phases(it)) == expected, ahead
    assert it.conditions(RULE)[0].detail == {"reason": "set wrongly", "off_s": 3600}


def test_a_gateway_an_hour_behind_is_said_after_two_minutes() -> None:
    it = home()
    for n in range(8):
        beat(it, -3600)
        assert phases(it) == (["onset"] if n >= 4 else []), n
    beat(it)
    assert phases(it) == ["onset", "end"]


@pytest.mark.parametrize("fresh_first", [True, False])
def test_what_waited_for_the_network_says_nothing_of_the_clock(fresh_first: bool) -> None:
    it = home()
    beat(it)
    for _ in range(10):  # a backlog drains for five minutes, live heartbeats go before it
        ages = [0, *range(-3600, -600, 300)]
        for age in ages if fresh_first else reversed(ages):
            beat(it, age, wait=0)
        it.wait(30)
    assert not phases(it)
