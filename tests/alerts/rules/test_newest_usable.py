"""The value that counts, as the engine's arrays and as the desk's function find it."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from alerts.rules.newest_usable import newest_usable
from alerts.rules.stages import stages
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Level, Limit, Limits, RuleSet
from streams.engine.testing import PatientLog


@dataclass(frozen=True)
class Sample:
    at: int
    device: int
    value: float | None
    status: int = 0
    vital: int = Vital.SYSTOLIC


def test_the_newest_usable_counts_and_of_two_the_lower_device() -> None:
    old, err = Sample(1000, 1, 104), Sample(5000, 1, None, Status.NAN)
    assert newest_usable([err, old]) is old
    assert newest_usable([old, Sample(2000, 2, 99)]) == Sample(2000, 2, 99)
    assert newest_usable([Sample(1000, 2, 99), old]) is old
    assert newest_usable([err, Sample(9000, 1, float("nan"))]) is None


def test_a_source_counts_until_its_hold_is_over() -> None:
    first, second = Sample(40_000, 7, 97, vital=Vital.SPO2), Sample(59_000, 2, 88, vital=Vital.SPO2)
    home, prefer = {7: 1, 2: 1}, {int(Vital.SPO2): 30}
    assert newest_usable([first, second], now=60_000, intervals=home, prefer=prefer) is first
    assert newest_usable([first, second], now=80_000, intervals=home, prefer=prefer) is second
    assert newest_usable([first, second], now=80_000, intervals=home) is first, "a minute, where nothing is said"
    assert newest_usable([first, second], now=200_000, intervals=home) is second
    assert newest_usable([first, second], now=300_000, intervals={7: 300, 2: 1}) is first, "two of its intervals"
    cuffs = [Sample(40_000, 7, 120), Sample(59_000, 2, 88)]
    assert newest_usable(cuffs, now=60_000, intervals=home) is cuffs[1], "of what is measured now and then the newest"


def test_a_heart_rate_comes_before_a_pulse_and_what_somebody_measured_before_both() -> None:
    pulse, heart = (Sample(59_000, 2, 97, vital=one) for one in (Vital.PULSE_RATE, Vital.HEART_RATE))
    assert newest_usable([pulse, heart], now=60_000, intervals={2: 1}) is heart
    by_hand = Sample(30_000, 0, 140, vital=Vital.PULSE_RATE)
    assert newest_usable([pulse, heart, by_hand], now=60_000, intervals={2: 1}) is by_hand


@pytest.mark.parametrize("vital", [Vital.SYSTOLIC, Vital.SPO2])
def test_the_engine_judges_by_the_same_value(vital: Vital) -> None:
    """A limit without hold stands while the value that counts is below it, whatever unusable samples come between."""
    chance = random.Random(11)
    it = PatientLog(stages())
    it.control(RuleSet(1))
    it.control(Limits((Limit(vital, "low", None, Level(91, 0)),)))
    taken: list[Sample] = []
    name = f"{'systolic' if vital == Vital.SYSTOLIC else 'spo2'}.low"
    for second in range(120):
        if chance.random() < 0.6:
            status = chance.choice((0, 0, Status.NAN, Status.ARTEFACT, Status.SENSOR_OFF))
            number = None if status == Status.NAN else float(chance.choice((85, 96)))
            it.measure(vital, float("nan") if number is None else number, status=int(status))
            taken.append(Sample(second, 1, number, status))
        it.wait()
        counted = newest_usable(taken)
        phases = [phase for _, rule, phase, _ in it.reported(name) if rule == name]
        stands = bool(phases) and phases[-1] != "end"
        assert stands == (counted is not None and counted.value == 85), second
    assert len(it.reported(name)) > 6
