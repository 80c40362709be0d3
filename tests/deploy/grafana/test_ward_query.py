from __future__ import annotations

from datetime import timedelta

import pytest

from deploy.grafana import ward_query as query
from tests.deploy.grafana.conftest import Ward
from tests.deploy.grafana.expand import Range
from tests.deploy.grafana.seed import NEIGHBOUR, PATIENT

pytestmark = pytest.mark.stack
NORTH = {"team": ["1"]}


def test_teams_are_offered_by_name(ward: Ward) -> None:
    assert ward.rows(query.TEAMS) == [{"__text": "North", "__value": 1}, {"__text": "South", "__value": 2}]


def test_each_patient_in_care_has_a_row_with_the_age_beside_the_value(ward: Ward) -> None:
    first, second = ward.rows(query.LATEST)
    assert (first["Patient"], second["Patient"]) == (PATIENT, NEIGHBOUR)
    assert (first["SpO₂"], first["PR"], first["SBP"], first["DBP"]) == (97, 70, 121, 79)
    assert first["SpO₂ age"] > 3600
    assert second["SpO₂"] == 95
    assert 9 < second["SpO₂ age"] < 60
    assert second["RR"] is None  # its newest is unusable
    assert second["RR age"] is not None
    assert second["HR age"] is None
    assert [row["Patient"] for row in ward.rows(query.LATEST, chosen=NORTH)] == [PATIENT]


def test_open_alarms_are_counted_by_priority_with_those_of_the_pipeline(ward: Ward) -> None:
    assert ward.rows(query.OPEN_COUNT) == [{"High": 2, "Medium": 2, "Low": 0, "Unacknowledged": 3}]
    assert ward.rows(query.OPEN_COUNT, chosen=NORTH) == [{"High": 1, "Medium": 2, "Low": 0, "Unacknowledged": 2}]
    listed = ward.rows(query.OPEN_ALARMS, chosen=NORTH)
    assert [row["Alarm"] for row in listed] == ["pipeline stopped", "no data", "Oxygen saturation low 87 (limit 88)"]
    assert listed[0]["Patient"] is None


def test_the_pipeline_is_as_old_as_its_oldest_partition(ward: Ward) -> None:
    (row,) = ward.rows(query.BEHIND)
    assert 45 <= row["Data behind by"] < 100
    assert row["Partitions behind"] in (1, 2)  # 2 where this machine stood still for 7 s


def test_silent_devices_are_counted_and_listed(ward: Ward) -> None:
    assert ward.rows(query.SILENT_COUNT, chosen=NORTH) == [{"Silent": 2, "Worn": 3}]
    assert [row["Device"] for row in ward.rows(query.SILENT, chosen=NORTH)] == [9, 7]
    assert ward.rows(query.PATIENTS) == [{"In care": 2}]


def test_alarms_are_counted_per_day_that_a_patient_was_watched(ward: Ward) -> None:
    whole = Range(ward.start - timedelta(days=2), ward.end)
    rows = ward.rows(query.PER_PATIENT_DAY, shown=whole, chosen=NORTH)
    watched_days = {row["time"] for row in rows}
    hours = 2 / 24  # two hours of one patient with values
    if len(watched_days) == 1:  # else midnight lay between
        by_priority = {row["metric"]: row["value"] for row in rows}
        assert by_priority == pytest.approx({"High": 1 / hours, "Medium": 2 / hours, "Low": 0})
    total = sum(row["value"] for row in rows if row["metric"] != "Low")
    assert total == pytest.approx(3 / hours) or len(watched_days) == 2


def test_the_delay_is_from_measured_to_arrived_and_a_hole_is_empty(ward: Ward) -> None:
    rows = ward.rows(query.DELAY, points=60, chosen=NORTH)
    by_minute = {(row["time"] - ward.start) // timedelta(minutes=1): row for row in rows}
    assert by_minute[30]["Median"] == pytest.approx(2)
    assert by_minute[30]["Slowest patient"] == pytest.approx(2)
    assert by_minute[70]["Median"] is None


def test_samples_a_second_count_usable_and_poor_seconds(ward: Ward) -> None:
    by_minute = {(row["time"] - ward.start) // timedelta(minutes=1): row for row in ward.rows(query.RATE, points=900)}
    assert by_minute[30]["Usable"] == pytest.approx(2)  # pulse and saturation at 1 Hz
    assert (by_minute[20]["Usable"], by_minute[20]["Poor"]) == (pytest.approx(1), pytest.approx(1))
    assert 65 not in by_minute
    long = Range(ward.end - timedelta(days=60), ward.end)
    assert max(row["Usable"] for row in ward.rows(query.RATE, shown=long, points=900)) > 0.5


def test_refused_records_are_counted_by_reason(ward: Ward) -> None:
    rows = {row["Reason"]: (row["Kind"], row["Records"], row["Waiting"]) for row in ward.rows(query.REFUSED)}
    assert rows == {
        "sender not enrolled": ("rejected", 2, 2),
        "cannot be opened": ("rejected", 1, 1),
        "measured before the enrolment": ("quarantined", 1, 1),
    }
