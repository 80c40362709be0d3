from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from deploy.grafana.trend_query import trend_sql
from devices.vitals import Vital
from tests.deploy.grafana.conftest import Ward
from tests.deploy.grafana.expand import Chosen, Range, expand
from tests.deploy.grafana.seed import PATIENT

pytestmark = pytest.mark.stack
MEAN = "SpO₂ (device 7)"


def series(rows: list[dict[str, Any]], metric: str) -> dict[datetime, float | None]:
    return {row["time"]: row["Value"] for row in rows if row["metric"] == metric}


@pytest.mark.parametrize(("resolution", "points"), [("raw", 900), ("minute", 900), ("raw", 120), ("minute", 24)])
def test_a_moment_that_a_mean_would_hide_is_seen_in_the_lowest(resolution: str, points: int, ward: Ward) -> None:
    rows = ward.rows(trend_sql([Vital.SPO2]), points=points, chosen={"resolution": resolution})
    lowest = series(rows, "SpO₂ lowest")
    fallen = [at for at, value in lowest.items() if value == 80]
    assert len(fallen) == 1
    moment = ward.start + timedelta(seconds=630)
    width = timedelta(milliseconds=Range(ward.start, ward.end).interval_ms(points))
    assert fallen[0] <= moment < fallen[0] + max(width, timedelta(minutes=1) if resolution == "minute" else width)
    assert min(value for value in series(rows, MEAN).values() if value is not None) > 80
    assert 40 not in lowest.values()  # an artefact is no value


def test_seconds_are_told_as_stored(ward: Ward) -> None:
    shown = Range(ward.start + timedelta(minutes=10), ward.start + timedelta(minutes=11))
    mean = series(ward.rows(trend_sql([Vital.SPO2]), shown=shown, points=900), MEAN)
    assert len(mean) == 61
    assert {at for at, value in mean.items() if value != 97} == {ward.start + timedelta(seconds=630)}
    assert mean[ward.start + timedelta(seconds=630)] == 80


@pytest.mark.parametrize("resolution", ["raw", "minute"])
def test_a_hole_stays_a_hole_and_one_bad_minute_is_none(resolution: str, ward: Ward) -> None:
    mean = series(ward.rows(trend_sql([Vital.SPO2]), points=900, chosen={"resolution": resolution}), MEAN)
    holes = [at for at, value in mean.items() if value is None]
    assert len(holes) == 1  # minutes 60 to 79, not the artefacts of minute 20
    assert ward.start + timedelta(minutes=59) < holes[0] <= ward.start + timedelta(minutes=60, seconds=10)
    inside = [at for at in mean if ward.start + timedelta(minutes=61) < at < ward.start + timedelta(minutes=80)]
    assert inside == []


def test_limits_are_steps_that_change_when_they_took_effect(ward: Ward) -> None:
    rows = ward.rows(trend_sql([Vital.SPO2]), points=900)
    changed, just_before = ward.start + timedelta(minutes=90), timedelta(milliseconds=1)
    assert series(rows, "SpO₂ limit low, high") == {
        ward.start: 90, changed - just_before: 90, changed: 85, ward.end - just_before: 85,
    }  # fmt: skip
    assert series(rows, "SpO₂ limit low, medium")[changed] == 88


@pytest.mark.parametrize(("hours", "step"), [(2, 10), (24, 120), (24 * 30, 3600)])
def test_the_source_follows_the_width_of_a_point(hours: int, step: int, ward: Ward) -> None:
    shown = Range(ward.end - timedelta(hours=hours), ward.end)
    pulse = series(ward.rows(trend_sql([Vital.PULSE_RATE]), points=900, shown=shown), "PR (device 7)")
    drawn = {at for at, value in pulse.items() if value is not None}
    assert {at.timestamp() % step for at in drawn} == {0}
    assert len(drawn) == 7200 // step - (1200 // step)  # the hole is 20 minutes; an hour hides it
    assert {pulse[at] for at in drawn} == {70}


@pytest.mark.parametrize(("resolution", "table"), [("raw", "reading"), ("minute", "rollup_minute"), ("hour", "rollup_hour")])
def test_a_trend_reads_one_source_by_its_index(resolution: str, table: str, ward: Ward) -> None:
    chosen: Chosen = {"patient": str(PATIENT), "team": ["1"], "resolution": resolution}
    sent = expand(trend_sql([Vital.SPO2]), Range(ward.start, ward.end), chosen, points=900)
    with ward.owner.transaction(force_rollback=True):
        crowd(ward)
        ((plan,),) = ward.owner.execute(f"EXPLAIN (FORMAT json, VERBOSE) {sent}").fetchall()
        chunks = chunks_of(ward)
    read = [(chunks.get(node["Relation Name"], node["Relation Name"]), node) for node in nodes(plan[0]["Plan"])]
    big = [(name, node) for name, node in read if name in ("reading", "rollup_minute", "rollup_hour")]
    assert {name for name, _ in big} == {table}
    # after midnight there are two chunks, and one of a few pages is read whole
    conditions = [one for _, node in big if (one := node.get("Index Cond") or node.get("Recheck Cond"))]
    assert conditions
    assert all("patient" in one and "time" in one for one in conditions), conditions


def crowd(ward: Ward) -> None:
    """A hundred more patients, so that the planner has reason to look for one."""
    ward.owner.execute(
        """
        INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, spo2)
        SELECT p, %(start)s + s * interval '10 seconds', p, 1, s, %(start)s, s, 97
        FROM generate_series(1001, 1100) p, generate_series(0, 400) s""",
        {"start": ward.start},
    )
    for view, unit in (("rollup_minute", "minute"), ("rollup_hour", "hour")):
        ward.owner.execute(
            f"""
            INSERT INTO {view} (patient, vital, device, time, n, mean, min, max, first, last, poor, changed_offset)
            SELECT p, 3, p, date_trunc('{unit}', %(start)s) - s * interval '1 {unit}', 60, 97, 97, 97, 97, 97, 0, 1
            FROM generate_series(1001, 1100) p, generate_series(0, 400) s""",
            {"start": ward.start},
        )
        ward.owner.execute(f"ANALYZE {view}")
    ward.owner.execute("ANALYZE reading")


def chunks_of(ward: Ward) -> dict[str, str]:
    """The hypertable of each chunk; nothing on plain PostgreSQL."""
    if ward.owner.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        return {}
    return dict(ward.owner.execute("SELECT chunk_name, hypertable_name FROM timescaledb_information.chunks").fetchall())


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The scans of a plan, at any depth."""
    below = [found for child in plan.get("Plans", []) for found in nodes(child)]
    return [plan, *below] if "Relation Name" in plan else below
