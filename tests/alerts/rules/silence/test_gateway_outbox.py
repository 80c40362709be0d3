"""A gateway whose storage fills up is said before it is full."""

from __future__ import annotations

import msgspec

from alerts.rules.defaults import default_rule_set
from alerts.rules.stages import stages
from devices.wire.batch import Kind
from devices.wire.control import Enrolled, Enrolment
from devices.wire.event import Heartbeat
from streams.engine.testing import PatientLog, Record

RULE = "gateway_outbox"


def home() -> PatientLog:
    at_home = PatientLog(stages())
    at_home.control(default_rule_set())
    at_home.control(Enrolment((Enrolled(7, 3, 0),), (3,)))
    return at_home


def beat(it: PatientLog, full: int | None, *, age_s: int = 0, wait: int = 30) -> None:
    event = Heartbeat((it.now - age_s) * 1000, full=msgspec.UNSET if full is None else full)
    it.append(Record(it.now * 1000, Kind.EVENT, it.patient, 0, it.gateway, event=event))
    it.wait(wait)


def test_it_begins_at_eighty_percent_and_ends_below_seventy() -> None:
    it, phases = home(), []
    for full in (None, 50, 79, 80, 100, 79, 70, 69, 79, None):
        beat(it, full)
        phases.append([one.phase for one in it.conditions(RULE)])
    onset = ["onset"]
    assert phases == [[], [], [], onset, onset, onset, onset, ["onset", "end"], ["onset", "end"], ["onset", "end"]]
    first = it.conditions(RULE)[0]
    assert (first.category, first.source, first.detail) == ("technical", 3, {"reason": "80 % full"})


def test_heartbeats_that_waited_for_the_network_change_nothing() -> None:
    it = home()
    beat(it, 90, wait=1)
    for age in (3600, 1800, 60):
        beat(it, 10, age_s=age, wait=1)
    it.wait(5)
    assert [one.phase for one in it.conditions(RULE)] == ["onset"]
