"""Records that can be decoded but mean no good: none makes the engine raise, and what is refused has a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire import control as wire
from devices.wire.batch import Kind
from devices.wire.event import Battery, ClockCorrection, Contact, Heartbeat, Link
from streams.engine.engine import Engine
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import START, PatientLog, Record, clock_record, round_of

FEW = settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
PATIENT, DEVICE, GATEWAY = 65, 7, 3
NOW = START * 1000

EDGES = st.sampled_from((
    0, 1, -1, NOW, NOW - 5000, NOW + 29_000, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 62) + 1,
    (1 << 63) - 1, -(1 << 63), 1 << 63, 1 << 70, -(1 << 70),
))  # fmt: skip
SMALL = st.sampled_from((0, 1, 5, 60, 3600, -1, 1 << 31, 1 << 40, 1 << 63, -(1 << 64)))
NUMBERS = st.sampled_from((DEVICE, 8, 0, -1, 1 << 31, 1 << 32, 1 << 64))
FLOATS = st.sampled_from((0.0, -0.0, 36.6, 94.0, -5.0, 1e-300, 1e300, -1e300, float("nan"), float("inf"), float("-inf")))
BORN = st.sampled_from((
    None, "", "1950-13-01", "x-02-29", "0001-01-01", "9990-02-29", "9996-02-29", "9999-12-31", "1952-02-29", "1950-02-03",
))  # fmt: skip
SIDES = st.sampled_from(("high", "low"))
CODES = st.sampled_from((*map(int, Vital), 0, 99, 255, 256, -1, 1 << 40))
LEVEL = st.none() | st.builds(wire.Level, FLOATS, SMALL)
LIMITS = st.lists(st.builds(wire.Limit, CODES, SIDES, LEVEL, LEVEL, FLOATS), max_size=4).map(tuple)
TREND = st.one_of(
    st.builds(wire.Drift, CODES, FLOATS, FLOATS, FLOATS, SMALL),
    st.builds(wire.Slope, CODES, SIDES, FLOATS, SMALL, FLOATS),
    st.builds(wire.Change, CODES, SIDES, FLOATS, SMALL, FLOATS),
)
ENROLLED = st.builds(wire.Enrolled, NUMBERS, NUMBERS, EDGES, st.none() | EDGES, SMALL)
RULES = st.builds(
    wire.RuleSet,
    st.just(1),
    LIMITS,
    *([SMALL] + [FLOATS] + [SMALL] * 5),
    st.lists(TREND, max_size=3).map(tuple),
    st.lists(st.builds(wire.Preference, CODES, SMALL), max_size=2).map(tuple),
    SMALL,
    SMALL,
)
CONTROLS = st.one_of(
    RULES,
    st.builds(wire.Limits, LIMITS),
    st.builds(wire.Facts, st.sampled_from((1, 2)), st.booleans(), st.sampled_from(("A", "U")), BORN, st.booleans()),
    st.builds(wire.Consent, st.sampled_from((True, True, False)), EDGES),
    st.builds(
        lambda more, gateways, keys: wire.Enrolment(
            (wire.Enrolled(DEVICE, GATEWAY, 0, None, 1), *more), (GATEWAY, *gateways), tuple(keys)
        ),
        st.lists(ENROLLED, max_size=3),
        st.lists(NUMBERS, max_size=2),
        st.lists(EDGES, max_size=2),
    ),
    st.builds(
        lambda pauses: wire.Pauses(tuple(pauses)),
        st.lists(st.builds(wire.PausedRule, st.sampled_from(("*", "news2", "\x00", "spo2.low")), EDGES), max_size=3),
    ),
)
EVENTS = st.one_of(
    st.builds(Heartbeat, EDGES, EDGES, EDGES),
    st.builds(Link, EDGES, st.booleans(), EDGES),
    st.builds(Contact, EDGES, st.booleans()),
    st.builds(Battery, EDGES, EDGES),
    st.builds(ClockCorrection, EDGES, EDGES),
)
IN_INT64 = EDGES.filter(lambda ms: -(1 << 63) <= ms < 1 << 63)
SAMPLES = st.lists(
    st.tuples(IN_INT64, FLOATS.map(lambda x: min(max(x, -3e38), 3e38)), st.integers(0, 12), st.integers(0, 12),
              st.sampled_from((0, 1, 65535))),
    max_size=5,
)  # fmt: skip
WHO = {"device": st.sampled_from((DEVICE, 0, 8, (1 << 32) - 1)), "gateway": st.sampled_from((GATEWAY, 0, (1 << 32) - 1))}
RECORDS = st.one_of(
    st.builds(lambda it, who: ("control", it, who), CONTROLS, st.sampled_from((PATIENT, PATIENT, 0))),
    st.builds(lambda it, who: ("event", it, who), EVENTS, st.fixed_dictionaries(WHO)),
    st.builds(lambda it, who: ("samples", tuple(it), who), SAMPLES, st.fixed_dictionaries(WHO)),
)
BAD = ((Vital.SPO2, 80.0), (Vital.RESPIRATORY_RATE, 30.0), (Vital.HEART_RATE, 140.0), (Vital.SYSTOLIC, 80.0))
LOGS = st.lists(RECORDS, min_size=1, max_size=12)


def records_of(hostile: list[tuple[str, Any, Any]]) -> list[Record]:
    append, out = NOW, []
    sent: list[tuple[int, wire.Control]] = [
        (PATIENT, wire.Consent(True, 0)),
        (PATIENT, wire.Enrolment((wire.Enrolled(DEVICE, GATEWAY, 0, None, 1),), (GATEWAY,))),
        (PATIENT, wire.Facts(1, True, "V", "1950-02-03")),
    ]
    for first, (patient, control) in enumerate(sent, 1):
        out.append(Record(append, Kind.CONTROL, patient, control=control, first=first))
    for first, (kind, it, who) in enumerate(hostile, 10):
        append += 1000
        vitals = [(append, value, int(vital), 0, 0) for vital, value in BAD]
        out.append(Record(append, Kind.SAMPLES, PATIENT, DEVICE, GATEWAY, samples=tuple(vitals)))
        if kind == "control":
            out.append(Record(append, Kind.CONTROL, who, control=it, first=first))
        elif kind == "event":
            out.append(Record(append, Kind.EVENT, PATIENT, event=it, **who))
        else:
            out.append(Record(append, Kind.SAMPLES, PATIENT, samples=it, **who))
        out.append(clock_record(append))
    return out + [clock_record(append + 1000 * k) for k in range(1, 45, 11)]


def check(hostile: list[tuple[str, Any, Any]]) -> None:
    log = records_of(hostile)
    engine = Engine(stages())
    engine.take(1, None, Recall())
    for at in range(0, len(log), 15):
        writes = engine.advance(round_of(log[at : at + 15]))
        assert all(one.reason for one in writes.rejected)
        assert not any(control is None for _, control in writes.controls)
    again = Engine(stages())
    again.take(1, unpack(engine.snapshot(1), 1), Recall())  # what took effect can be read back


@FEW
@given(LOGS)
def test_no_record_that_can_be_decoded_makes_the_engine_raise(hostile: list[tuple[str, Any, Any]]) -> None:
    check(hostile)


@pytest.mark.parametrize("born", ["1950-13-01", "x-02-29", "9990-02-29", "9999-12-31", ""])
def test_a_date_of_birth_that_is_none_is_refused_or_ends_the_score_and_nothing_else(born: str) -> None:
    log = PatientLog(stages(), interval_s=1)
    log.control(wire.RuleSet(1, news2_hold_s=0))
    log.control(wire.Facts(1, True, "V", "1950-02-03"))
    for vital, value in ((Vital.SPO2, 80), (Vital.RESPIRATORY_RATE, 30), (Vital.HEART_RATE, 140), (Vital.TEMPERATURE, 40)):
        log.measure(vital, value)
    log.wait()
    refused = log.control(wire.Facts(1, True, "V", born)).rejected
    log.wait()
    assert all(one.reason for one in refused)
    assert [phase for _, _, phase, _ in log.reported("news2")] == (["onset"] if refused else ["onset", "end"])


def test_a_control_record_that_no_table_can_hold_is_refused_and_named() -> None:
    log = PatientLog(stages())
    writes = log.control(wire.Enrolment((wire.Enrolled(1 << 32, 3, 0),), (3,)))
    assert [one.reason for one in writes.rejected] == ["control record with a number out of range"]
    assert not writes.controls
    log.measure(Vital.SPO2, 80)
    assert log.written[-1].accepted.all(), "the enrolment before it stands"
