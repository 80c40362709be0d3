"""Newest values as tests want them: ``latest`` shows them a row a series, the database keeps a row a device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg


def put_latest(tx: psycopg.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert (patient, vital, device, time, value or None, status, arrived), all of a device at once."""
    patient, vital, device, time, value, status, arrived = map(list, zip(*rows, strict=True))
    value = [None if one is None else float(one) for one in value]
    tx.execute(
        "INSERT INTO latest_of_device SELECT p, d, max(t), array_agg(v ORDER BY v), array_agg(t ORDER BY v), "
        "array_agg(coalesce(x, 'NaN') ORDER BY v), array_agg(s ORDER BY v), array_agg(a ORDER BY v) "
        "FROM unnest(%s::int4[], %s::int2[], %s::int4[], %s::timestamptz[], %s::real[], %s::int2[], %s::timestamptz[]) "
        "AS said (p, v, d, t, x, s, a) GROUP BY p, d",
        [patient, vital, device, time, value, status, arrived],
    )


def set_latest(
    tx: psycopg.Connection, where: str, *, time: str = "time", value: str = "value", arrived: str = "arrived"
) -> None:
    """Set columns of the series that fulfil ``where``; all are SQL on the columns of ``latest``."""
    tx.execute(
        f"""UPDATE latest_of_device SET (newest, time, value, arrived) = (
            SELECT max(t), array_agg(t ORDER BY vital), array_agg(x ORDER BY vital), array_agg(a ORDER BY vital) FROM (
                SELECT vital, CASE WHEN {where} THEN {time} ELSE time END AS t,
                    CASE WHEN {where} THEN {value} ELSE value END AS x,
                    CASE WHEN {where} THEN {arrived} ELSE arrived END AS a
                FROM (SELECT patient, device, s.* FROM unnest(
                    latest_of_device.vital, latest_of_device.time, latest_of_device.value, latest_of_device.status,
                    latest_of_device.arrived) AS s (vital, time, value, status, arrived)) AS series) AS moved)""".encode()
    )
