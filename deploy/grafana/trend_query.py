"""The SQL of one trend: values in bins from raw readings, minutes or hours, what their lowest and highest hid, and limits.

Only date_bin and intervals of seconds: the same text runs on plain PostgreSQL and on TimescaleDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.vitals import VITALS, Vital

ORIGIN: Final = "timestamptz '2000-01-01 00:00+00'"
PATIENT: Final = "nullif(${patient:sqlstring}, '')::int4"
"""The chosen patient; NULL, and so no row, where there is none to choose.  Quoted: the address bar can say anything."""

RAW: Final = "('$resolution' = 'raw' OR '$resolution' = 'auto' AND $__interval_ms < 60000)"
MINUTE: Final = "('$resolution' = 'minute' OR '$resolution' = 'auto' AND $__interval_ms BETWEEN 60000 AND 1799999)"
HOUR: Final = "('$resolution' = 'hour' OR '$resolution' = 'auto' AND $__interval_ms >= 1800000)"
"""Constant once Grafana has filled them in: the planner drops the two branches that are not meant."""


def width_of(least_ms: int) -> str:
    """The width of a bin: what Grafana draws as one point, but at least that of the source."""
    return f"make_interval(secs => greatest($__interval_ms, {least_ms}) / 1000.0)"


def trend_sql(vitals: Sequence[Vital]) -> str:
    """Rows of (time, metric, "Value") for these vitals of the chosen patient, by time.

    Metrics: ``<short> (device n)`` mean of a bin; ``<short> lowest`` and ``<short> highest`` over all devices;
    ``<short> limit <side>, <priority>`` in steps as limits took effect.  A hole longer than three bins, and than 5 min for
    a continuous vital or its validity for another, is a row with NULL.
    """
    codes = ", ".join(str(int(vital)) for vital in vitals)
    hole_s = min(300 if VITALS[vital].continuous else VITALS[vital].validity_s for vital in vitals)
    return f"""\
WITH binned AS (
  SELECT date_bin({width_of(1000)}, s.time, {ORIGIN}) AS time, {width_of(1000)} AS width, s.vital, s.device,
    avg(s.value) AS mean, min(s.value) AS lowest, max(s.value) AS highest
  FROM grafana.sample s
  WHERE {RAW} AND s.patient = {PATIENT} AND s.vital IN ({codes}) AND s.status = 0 AND $__timeFilter(s.time)
  GROUP BY 1, 3, 4
  UNION ALL
{_rollup_sql("rollup_minute", MINUTE, 60_000, codes)}
  UNION ALL
{_rollup_sql("rollup_hour", HOUR, 3_600_000, codes)}
), line AS (
  SELECT time, width, v.short || ' (device ' || device || ')' AS metric, mean AS value,
    lead(time) OVER (PARTITION BY vital, device ORDER BY time) AS next
  FROM binned JOIN grafana.vital v USING (vital)
), spread AS (
  SELECT time, width, v.short, min(lowest) AS lowest, max(highest) AS highest,
    lead(time) OVER (PARTITION BY v.short ORDER BY time) AS next
  FROM binned JOIN grafana.vital v USING (vital)
  GROUP BY time, width, v.short
), drawn AS (
  SELECT time, width, next, metric, value FROM line
  UNION ALL
  SELECT time, width, next, short || ' lowest', lowest FROM spread
  UNION ALL
  SELECT time, width, next, short || ' highest', highest FROM spread
), allowed AS (
  SELECT v.short || ' limit ' || l.side || ', ' || CASE l.priority WHEN 3 THEN 'high' ELSE 'medium' END AS metric,
    l.limit_value, greatest(l.since, $__timeFrom()::timestamptz) AS since,
    least(coalesce(l.until, $__timeTo()::timestamptz), $__timeTo()::timestamptz) AS until
  FROM grafana.limits l JOIN grafana.vital v USING (vital)
  WHERE l.patient = {PATIENT} AND l.vital IN ({codes})
)
SELECT time, metric, value AS "Value" FROM drawn
UNION ALL
SELECT time + width, metric, NULL FROM drawn WHERE next - time > greatest(interval '{hole_s} seconds', 3 * width)
UNION ALL
SELECT since, metric, limit_value FROM allowed WHERE since < until
UNION ALL
SELECT until - interval '1 millisecond', metric, limit_value FROM allowed WHERE since < until
ORDER BY time"""


def _rollup_sql(view: str, meant: str, least_ms: int, codes: str) -> str:
    width = width_of(least_ms)
    return f"""\
  SELECT date_bin({width}, r.time, {ORIGIN}), {width}, r.vital, r.device,
    sum(r.mean * r.n) / sum(r.n), min(r.min), max(r.max)
  FROM grafana.{view} r
  WHERE {meant} AND r.patient = {PATIENT} AND r.vital IN ({codes}) AND r.n > 0 AND $__timeFilter(r.time)
  GROUP BY 1, 3, 4"""
