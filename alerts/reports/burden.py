"""The burden of alarms on people in a period: calls, answers and outcomes by care team and rule."""

from __future__ import annotations

from typing import Any, Final

from psycopg.rows import dict_row

from alerts.database import Tx
from alerts.reports.period import Period

_SHORT_S: Final = 30
_SEEN: Final = """
WITH seen AS (
    SELECT a.alarm, a.rule, a.priority, a.outcome, a.subject, p.team, a.limit_value,
        extract(epoch FROM a.ended - a.onset) AS lasted,
        (SELECT count(*) FROM notification n WHERE n.alarm = a.alarm AND n.sent IS NOT NULL) AS calls,
        (SELECT extract(epoch FROM min(e.at) - a.onset) / 60 FROM alarm_event e
         WHERE e.alarm = a.alarm AND e.kind = 'acknowledge' AND e.at >= a.onset) AS minutes
    FROM alarm a JOIN patient p ON p.patient = a.subject
    WHERE a.subject_kind = 'patient' AND a.onset >= %(start)s AND a.onset < %(end)s
      AND (%(team)s::int4 IS NULL OR p.team = %(team)s))
"""
_FIGURES: Final = f"""
count(*) AS alarms, sum(calls)::int8 AS calls, count(minutes) AS acknowledged,
round(percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes)::numeric, 1)::float8 AS median_min,
round(percentile_cont(0.9) WITHIN GROUP (ORDER BY minutes)::numeric, 1)::float8 AS p90_min,
count(*) FILTER (WHERE lasted < {_SHORT_S}) AS under_{_SHORT_S}_s,
count(*) FILTER (WHERE outcome = 'false_alarm') AS false_alarms"""
_BY_RULE: Final = f"""{_SEEN}
SELECT team, rule, CASE max(priority) WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS highest, {_FIGURES}
FROM seen GROUP BY team, rule ORDER BY calls DESC NULLS LAST, alarms DESC, team, rule"""
_FALSE: Final = f"""{_SEEN}
SELECT subject AS patient, team, rule, limit_value AS "limit", {_FIGURES}
FROM seen GROUP BY subject, team, rule, limit_value
HAVING count(*) FILTER (WHERE outcome = 'false_alarm' OR lasted < {_SHORT_S}) > 0
ORDER BY false_alarms DESC, under_{_SHORT_S}_s DESC, alarms DESC, patient, rule LIMIT 50"""


def burden(tx: Tx, period: Period, team: int | None = None) -> list[dict[str, Any]]:
    """A record for each care team and rule, the most calls first: alarms that began in the period, calls sent for them,
    how many were acknowledged, minutes from onset to that, how many lasted less than 30 s, how many were false.
    """
    return _records(tx, _BY_RULE, period, team)


def false_alarms(tx: Tx, period: Period, team: int | None = None) -> list[dict[str, Any]]:
    """The review of the week: which limit of which patient made alarms that were false or shorter than 30 s, 50 at most."""
    return _records(tx, _FALSE, period, team)


def _records(tx: Tx, query: str, period: Period, team: int | None) -> list[dict[str, Any]]:
    values = {"start": period.start, "end": period.end, "team": team}
    return tx.cursor(row_factory=dict_row).execute(query.encode(), values).fetchall()
