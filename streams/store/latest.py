"""The newest of each series, a row a device: staged, then moved forward only.

docs/decisions/0102-latest-a-row-a-device.md says what that is worth.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import psycopg

from devices.wire.batch import PARTITIONS
from streams.engine.columns.arrays import Rows
from streams.store.copying import Columns, copy_blocks, timestamps


def stage_latest(tx: psycopg.Connection, rows: Rows) -> None:
    """COPY ``rows`` (LATEST [k], one a series) into ``stage_latest``: a block for each number of vitals a device has."""
    rows = rows[np.lexsort((rows["vital"], rows["device"], rows["patient"]))]
    begins = np.ones(len(rows), bool)
    begins[1:] = (rows["patient"][1:] != rows["patient"][:-1]) | (rows["device"][1:] != rows["device"][:-1])
    first = np.flatnonzero(begins)
    vitals = np.diff(np.append(first, len(rows)))
    alike = [rows[first[vitals == k][:, None] + np.arange(k)] for k in np.unique(vitals).tolist()]
    copy_blocks(tx, "stage_latest", [_columns(devices) for devices in alike])


def move_latest(tx: psycopg.Connection, lost: list[int]) -> None:
    """Move each series to its staged value, except of the ``lost`` partitions, and forward only: to a later one, or to one
    of the same time that is usable and greater.
    """
    tx.execute(_MOVE, [lost])


def _columns(devices: Rows) -> Columns:
    """``devices`` LATEST [n, k]: k series each."""
    patient = np.ascontiguousarray(devices["patient"][:, 0])
    time = devices["time"]
    return {
        "partition": patient % PARTITIONS,
        "patient": patient,
        "device": np.ascontiguousarray(devices["device"][:, 0]),
        "oldest": timestamps(time.min(1)),
        "newest": timestamps(time.max(1)),
        "vital": devices["vital"],
        "time": timestamps(time),
        "value": devices["value"],
        "status": devices["status"],
        "arrived": timestamps(devices["arrived"]),
    }


# A device that sends all its vitals each time, later than before, replaces the row; else they are compared one by one.
_MOVE: Final = b"""
MERGE INTO latest_of_device l USING (SELECT * FROM stage_latest WHERE partition <> ALL(%s)) s
ON l.patient = s.patient AND l.device = s.device
WHEN MATCHED AND s.oldest > l.newest AND s.vital = l.vital THEN UPDATE SET
    newest = s.newest, time = s.time, value = s.value, status = s.status, arrived = s.arrived
WHEN MATCHED THEN UPDATE SET (newest, vital, time, value, status, arrived) = (
    SELECT max(time), array_agg(vital ORDER BY vital), array_agg(time ORDER BY vital), array_agg(value ORDER BY vital),
        array_agg(status ORDER BY vital), array_agg(arrived ORDER BY vital)
    FROM (
        SELECT DISTINCT ON (vital) * FROM (
            SELECT 1, * FROM unnest(l.vital, l.time, l.value, l.status, l.arrived)
            UNION ALL SELECT 2, * FROM unnest(s.vital, s.time, s.value, s.status, s.arrived)
        ) AS said (nth, vital, time, value, status, arrived)
        ORDER BY vital, time DESC, status = 0 DESC, coalesce(nullif(value, 'NaN'), '-Infinity') DESC, nth
    ) AS newest)
WHEN NOT MATCHED THEN INSERT (patient, device, newest, vital, time, value, status, arrived)
    VALUES (s.patient, s.device, s.newest, s.vital, s.time, s.value, s.status, s.arrived)
"""
