from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.care.limits import by_side
from alerts.desk.worklist.cells import cells_of, level_of
from alerts.desk.worklist.snapshot import Device, Patient, Snapshot, Value
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Facts, Level, Limit

NOW = 1_795_271_647_000
LIMITS = by_side(
    (
        Limit(Vital.HEART_RATE, "high", Level(110), Level(130)),
        Limit(Vital.HEART_RATE, "low", None, Level(41)),
        Limit(Vital.SYSTOLIC, "low", Level(101), Level(91)),
    )
)
WATCH = Device(5, "Watch", 1, "Gateway", 300)


def value(vital: Vital, number: float | None, age_s: int = 5, status: Status = Status.OK, device: int = 1) -> Value:
    return Value(1, vital, device, NOW - age_s * 1000, number, status, NOW)


def look(*values: Value, facts: Facts | None = None) -> tuple[Snapshot, Patient]:
    facts = facts or Facts(born="1950-01-01")
    patient = Patient(1, 1, "A", "1950-01-01", "", "", "", NOW, facts, (WATCH,), LIMITS)
    return Snapshot(1, NOW, NOW, {1: patient}, {}, {1: values}, (), {}), patient


@pytest.mark.parametrize(
    ("number", "level"), [(110, ""), (110.5, "medium"), (130, "medium"), (131, "high"), (41, ""), (40.9, "high")]
)
def test_a_limit_is_crossed_beyond_it(number: float, level: str) -> None:
    assert level_of(LIMITS, Vital.HEART_RATE, number) == level


def test_heart_rate_comes_before_pulse_rate_while_it_is_fresh() -> None:
    both = value(Vital.HEART_RATE, 80), value(Vital.PULSE_RATE, 90)
    assert cells_of(*look(*both))["hr"].text == "80"
    older = value(Vital.HEART_RATE, 80, 600), value(Vital.PULSE_RATE, 90)
    cell = cells_of(*look(*older))["hr"]
    assert (cell.text, cell.note) == ("90", "pulse")


def test_a_value_stays_fresh_for_two_intervals_and_two_minutes_but_never_beyond_its_validity() -> None:
    assert cells_of(*look(value(Vital.SPO2, 97)))["spo2"].fresh_s == 120
    assert cells_of(*look(value(Vital.SPO2, 97, device=5)))["spo2"].fresh_s == 720
    assert cells_of(*look(value(Vital.TEMPERATURE, 37)))["temp"].fresh_s == 8 * 3600


def test_a_poor_value_is_named_and_never_outside_limits() -> None:
    cell = cells_of(*look(value(Vital.HEART_RATE, 180, status=Status.ARTEFACT)))["hr"]
    assert (cell.text, cell.level, cell.poor) == ("180", "", "moved")
    cell = cells_of(*look(value(Vital.HEART_RATE, None, status=Status.SENSOR_OFF)))["hr"]
    assert (cell.text, cell.poor) == ("–", "off")


def test_an_old_good_value_stands_before_a_new_bad_one() -> None:
    bad, good = value(Vital.SPO2, 60, status=Status.POOR_CONTACT), value(Vital.SPO2, 97, 30, device=2)
    assert cells_of(*look(bad, good))["spo2"].text == "97"


def test_a_value_taken_at_its_arrival_says_that_its_time_is_uncertain() -> None:
    marked = replace(value(Vital.TEMPERATURE, 39.4), at_arrival=True)
    assert cells_of(*look(marked))["temp"].note == "time uncertain"
    both = [
        replace(value(vital, number), at_arrival=True) for vital, number in ((Vital.SYSTOLIC, 85), (Vital.DIASTOLIC, 50))
    ]
    cell = cells_of(*look(*both))["bp"]
    assert (cell.text, cell.level, cell.note) == ("85/50", "high", "time uncertain")


def test_pressure_is_one_measurement_of_one_cuff() -> None:
    pair = value(Vital.SYSTOLIC, 88, 60), value(Vital.DIASTOLIC, 52, 60)
    cell = cells_of(*look(*pair))["bp"]
    assert (cell.text, cell.level) == ("88/52", "high")
    apart = value(Vital.SYSTOLIC, 120, 60), value(Vital.DIASTOLIC, 52, 90)
    assert cells_of(*look(*apart))["bp"].text == "120/–"


ERR = [value(vital, None, 5, Status.NAN) for vital in (Vital.SYSTOLIC, Vital.DIASTOLIC)]


def test_a_cuff_that_says_err_leaves_the_last_good_pressure_with_its_age_and_the_reason() -> None:
    good = value(Vital.SYSTOLIC, 88, 3060), value(Vital.DIASTOLIC, 52, 3060)
    cell = cells_of(*look(*ERR, *good))["bp"]
    assert (cell.text, cell.level, cell.at, cell.poor, cell.note) == (
        "88/52", "high", NOW - 3_060_000, "", "newer: no value",
    )  # fmt: skip
    assert cells_of(*look(*ERR))["bp"].poor == "no value"


@pytest.mark.parametrize(("vital", "column"), [(Vital.SPO2, "spo2"), (Vital.HEART_RATE, "hr"), (Vital.TEMPERATURE, "temp")])
def test_so_does_every_other_vital(vital: Vital, column: str) -> None:
    bad, good = value(vital, 41, 2, Status.ARTEFACT), value(vital, 97, 40)
    cell = cells_of(*look(bad, good))[column]
    assert (cell.text.removesuffix(".0"), cell.poor, cell.note, cell.at) == ("97", "", "newer: moved", NOW - 40_000)


def test_a_pressure_of_which_a_part_is_missing_shows_the_other_and_mixes_no_measurements() -> None:
    before = value(Vital.SYSTOLIC, 104, 3060), value(Vital.DIASTOLIC, 62, 3060)
    lower = value(Vital.SYSTOLIC, None, 5, Status.NAN), value(Vital.DIASTOLIC, 45)
    cell = cells_of(*look(*lower, *before))["bp"]
    assert (cell.text, cell.note) == ("–/45", "sys no value, sys 104 before")
    beyond = value(Vital.SYSTOLIC, 120), value(Vital.DIASTOLIC, 400, status=Status.OUT_OF_RANGE)
    cell = cells_of(*look(*beyond))["bp"]
    assert (cell.text, cell.note) == ("120/–", "dia beyond")
