"""What a device sends again is recognised as long as it could count, and no longer where it would only pile up."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import Stamp
from gateway.outbox.file import open_file
from gateway.outbox.reading import Reading
from gateway.outbox.recognised import CHUNK, KEPT, PERIOD_MS
from gateway.outbox.store import Store
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


def steady(store: Store, count: int, jitter: int = 7) -> None:
    """A stream of 1 Hz: numbered, its times a little uneven."""
    rng = random.Random(5)
    for begin in range(0, count, 1000):
        store.begin()
        store.put(message(n, T0 + n * 1000 + rng.randint(0, jitter)) for n in range(begin, begin + 1000))
        store.pack()
        store.commit()


def test_what_is_packed_is_recognised_to_the_millisecond_and_nothing_else(store: Store, db: sqlite3.Connection) -> None:
    steady(store, 3 * CHUNK // 1000 * 1000, jitter=0)
    assert db.execute("select count(*) from packed").fetchone()[0] >= 1
    known = [message(n, T0 + n * 1000) for n in (0, 1, 2000, CHUNK - 1)]
    near = [message(5, T0 + 5 * 1000 + 1), message(6, T0 + 5 * 1000), message(5, T0 + 5 * 1000, device=8)]
    assert put(store, *known) == [False] * 4
    assert put(store, *near) == [True] * 3  # a wearable that restarts its numbers does not repeat itself
    assert store._recognised.at(7, T0 + 2000, 5) == 1


def test_messages_before_and_after_a_restart_of_the_gateway_are_packed_alike(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    first = Store(path, 1 << 30)
    steady(first, 10_000)
    first.close()
    again = Store(path, 1 << 30)
    assert again._recognised._rows[(T0 + 1) // PERIOD_MS, 7] == 10_000 - 4096
    assert put(again, message(3, T0 + 3000), message(9_999, T0 + 9_999_000)) == [True, True]  # jitter: other times
    again.close()


def test_forty_days_of_a_wearable_at_1_hz_need_a_tenth_of_what_rows_need(store: Store, db: sqlite3.Connection) -> None:
    seconds = 30_000
    steady(store, seconds)
    db.execute("delete from reading")
    while store.pack():
        pass
    packed, count = db.execute("select sum(length(pairs)), sum(count) from packed").fetchone()
    rows = db.execute("select count(*) from message").fetchone()[0]
    assert rows < 2 * CHUNK
    forty_days_mb = packed / count * 40 * 86_400 / 1e6
    print(f"40 days at 1 Hz: {forty_days_mb:.1f} MB packed (as rows: 83)")
    assert forty_days_mb < 8.3


def test_what_was_packed_is_forgotten_with_its_period(store: Store, db: sqlite3.Connection) -> None:
    steady(store, 10_000)
    dropped(store, T0 + 41 * DAY)
    assert db.execute("select count(*) from packed").fetchone()[0] == 0
    assert put(store, message(1, T0 + 1000)) == [True]
