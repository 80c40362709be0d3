"""The SQL of the ward: all patients in care of the chosen care teams."""

from __future__ import annotations

from typing import Final

from deploy.grafana.trend_query import ORIGIN, width_of
from devices.vitals import VITALS, Vital

TEAMS: Final = "SELECT DISTINCT care_team AS __text, team AS __value FROM grafana.patient ORDER BY 1"
WARD: Final = "SELECT p.patient FROM grafana.patient p WHERE p.in_care AND p.team::text IN (${team:sqlstring})"

SHOWN: Final = (
    Vital.HEART_RATE, Vital.PULSE_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE, Vital.SYSTOLIC, Vital.DIASTOLIC,
    Vital.TEMPERATURE,
)  # fmt: skip


def _columns() -> str:
    one = """max(value) FILTER (WHERE vital = {code} AND status = 0) AS "{short}",
  max(age_s) FILTER (WHERE vital = {code}) AS "{short} age\""""
    return ",\n  ".join(one.format(code=int(vital), short=VITALS[vital].short) for vital in SHOWN)


LATEST: Final = f"""\
WITH newest AS (
  SELECT DISTINCT ON (l.patient, l.vital) l.patient, l.vital, round(l.value::numeric, v.decimals) AS value, l.status,
    l.age_s
  FROM grafana.latest l JOIN grafana.vital v USING (vital)
  WHERE l.patient IN ({WARD})
  ORDER BY l.patient, l.vital, l.time DESC
)
SELECT p.patient AS "Patient",
  {_columns()}
FROM ({WARD}) AS p LEFT JOIN newest USING (patient)
GROUP BY p.patient
ORDER BY p.patient"""

_MINE: Final = f"(a.patient IN ({WARD}) OR a.partition IS NOT NULL)"
"""Alarms of the ward's patients, and of the pipeline, which is everybody's."""

OPEN_COUNT: Final = f"""\
SELECT count(*) FILTER (WHERE a.priority = 3) AS "High", count(*) FILTER (WHERE a.priority = 2) AS "Medium",
  count(*) FILTER (WHERE a.priority = 1) AS "Low", count(*) FILTER (WHERE a.life = 'unacknowledged') AS "Unacknowledged"
FROM grafana.alarm_open a
WHERE {_MINE}"""

OPEN_ALARMS: Final = f"""\
SELECT a.priority_name AS "Priority", a.patient AS "Patient", a.text AS "Alarm", a.age_s AS "Since",
  a.onsets AS "Onsets", a.life AS "Life", CASE WHEN a.active THEN 'present' ELSE 'over' END AS "Condition"
FROM grafana.alarm_open a
WHERE {_MINE}
ORDER BY a.priority DESC, a.onset
LIMIT 200"""

PATIENTS: Final = f"""SELECT count(*) AS "In care" FROM ({WARD}) AS p"""

BEHIND: Final = """\
SELECT max(behind_s) AS "Data behind by", count(*) FILTER (WHERE behind_s > 10) AS "Partitions behind" FROM grafana.ledger"""

SILENT_COUNT: Final = f"""\
SELECT count(*) FILTER (WHERE d.silent) AS "Silent", count(*) AS "Worn" FROM grafana.device d WHERE d.patient IN ({WARD})"""

SILENT: Final = f"""\
SELECT d.patient AS "Patient", d.device AS "Device", d.gateway AS "Gateway", d.measured_age_s AS "Measured ago",
  d.arrived_age_s AS "Arrived ago"
FROM grafana.device d
WHERE d.silent AND d.patient IN ({WARD})
ORDER BY d.measured_age_s DESC NULLS FIRST
LIMIT 200"""

REFUSED: Final = """\
SELECT kind AS "Kind", reason AS "Reason", count(*) AS "Records", count(*) FILTER (WHERE settled IS NULL) AS "Waiting",
  max(at) AS "Newest"
FROM grafana.refused
WHERE $__timeFilter(at)
GROUP BY kind, reason
ORDER BY 3 DESC
LIMIT 50"""

_DAY: Final = f"interval '1 day', {{time}}, {ORIGIN}"
PER_PATIENT_DAY: Final = f"""\
WITH hours AS (
  SELECT DISTINCT h.patient, h.time
  FROM grafana.latest l JOIN grafana.rollup_hour h USING (patient, vital, device)
  WHERE l.patient IN ({WARD}) AND h.n > 0
    AND h.time BETWEEN date_bin({_DAY.format(time="$__timeFrom()::timestamptz")}) AND $__timeTo()::timestamptz
), watched AS (
  SELECT date_bin({_DAY.format(time="time")}) AS time, count(*) / 24.0 AS days FROM hours GROUP BY 1
), raised AS (
  SELECT date_bin({_DAY.format(time="a.onset")}) AS time, a.priority, sum(a.onsets) AS onsets
  FROM grafana.alarm_history a
  WHERE a.patient IN ({WARD})
    AND a.onset BETWEEN date_bin({_DAY.format(time="$__timeFrom()::timestamptz")}) AND $__timeTo()::timestamptz
  GROUP BY 1, 2
)
SELECT w.time, p.metric, (coalesce(r.onsets, 0) / w.days)::float8 AS value
FROM watched w
CROSS JOIN (VALUES (3::int2, 'High'), (2::int2, 'Medium'), (1::int2, 'Low')) AS p (priority, metric)
LEFT JOIN raised r USING (time, priority)
ORDER BY w.time, p.priority"""

_BIN: Final = width_of(60_000)
DELAY: Final = f"""\
SELECT bin.time, percentile_cont(0.5) WITHIN GROUP (ORDER BY newest.delay_s) AS "Median",
  max(newest.delay_s) AS "Slowest patient"
FROM generate_series(date_bin({_BIN}, $__timeFrom()::timestamptz, {ORIGIN}),
  least($__timeTo()::timestamptz, now()), {_BIN}) AS bin (time)
CROSS JOIN ({WARD}) AS p
LEFT JOIN LATERAL (
  SELECT extract(epoch FROM r.arrived - r.time)::float8 AS delay_s
  FROM grafana.reading r
  WHERE r.patient = p.patient AND r.time >= bin.time AND r.time < bin.time + {_BIN}
  ORDER BY r.time DESC LIMIT 1
) AS newest ON true
GROUP BY bin.time
ORDER BY bin.time"""

_BY_MINUTE: Final = "$__interval_ms < 120000"
_BY_HOUR: Final = "$__interval_ms >= 120000"
"""The range, about a day, from which hours are read: the minutes of a whole ward are half a million rows a day."""


def _rate(view: str, meant: str, least_ms: int) -> str:
    width = width_of(least_ms)
    return f"""\
SELECT date_bin({width}, r.time, {ORIGIN}) AS time, sum(r.n) / extract(epoch FROM {width})::float8 AS "Usable",
  sum(r.poor) / extract(epoch FROM {width})::float8 AS "Poor"
FROM grafana.latest l JOIN grafana.{view} r USING (patient, vital, device)
WHERE {meant} AND l.patient IN ({WARD}) AND $__timeFilter(r.time)
GROUP BY 1
HAVING date_bin({width}, min(r.time), {ORIGIN}) + {width} <= now()"""


RATE: Final = f"""\
{_rate("rollup_minute", _BY_MINUTE, 60_000)}
UNION ALL
{_rate("rollup_hour", _BY_HOUR, 3_600_000)}
ORDER BY time"""
