"""Snapshots that cannot be read, and what a ring needs from the database."""

from __future__ import annotations

import pytest

from alerts.rules.stages import stages
from devices.vitals import Vital
from devices.wire.control import Level, Limit, RuleSet
from streams.engine.engine import Engine
from streams.engine.errors import StateUnreadableError
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import Content, recalled, unpack
from streams.engine.testing import START, PatientLog


def state_of(home: PatientLog) -> Content:
    return unpack(home.engine.snapshot(home.partition), home.partition)


def test_only_five_minutes_of_readings_are_recalled() -> None:
    it = PatientLog()
    it.wait(400)
    assert recalled(state_of(it)) == (START + 400 - 299) * 1000


def test_after_a_clock_was_set_back_the_snapshot_carries_the_ring_and_needs_nothing() -> None:
    it = PatientLog(stages())
    it.measure_each_second(Vital.SPO2, [97] * 20)
    it.now -= 100
    it.measure_each_second(Vital.SPO2, [96] * 20)
    state = state_of(it)
    assert recalled(state) > (START + 10**6) * 1000
    other = Engine(stages())
    other.take(it.partition, state, Recall())
    columns = it.engine.layout.dense.axis.of(1)
    assert (other.layout.dense.ring.cells[:, :1] == it.engine.layout.dense.ring.cells[:, columns]).all()
    it.wait(500)
    assert recalled(state_of(it)) == (it.now - 299) * 1000


@pytest.mark.parametrize("cut", [0, 5, 13, 17, 60])
def test_a_damaged_snapshot_is_refused(cut: int) -> None:
    it = PatientLog(stages())
    state = bytearray(it.engine.snapshot(it.partition))
    state[cut] ^= 0xFF
    with pytest.raises(StateUnreadableError):
        unpack(bytes(state), 1)


def test_a_snapshot_of_other_rules_or_of_another_partition_is_refused() -> None:
    it = PatientLog(stages())
    it.measure_each_second(Vital.SPO2, [97] * 3)
    with pytest.raises(StateUnreadableError):
        unpack(it.engine.snapshot(it.partition), 2)
    fewer = PatientLog()
    fewer.measure_each_second(Vital.SPO2, [97] * 3)
    engine = Engine(stages())
    with pytest.raises(StateUnreadableError):
        engine.take(1, state_of(fewer), Recall())
    assert not engine.layout.held[1]
    assert not engine.layout.dense.axis.used.any()


def test_a_hold_goes_on_over_a_restart() -> None:
    it = PatientLog(stages())
    it.control(RuleSet(1, (Limit(Vital.TEMPERATURE, "high", Level(38, 600)),)))
    it.measure(Vital.TEMPERATURE, 39)
    it.wait(30)
    it.measure(Vital.TEMPERATURE, 39)
    engine = Engine(stages())
    engine.take(it.partition, state_of(it), Recall())
    it.engine = engine
    for _ in range(12):
        it.wait(50)
        it.measure(Vital.TEMPERATURE, 39)
    it.wait()
    assert [(rule, phase) for _, rule, phase, _ in it.reported("temperature.high")] == [("temperature.high", "onset")]
