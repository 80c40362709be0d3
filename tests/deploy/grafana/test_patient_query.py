from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.grafana import patient_query as query
from deploy.grafana.patient import PATIENT
from tests.deploy.grafana.conftest import Ward
from tests.deploy.grafana.expand import Range

ANNOTATIONS = [one["target"]["rawSql"] for one in PATIENT["annotations"]["list"]]
pytestmark = pytest.mark.stack


def test_patients_are_offered_by_number_those_in_care_first(ward: Ward) -> None:
    assert ward.rows(query.PATIENTS) == [
        {"__text": "Patient 65", "__value": 65},
        {"__text": "Patient 130", "__value": 130},
        {"__text": "Patient 193", "__value": 193},
    ]


def test_alarms_are_marked_where_they_were_each_in_one_colour(ward: Ward) -> None:
    high, medium, technical = (ward.rows(sql) for sql in ANNOTATIONS)
    at = [ward.start + timedelta(minutes=minute) for minute in (10, 11, 100, 30)]
    assert high == [
        {"time": at[0], "timeend": at[1], "text": "Oxygen saturation low 80 (limit 90)", "tags": "high,spo2.low,closed"}
    ]
    assert [(one["time"], one["timeend"], one["tags"]) for one in medium] == [
        (at[2], ward.end, "medium,spo2.low,acknowledged")  # goes on: to the end of what is shown
    ]
    assert [(one["time"], one["text"]) for one in technical] == [(at[3], "no data")]
    early = Range(ward.start, ward.start + timedelta(minutes=5))
    assert [ward.rows(sql, shown=early) for sql in ANNOTATIONS] == [[], [], []]


def test_coverage_falls_to_nothing_in_a_hole_and_poor_values_are_told_apart(ward: Ward) -> None:
    rows = ward.rows(query.COVERAGE, points=300)
    of = {(row["time"], row["metric"]): row["value"] for row in rows}

    def share(minute: int, metric: str) -> float | None:
        value: float | None = of[ward.start + timedelta(minutes=minute), metric]
        return value

    assert share(0, "SpO₂ covered") == share(10, "PR covered") == 1
    assert share(60, "SpO₂ covered") == share(70, "PR covered") == 0
    assert share(60, "SpO₂ poor") is None
    assert share(20, "SpO₂ covered") == pytest.approx(0.9)
    assert share(20, "SpO₂ poor") == pytest.approx(0.1)
    assert share(20, "PR poor") == 0
    assert not any(metric.startswith("SBP") for _, metric in of)  # nobody is expected to measure that all the time


def test_the_latest_value_tells_measured_from_arrived(ward: Ward) -> None:
    rows = {row["Vital"]: row for row in ward.rows(query.LATEST)}
    pressure = rows["Systolic pressure"]
    assert (pressure["Value"], pressure["Unit"], pressure["State"]) == (121, "mm[Hg]", "valid")
    assert pressure["Measured ago"] - pressure["Arrived ago"] == pytest.approx(3600)
    assert rows["Oxygen saturation"]["State"] == "too old"
    assert float(rows["Temperature"]["Value"]) == 36.8


def test_events_are_told_in_words_and_heartbeats_are_left_out(ward: Ward) -> None:
    assert [row["Event"] for row in ward.rows(query.EVENTS)] == [
        "clock off by -2500 ms", "battery 15 %", "on the body", "connection lost",
    ]  # fmt: skip


def test_open_alarms_and_devices_are_this_patients(ward: Ward) -> None:
    assert [(row["Alarm"], row["Life"]) for row in ward.rows(query.OPEN_ALARMS)] == [
        ("no data", "unacknowledged"),
        ("Oxygen saturation low 87 (limit 88)", "acknowledged"),
    ]
    assert {row["Device"]: row["State"] for row in ward.rows(query.DEVICES)} == {7: "silent", 8: "speaks", 9: "silent"}
