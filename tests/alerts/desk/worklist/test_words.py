"""Alarms in words: value, limit and unit."""

from __future__ import annotations

from alerts.desk.worklist.snapshot import Device
from alerts.desk.worklist.words import plain
from devices.vitals import Vital
from tests.alerts.desk.worklist.test_lines import alarm


def words(rule: str, vital: Vital, value: float, limit: float | None, **detail: object) -> str:
    return plain(alarm(1, 1, rule=rule, vital=int(vital), value=value, limit_value=limit, detail=detail))


def test_a_trend_names_its_comparison() -> None:
    assert words("heart_rate.drift_high", Vital.HEART_RATE, 96.2, 78.0) == "HR 96 drifting up usually 78 /min"
    assert words("spo2.drift_low", Vital.SPO2, 93.0, None) == "SpO₂ 93 drifting down"
    assert words("heart_rate.rising", Vital.HEART_RATE, 15.26, 12.0) == "HR rising 15.3 /min an hour limit 12"
    assert words("spo2.falling", Vital.SPO2, -4.0, -3.0) == "SpO₂ falling 4 % an hour limit 3"
    assert words("weight.gain", Vital.WEIGHT, 1.4, 1.0, within_h=72) == "Weight +1.4 kg ≥ 1 kg in 3 d"
    assert words("weight.loss", Vital.WEIGHT, -2.0, -2.0, within_h=168) == "Weight −2 kg ≥ 2 kg in 7 d"


def test_a_limit_has_its_sign() -> None:
    assert words("spo2.low", Vital.SPO2, 89.0, 92.0) == "SpO₂ 89 < 92 %"


CUFF = Device(7, "Arm cuff", 3, "Mill Lane 4", 0)


def technical(rule: str, source: int = 7, **detail: object) -> str:
    return plain(alarm(1, 1, rule=rule, source=source, category="technical", detail=detail), {7: CUFF})


def test_a_technical_alarm_names_its_device_or_gateway_and_the_reason() -> None:
    assert technical("spo2.no_value", reason="poor contact") == "Oxygen saturation: no usable value Arm cuff, poor contact"
    assert technical("clock_wrong", reason="set wrongly", off_s=7200) == "Device clock wrong Arm cuff, 2 h ahead"
    assert technical("clock_wrong", reason="time not known") == "Device clock wrong Arm cuff, time not known"
    assert technical("gateway_clock", 3, reason="set wrongly", off_s=-3600) == "Gateway clock wrong Mill Lane 4, 1 h behind"
    assert technical("gateway_offline", 3) == "Gateway silent Mill Lane 4"
    assert technical("news2_no_value", 0, reason="too old") == "NEWS2 cannot be assessed too old"
    assert technical("no_data") == "No data Arm cuff"
    assert technical("sensor_off", 8) == "Sensor off", "a device that is no longer worn"


def test_kinds_of_rule_files_say_what_they_compare() -> None:
    assert words("glucose.falling_fast", Vital.GLUCOSE, -2.4, 2.0) == "Gluc falling 2.4 mg/dL a minute limit 2"
    assert words("glucose.soon_low", Vital.GLUCOSE, 78.0, 55.0, ahead_min=20) == "Gluc 78 falling < 55 mg/dL in 20 min"
    shown = words("systolic.repeatedly_low", Vital.SYSTOLIC, 96.0, 100.0, times=2, of=3)
    assert shown == "SBP 96 repeatedly low < 100 mmHg, 2 of 3"
    assert words("weight.rising_for_days", Vital.WEIGHT, 0.3, 0.2) == "Weight rising 0.3 kg a day limit 0.2"


def test_an_alarm_says_whose_rule_it_is_where_it_is_not_the_installations() -> None:
    assert words("spo2.low", Vital.SPO2, 84.0, 86.0, set="programme copd") == "SpO₂ 84 < 86 %, programme copd"
    assert words("spo2.low", Vital.SPO2, 84.0, 86.0, set="patient") == "SpO₂ 84 < 86 %, own limit"
