"""Hours from minutes, and raw rows whose time is over: what is done once in a while, beside the rounds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import psycopg

_LOCK: Final = 0x7669_6769_6C68  # "vigilh": one at a time

# Each figure but the slope follows exactly from the minutes' figures; a slope would need what they no longer hold.
_COMPLETE: Final = b"""
INSERT INTO rollup_hour AS h (patient, vital, device, time, n, mean, min, max, first, last, std, slope, poor, changed_offset)
SELECT patient, vital, device, hour, n, mean, min, max, first, last,
       CASE WHEN n > 1 THEN sqrt(greatest(squares - n * mean * mean, 0) / (n - 1)) END, NULL, poor, changed_offset
FROM (
    SELECT patient, vital, device, date_bin('1 hour', time, '2000-01-01 00:00+00') AS hour,
           sum(n)::int AS n, sum(n * mean) / nullif(sum(n), 0) AS mean, min(min) AS min, max(max) AS max,
           (array_agg(first ORDER BY time) FILTER (WHERE n > 0))[1] AS first,
           (array_agg(last ORDER BY time DESC) FILTER (WHERE n > 0))[1] AS last,
           sum((n - 1) * coalesce(std, 0) ^ 2 + n * mean ^ 2) AS squares,
           sum(poor)::int AS poor, max(changed_offset) AS changed_offset
    FROM rollup_minute
    WHERE time >= %(since)s AND time < %(until)s
    GROUP BY patient, vital, device, hour
) m
ON CONFLICT (patient, vital, device, time) DO UPDATE SET
    (n, mean, min, max, first, last, std, slope, poor, changed_offset) = (excluded.n, excluded.mean, excluded.min,
     excluded.max, excluded.first, excluded.last, excluded.std, excluded.slope, excluded.poor, excluded.changed_offset)
WHERE h.changed_offset < excluded.changed_offset
"""


def complete_hours(db: psycopg.Connection[Any], since: datetime, until: datetime) -> int:
    """Write the hours of [``since``, ``until``), whole hours, whose minutes changed after they were last written.

    Returns how many; 0 as well while another process is at it.
    """
    with db.transaction():
        if not _alone(db):
            return 0
        return db.execute(_COMPLETE, {"since": since, "until": until}).rowcount


def drop_raw(db: psycopg.Connection[Any], before: datetime) -> int:
    """Delete readings and events measured before ``before``; rollups stay.  Returns the rows or chunks that went."""
    with db.transaction():
        if not _alone(db):
            return 0
        gone = 0
        hyper = db.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
        for table in ("reading", "event"):
            if hyper:
                gone += len(db.execute(f"SELECT drop_chunks('{table}', %s)".encode(), [before]).fetchall())
            gone += db.execute(f"DELETE FROM {table} WHERE time < %s".encode(), [before]).rowcount
        return gone


def _alone(db: psycopg.Connection[Any]) -> bool:
    row = db.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK]).fetchone()
    return bool(row and row[0])
