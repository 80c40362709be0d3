"""The SQL of one patient's dashboard, beside its trends."""

from __future__ import annotations

from typing import Final

from deploy.grafana.trend_query import ORIGIN, PATIENT, width_of

PATIENTS: Final = """\
SELECT 'Patient ' || patient AS __text, patient AS __value FROM grafana.patient ORDER BY in_care DESC, patient"""

LATEST: Final = f"""\
SELECT v.label AS "Vital", round(l.value::numeric, v.decimals) AS "Value", v.unit AS "Unit", l.device AS "Device",
  l.age_s AS "Measured ago", l.arrived_age_s AS "Arrived ago",
  CASE WHEN l.valid THEN 'valid' WHEN l.status <> 0 THEN 'unusable' ELSE 'too old' END AS "State"
FROM grafana.latest l JOIN grafana.vital v USING (vital)
WHERE l.patient = {PATIENT}
ORDER BY l.vital, l.device"""

OPEN_ALARMS: Final = f"""\
SELECT priority_name AS "Priority", text AS "Alarm", age_s AS "Since", onsets AS "Onsets", life AS "Life",
  CASE WHEN active THEN 'present' ELSE 'over' END AS "Condition"
FROM grafana.alarm_open
WHERE patient = {PATIENT}
ORDER BY priority DESC, onset"""

DEVICES: Final = f"""\
SELECT device AS "Device", gateway AS "Gateway", measured_age_s AS "Measured ago", arrived_age_s AS "Arrived ago",
  CASE WHEN silent THEN 'silent' ELSE 'speaks' END AS "State"
FROM grafana.device
WHERE patient = {PATIENT}
ORDER BY silent DESC, device"""

EVENTS: Final = f"""\
SELECT time AS "Time", device AS "Device", gateway AS "Gateway",
  CASE kind
    WHEN 'link' THEN CASE WHEN link_up THEN 'connected' ELSE 'connection lost' END
    WHEN 'contact' THEN CASE WHEN contact_on THEN 'on the body' ELSE 'off the body' END
    WHEN 'battery' THEN 'battery ' || battery_percent || ' %'
    WHEN 'clock' THEN 'clock off by ' || clock_offset_ms || ' ms'
    ELSE kind
  END AS "Event"
FROM grafana.device_event
WHERE patient = {PATIENT} AND $__timeFilter(time) AND kind <> 'heartbeat'
ORDER BY time DESC
LIMIT 200"""

_BIN: Final = width_of(600_000)
COVERAGE: Final = f"""\
WITH minutes AS (
  SELECT date_bin({_BIN}, r.time, {ORIGIN}) AS time, r.vital, count(DISTINCT r.time) FILTER (WHERE r.n > 0) AS covered,
    sum(r.poor)::float8 / nullif(sum(r.n + r.poor), 0) AS poor
  FROM grafana.rollup_minute r
  WHERE r.patient = {PATIENT} AND $__timeFilter(r.time)
  GROUP BY 1, 2
), worn AS (
  SELECT DISTINCT v.vital, v.short FROM grafana.latest l JOIN grafana.vital v USING (vital)
  WHERE l.patient = {PATIENT} AND v.continuous
), bins AS (
  SELECT time, extract(epoch FROM least(time + {_BIN}, $__timeTo()::timestamptz, now())
    - greatest(time, $__timeFrom()::timestamptz)) / 60 AS minutes
  FROM generate_series(date_bin({_BIN}, $__timeFrom()::timestamptz, {ORIGIN}),
    least($__timeTo()::timestamptz, now()), {_BIN}) AS time
)
SELECT b.time, w.short || m.kind AS metric, m.share AS value
FROM bins b CROSS JOIN worn w LEFT JOIN minutes USING (time, vital)
CROSS JOIN LATERAL (VALUES
  (' covered', least(coalesce(covered, 0) / nullif(b.minutes, 0), 1.0)::float8),
  (' poor', minutes.poor)) AS m (kind, share)
WHERE b.minutes >= 1
ORDER BY b.time, metric"""


def annotations_sql(which: str) -> str:
    """Alarms of the chosen patient that touch the shown time, newest first; ``which`` narrows them."""
    return f"""\
SELECT onset AS time, coalesce(ended, closed, least(now(), $__timeTo()::timestamptz)) AS timeend, text,
  concat_ws(',', priority_name, rule, life) AS tags
FROM grafana.alarm_history
WHERE patient = {PATIENT} AND {which} AND onset <= $__timeTo()::timestamptz
  AND coalesce(ended, closed, 'infinity') >= $__timeFrom()::timestamptz
ORDER BY onset DESC
LIMIT 500"""
