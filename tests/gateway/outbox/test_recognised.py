"""What a device sends again is recognised as long as it could count, and no longer where it would only pile up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import Stamp
from gateway.outbox.reading import Reading
from gateway.outbox.recognised import KEPT, PERIOD_MS
from gateway.outbox.store import Store, open_file
from tests.gateway.making import BOOT, T0, pulse
from tests.gateway.outbox.test_store import done, put

DAY = 86_400_000


@pytest.fixture
def db(tmp_path: Path) -> sqlite3.Connection:
    return open_file(tmp_path / "outbox.sqlite")


@pytest.fixture
def store(tmp_path: Path, db: sqlite3.Connection) -> Iterator[Store]:
    opened = Store(tmp_path / "outbox.sqlite", 1 << 30, connect=lambda _: db)
    yield opened
    opened.close()


def message(seq: int, at: Stamp | int = T0, **more: Any) -> Reading:
    """What a wearable streams: numbered, with its own time."""
    return pulse(at=at, device_time=at if isinstance(at, int) else T0, record=seq, stream=True, **more)


def dropped(store: Store, now: int) -> int:
    return sum(iter(lambda: done(store, store.forget, now), 0))


@pytest.mark.parametrize("days", [0, 1, 8, 16, 30])
def test_a_message_of_a_stream_is_recognised_as_long_as_the_log_would_take_it(store: Store, days: int) -> None:
    assert put(store, message(1)) == [True]
    dropped(store, T0 + days * DAY)
    assert put(store, pulse(at=T0 + days * DAY, device_time=T0, record=1, stream=True)) == [False]


def test_a_record_of_a_memory_is_recognised_when_all_messages_of_its_day_are_forgotten(store: Store) -> None:
    record = pulse(device_time=T0, record=1)
    assert put(store, record, message(2)) == [True, True]
    assert dropped(store, T0 + 400 * DAY) == 1
    assert put(store, record, message(2)) == [False, True]


def test_a_stream_of_months_keeps_its_tail_only(store: Store, db: sqlite3.Connection) -> None:
    used: dict[int, int] = {}
    for day in range(100):
        now = T0 + day * DAY
        store.begin()
        store.put([message(day * 200 + n, now + n * 400_000) for n in range(200)])
        store.delivered([row for (row,) in db.execute("select id from reading")], now)
        store.prune(now + 1, 10**6)
        store.commit()
        dropped(store, now)
        used[day] = store.used()
    kept = db.execute("select count(*), min(device_time) from message").fetchone()
    assert kept[0] <= (KEPT + 1) * PERIOD_MS / DAY * 200
    assert kept[1] <= T0 + (99 - 30) * DAY
    assert used[99] < 1.2 * used[45]


def test_messages_of_before_the_clock_was_set_are_not_forgotten_when_it_is(store: Store) -> None:
    unset = Stamp(1000, 5, BOOT, False)
    assert put(store, message(1, unset)) == [True]
    assert put(store, message(1, unset)) == [False]
    assert dropped(store, T0) == 0
    assert put(store, message(1, unset), message(1)) == [False, False]
    assert dropped(store, T0 + 31 * DAY) == 0
    assert dropped(store, T0 + 41 * DAY) == 1


def test_streamed_readings_of_one_instant_keep_apart_though_their_messages_stand_in_two_periods(
    store: Store, db: sqlite3.Connection
) -> None:
    assert put(store, pulse(at=T0, device_time=T0, record=1, stream=True)) == [True]
    later = T0 + PERIOD_MS
    assert put(store, *(pulse(at=later, device_time=T0, record=n, stream=True) for n in (1, 2))) == [False, True]
    times = [row[0] for row in db.execute("select measured from reading order by id")]
    assert times == [T0, T0 + 1]
