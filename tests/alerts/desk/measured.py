"""A day of measurements of one invented patient: readings, minute rollups, newest values, battery and link."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from devices.vitals import Vital
from tests.alerts.desk.invented import Invented
from tests.latest import put_latest

HR, SPO2, RR, TEMP = Vital.HEART_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE, Vital.TEMPERATURE
SYS, DIA = Vital.SYSTOLIC, Vital.DIASTOLIC


def measure(
    tx: psycopg.Connection,
    rng: np.random.Generator,
    devices: tuple[int, int, int],
    gateway: int,
    patient: int,
    who: Invented,
    now: datetime,
    hours: int,
) -> None:
    patch, oximeter, cuff = devices
    end = now - timedelta(minutes=who.silent_min) if who.silent_min else now
    first = int((now - timedelta(hours=hours)).timestamp()) // 60
    minutes = np.arange(first, int(end.timestamp()) // 60)
    rows: list[tuple[Any, ...]] = []
    raw_from = int((now - timedelta(hours=1)).timestamp())
    seconds = np.arange(raw_from, int(end.timestamp()), 2)
    raw: dict[int, np.ndarray] = {}
    for vital, device, k, wobble in (
        (HR, patch, 0, 2.0),
        (SPO2, oximeter, 1, 0.5),
        (RR, patch, 2, 0.8),
        (TEMP, patch, 5, 0.05),
    ):
        curve = _curve(rng, minutes * 60.0, now.timestamp(), who, k, wobble)
        keep = np.ones(len(minutes), bool)
        if who.family == "Exampleton" and vital != TEMP:  # a gap with poor signal before it
            back = (now.timestamp() - minutes * 60) / 60
            keep = (back < 190) | (back > 220)
        if vital == TEMP:
            keep = minutes % 30 == 7
        for minute, value in zip(minutes[keep], curve[keep], strict=True):
            poor = (
                40
                if who.family == "Exampleton" and 220 < (now.timestamp() - minute * 60) / 60 < 235 and vital != TEMP
                else 0
            )
            low, high = value - wobble / 2, value + wobble / 2
            rows.append(
                (
                    patient,
                    int(vital),
                    device,
                    datetime.fromtimestamp(int(minute) * 60, UTC),
                    60 - poor,
                    value,
                    low,
                    high,
                    value,
                    value,
                    wobble / 3,
                    0.0,
                    poor,
                    1,
                )
            )
        raw[vital] = _curve(rng, seconds.astype(float), now.timestamp(), who, k, wobble)
    cuffs = [t for t in (310, 225, 140, 51) if t < hours * 60]
    for ago in cuffs:
        at = now - timedelta(minutes=ago)
        t = at.replace(second=0)
        sys, dia = (_curve(rng, np.array([at.timestamp()]), now.timestamp(), who, k, 1.0)[0] for k in (3, 4))
        if ago == cuffs[-1]:
            sys, dia = who.now[3], who.now[4]
        for vital, value in ((SYS, sys), (DIA, dia)):
            rows.append((patient, int(vital), cuff, t, 1, value, value, value, value, value, None, None, 0, 1))
    _copy(
        tx,
        "rollup_minute (patient, vital, device, time, n, mean, min, max, first, last, std, slope, poor, changed_offset)",
        rows,
    )
    readings = [
        (
            patient,
            datetime.fromtimestamp(int(s), UTC),
            patch,
            1,
            i,
            now,
            i,
            raw[HR][i].round(),
            None,
            raw[RR][i].round(),
            None,
            None,
            None,
        )
        for i, s in enumerate(seconds)
    ] + [
        (
            patient,
            datetime.fromtimestamp(int(s), UTC),
            oximeter,
            1,
            i,
            now,
            i,
            None,
            raw[SPO2][i].round(),
            None,
            None,
            None,
            None,
        )
        for i, s in enumerate(seconds)
    ]
    for i, row in enumerate(r for r in rows if r[1] in (SYS, TEMP)):
        value = row[5]
        pressure = row[1] == SYS
        low = next((r[5] for r in rows if r[1] == DIA and r[3] == row[3]), None) if pressure else None
        readings.append(
            (
                patient,
                row[3],
                row[2],
                2,
                i,
                row[3],
                i,
                None,
                None,
                None,
                value if pressure else None,
                low,
                None if pressure else round(value, 1),
            )
        )
    _copy(
        tx,
        "reading (patient, time, device, epoch, sequence, arrived, at_offset, heart_rate, spo2, respiratory_rate, "
        "systolic, diastolic, temperature)",
        readings,
    )
    last = end - timedelta(seconds=4 if not who.silent_min else 0)
    newest = [
        (HR, patch, last, who.now[0]),
        (SPO2, oximeter, last, who.now[1]),
        (RR, patch, last, who.now[2]),
        (SYS, cuff, now - timedelta(minutes=51), who.now[3]),
        (DIA, cuff, now - timedelta(minutes=51), who.now[4]),
        (TEMP, patch, max(r[3] for r in rows if r[1] == TEMP), who.now[5]),
    ]
    put_latest(
        tx,
        [
            (patient, int(v), d, at, value, 3 if who.family == "Specimensen" and v == SPO2 else 0, at)
            for v, d, at, value in newest
        ],
    )
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset) "
            "VALUES (%s, %s, %s, 1, %s, %s, %s, %s::jsonb, %s, 1)",
            [
                (
                    patient,
                    end,
                    patch,
                    10,
                    gateway,
                    "battery",
                    f'{{"kind": "battery", "at": 1, "percent": {who.battery}}}',
                    end,
                ),
                (
                    patient,
                    end,
                    patch,
                    11,
                    gateway,
                    "link",
                    f'{{"kind": "link", "at": 1, "up": true, "rssi": {-92 if who.silent_min > 30 else -58}}}',
                    end,
                ),
            ],
        )


def _curve(rng: np.random.Generator, t: np.ndarray, now: float, who: Invented, k: int, wobble: float) -> np.ndarray:
    """From ``before`` to ``now`` over the last hours, with a slow wander and a little noise."""
    on = np.clip(1 - (now - t) / (who.bends_h * 3600), 0, 1)
    smooth = on * on * (3 - 2 * on)
    value = who.before[k] + (who.now[k] - who.before[k]) * smooth
    if who.family == "Exampleton" and k == 0:  # the episode of five hours ago
        value = value + 34 * np.exp(-((((now - t) / 60 - 292) / 7) ** 2))
    slow = np.sin(t / 2900 + k) * wobble * 1.5 * (1 - smooth)
    noise = np.convolve(rng.normal(0, wobble, len(t) + 4), np.ones(5) / 5, "valid")
    return np.clip(value + slow + noise * (1 - 0.6 * smooth), 0, 100 if k == 1 else 400)


def _copy(tx: psycopg.Connection, target: str, rows: Sequence[tuple[object, ...]]) -> None:
    buffer = io.StringIO()
    for row in rows:
        buffer.write("\t".join("\\N" if v is None else str(v) for v in row) + "\n")
    with tx.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        copy.write(buffer.getvalue())
