from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import stdev
from typing import Any

import psycopg
import pytest

from deploy.schema.migrate import migrate
from streams.store.hours import complete_hours, drop_raw
from tests.alerts.conftest import Db

HOUR = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def db(database: str) -> Iterator[Db]:
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def minute(db: Db, at: datetime, values: Sequence[float], changed: int, poor: int = 0) -> None:
    n = len(values)
    mean = sum(values) / n if n else None
    ends = (min(values), max(values), values[0], values[-1]) if n else (None,) * 4
    db.execute(
        "INSERT INTO rollup_minute VALUES (7, 1, 3, %s, %s, %s, %s, %s, %s, %s, %s, NULL, %s, %s)"
        " ON CONFLICT (patient, vital, device, time) DO UPDATE SET (n, mean, min, max, first, last, std, changed_offset) ="
        " (excluded.n, excluded.mean, excluded.min, excluded.max, excluded.first, excluded.last, excluded.std,"
        " excluded.changed_offset)",
        [at, n, mean, *ends, stdev(values) if n > 1 else None, poor, changed],
    )


def hour(db: Db) -> tuple[Any, ...]:
    row = "n, mean, min, max, first, last, std, poor, changed_offset"
    (found,) = db.execute(f"SELECT {row} FROM rollup_hour WHERE time = %s", [HOUR]).fetchall()
    return tuple(found)


def test_an_hour_has_the_figures_of_all_its_samples(db: Db) -> None:
    first, second = [60.0, 61.5, 70.0], [80.0, 79.0]
    minute(db, HOUR, first, 5, poor=2)
    minute(db, HOUR + timedelta(minutes=1), [], 6, poor=60)
    minute(db, HOUR + timedelta(minutes=59), second, 9)
    minute(db, HOUR + timedelta(minutes=60), [200.0], 10)
    assert complete_hours(db, HOUR, HOUR + timedelta(hours=1)) == 1
    whole = first + second
    n, mean, low, high, began, ended, std, poor, changed = hour(db)
    assert (n, low, high, began, ended, poor, changed) == (5, 60, 80, 60, 79, 62, 9)
    assert mean == pytest.approx(sum(whole) / 5)
    assert std == pytest.approx(stdev(whole))


def test_only_hours_whose_minutes_changed_are_written_again(db: Db) -> None:
    minute(db, HOUR, [60.0], 5)
    minute(db, HOUR + timedelta(hours=1), [61.0], 6)
    span = HOUR, HOUR + timedelta(hours=2)
    assert complete_hours(db, *span) == 2
    assert complete_hours(db, *span) == 0
    minute(db, HOUR, [60.0, 66.0], 8)
    assert complete_hours(db, *span) == 1
    assert hour(db)[:2] == (2, 63)


def test_raw_rows_go_and_rollups_stay(db: Db) -> None:
    minute(db, HOUR, [60.0], 5)
    for days in (0, 40):
        db.execute(
            "INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, heart_rate)"
            " VALUES (7, %s, 3, 1, %s, now(), %s, 60)",
            [HOUR + timedelta(days=days), days, days],
        )
    assert drop_raw(db, HOUR + timedelta(days=30)) >= 1
    assert db.execute("SELECT sequence FROM reading").fetchall() == [(40,)]
    assert db.execute("SELECT count(*) FROM rollup_minute").fetchone() == (1,)
