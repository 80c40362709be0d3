"""Logs as hypothesis makes them: small, of everything that may stand in one, so that a failing one shrinks to its point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import (
    Change,
    Consent,
    Drift,
    Enrolled,
    Enrolment,
    Facts,
    Level,
    Limit,
    Limits,
    PausedRule,
    Pauses,
    Preference,
    RuleSet,
    Slope,
)
from devices.wire.event import Contact, Heartbeat
from streams.engine.testing import START, Record

DEVICES = (7, 8)
SIDES = st.sampled_from(("high", "low"))
VITALS = st.sampled_from((Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE))
VALUES = st.sampled_from((36.05, 39.95, 88.0, 97.0, 97.04, 99.9, 140.0, -5.0))
STATUS = st.sampled_from((0, 0, 0, 0, 1, 3))
STEPS = st.sampled_from((0, 0, 1, 400, 1000, 1000, 5000, 10_000, 11_500, 61_000, 350_000, 4_000_000, -500, -20_000, -90_000))
AGES = st.sampled_from((0, 500, 1500, 59_000, 299_500, 301_000, 1_000_000, -29_000, -31_000))
LEVELS = st.builds(Level, st.sampled_from((38.0, 90.0, 98.0)), st.sampled_from((0, 1, 20)))
LIMIT = st.builds(
    Limit, VITALS, SIDES, st.none() | LEVELS, st.none() | LEVELS, st.sampled_from((0.0, 0.1, 2.0)), st.booleans()
)
TREND = st.one_of(
    st.builds(Slope, st.just(Vital.HEART_RATE), SIDES, st.sampled_from((0.1, 30.0)), st.sampled_from((2, 4)), st.just(0.1)),
    st.builds(Change, st.just(Vital.TEMPERATURE), SIDES, st.sampled_from((0.1, 2.0)), st.just(24), st.just(0.1)),
    st.builds(Drift, st.just(Vital.HEART_RATE), st.just(0.5)),
)
ENROLMENT = st.builds(
    lambda order, every: Enrolment(tuple(Enrolled(device, 3, 0, None, every) for device in order), (3,)),
    st.permutations(DEVICES),
    st.sampled_from((0, 5, 61, 900)),
)
RULES = st.builds(
    lambda limits, trends, prefer, hold: RuleSet(
        1, tuple(limits), trends=tuple(trends), prefer=tuple(prefer), news2_medium=3, news2_hold_s=hold, sensor_off_s=2
    ),
    st.lists(LIMIT, max_size=3),
    st.lists(TREND, max_size=2),
    st.lists(st.builds(Preference, VITALS, st.sampled_from((1, 30))), max_size=2),
    st.sampled_from((0, 5)),
)
CONTROLS = st.one_of(
    RULES,
    ENROLMENT,
    st.builds(lambda limits: Limits(tuple(limits)), st.lists(LIMIT, max_size=2)),
    st.builds(lambda until: Pauses((PausedRule("*", until),)), st.sampled_from((0, (START + 30) * 1000))),
    st.builds(Facts, st.sampled_from((1, 2)), st.booleans(), st.just("A"), st.just("1950-02-03")),
    st.builds(Consent, st.booleans(), st.just(0)),
)
READING = st.tuples(AGES, VITALS, VALUES, STATUS)
ACTIONS = st.one_of(
    st.tuples(st.just("tick")),
    st.tuples(st.just("data"), st.sampled_from(DEVICES), st.lists(READING, min_size=1, max_size=5), st.integers(1, 3)),
    st.tuples(st.just("data"), st.sampled_from(DEVICES), st.lists(READING, min_size=1, max_size=5), st.integers(1, 3)),
    st.tuples(st.just("control"), CONTROLS),
    st.tuples(st.just("contact"), st.sampled_from(DEVICES), st.booleans()),
    st.tuples(st.just("beat")),
)


def log_of(partition: int, rules: RuleSet, enrolment: Enrolment, actions: list[tuple[int, tuple[Any, ...]]]) -> list[Record]:
    """The records of one patient's partition; ``actions``: (ms since the one before, what)."""
    patient, now, sequence = partition + 64, START * 1000, 0
    out: list[Record] = []

    def tell(who: int, control: Any) -> None:
        nonlocal sequence
        sequence += 1
        out.append(Record(now, Kind.CONTROL, who, control=control, first=sequence, epoch=5))

    for who, control in ((0, rules), (patient, Consent(True, 0)), (patient, enrolment)):
        tell(who, control)
    for step, (what, *rest) in actions:
        now += step
        if what == "tick" or step < -10_000 or step > 2000:
            out.append(Record(now, Kind.CLOCK))
        if what == "data":
            device, readings, times = rest
            samples = [(now - age, value, int(vital), status, k) for k, (age, vital, value, status) in enumerate(readings)]
            again = [(time - 1000 * k, *more) for k in range(times) for time, *more in samples]
            samples = [one for one in again if not any(one[:3] != two[:3] and one[0] == two[0] for two in samples)]
            out.append(Record(now, Kind.SAMPLES, patient, device, 3, samples=tuple(samples)))
        elif what == "control":
            tell(0 if isinstance(rest[0], RuleSet) else patient, rest[0])
        elif what == "contact":
            out.append(Record(now, Kind.EVENT, patient, rest[0], 3, event=Contact(now, rest[1])))
        elif what == "beat":
            out.append(Record(now, Kind.EVENT, patient, 0, 3, event=Heartbeat(now)))
    return [replace(one, partition=partition) for one in out]


def logs(most: int) -> st.SearchStrategy[dict[int, list[Record]]]:
    """Logs of one or two partitions with up to ``most`` actions each."""
    actions = st.lists(st.tuples(STEPS, ACTIONS), min_size=1, max_size=most)
    one = st.tuples(RULES, ENROLMENT, actions)
    numbers = st.sampled_from(((1,), (1, 33), (30,), (63, 5)))
    return numbers.flatmap(lambda chosen: st.fixed_dictionaries(dict.fromkeys(chosen, one))).map(
        lambda found: {p: log_of(p, *it) for p, it in found.items()}
    )
