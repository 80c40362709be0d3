"""Staging: temporary tables of a session that a round is copied into before any lock is taken."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import sql

from devices.vitals import VITALS

_VITALS: Final = [spec.column for spec in VITALS.values()]

_READING: Final = ", ".join(
    [
        "partition int4, patient int4, time timestamptz, device int4, epoch int8, sequence int8, arrived timestamptz",
        "at_offset int8, reading int4, clock int2",
        *(f"{column} real" for column in _VITALS),
        *(f"{column}_status int2" for column in _VITALS),
    ]
)
_SERIES: Final = "partition int4, patient int4, vital int2, device int4, time timestamptz"
_TABLES: Final = {
    "stage_reading": _READING,
    "stage_rollup": f"{_SERIES}, n int4, mean float8, min real, max real, first real, last real, std float8, slope float8, "
    "poor int4, changed_offset int8",
    "stage_event": "partition int4, patient int4, time timestamptz, device int4, epoch int8, sequence int8, gateway int4, "
    "kind text, value jsonb, arrived timestamptz, at_offset int8",
    "stage_late": f"{_SERIES}, before_offset int8, piece int4",
    "stage_latest": "partition int4, patient int4, device int4, oldest timestamptz, newest timestamptz, vital int2[], "
    "time timestamptz[], value real[], status int2[], arrived timestamptz[]",
}


def prepare(db: psycopg.Connection) -> None:
    """Make the staging tables of this session (once a connection, outside a round's transaction).

    What a round joins is staged, small and never analyzed, against a large table by its key: the planner is left no other
    way, else it may read the whole table to hash it.
    """
    db.execute("SET enable_hashjoin = off")
    db.execute("SET enable_mergejoin = off")
    for table, columns in _TABLES.items():
        statement = f"CREATE TEMP TABLE IF NOT EXISTS {table} ({columns}) ON COMMIT DELETE ROWS"
        db.execute(sql.SQL(statement))
