"""What is refused is kept within bounds: of each sender, of each partition, and in time; what was dropped is said once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from devices.vitals import Vital
from streams.store import refused
from streams.store.refused import Dropped, drop_refused
from tests.alerts.conftest import Db
from tests.streams.engine.opening.test_opening import T
from tests.streams.producing import Record, World
from tests.streams.store.storing import rows, store, take, to_store

Rubbish = Callable[[int, int], list[Record]]
HR = Vital.HEART_RATE


@pytest.fixture
def rubbish(world: World) -> Rubbish:
    """`rubbish(patient, n)`: so many records of a patient that are refused."""

    def made(patient: int, n: int) -> list[Record]:
        good = [world.batch(patient, [(T, {HR: 61})]) for _ in range(n)]
        return [replace(one, value=one.value[:-1] + bytes([one.value[-1] ^ 1])) for one in good]

    return made


def test_a_sender_of_rubbish_fills_no_disk_and_no_other_senders_share(
    db: Db, world: World, rubbish: Rubbish, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = refused.ROW + len(rubbish(1, 1)[0].value)
    monkeypatch.setattr(refused, "OF_SENDER", 5 * size)
    monkeypatch.setattr(refused, "OF_PARTITION", 9 * size)
    held = take(db, 1)
    store(db, to_store(world, rubbish(1, 4), held))
    store(db, to_store(world, rubbish(1, 4) + rubbish(65, 3), held, first=4))
    kept = "SELECT patient, gateway, count(*) FROM rejected GROUP BY 1, 2 ORDER BY 1"
    assert rows(db, kept) == [(1, 101, 5), (65, 165, 3)]
    store(db, to_store(world, rubbish(65, 2), held, first=11))
    assert rows(db, kept) == [(1, 101, 5), (65, 165, 4)]  # the partition has no room for more
    assert rows(db, "SELECT next_offset FROM ledger") == [(13,)]
    tally = "SELECT patient, gateway, kept, dropped FROM refused_tally ORDER BY 1"
    assert rows(db, tally) == [(-1, -1, 9 * size, 0), (1, 101, 5 * size, 3), (65, 165, 4 * size, 1)]
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert drop_refused(db, long_ago) == Dropped(0, 4)
    assert drop_refused(db, long_ago) == Dropped(0, 0)  # said once
    assert drop_refused(db, datetime.now(UTC) + timedelta(hours=1)) == Dropped(9, 0)
    assert rows(db, kept) == []
    assert rows(db, tally) == [(-1, -1, 0, 0), (1, 101, 0, 3), (65, 165, 0, 1)]
    store(db, to_store(world, rubbish(1, 2), held, first=13))
    assert rows(db, kept) == [(1, 101, 2)]


def test_quarantine_has_the_same_bounds(db: Db, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held = take(db, 1)
    records = [world.batch(1, [(T, {HR: 61})]) for _ in range(4)]
    monkeypatch.setattr(refused, "OF_SENDER", 3 * (refused.ROW + len(records[0].value)))
    store(db, to_store(world, records, held, quarantined=[(n, "measured before the enrolment") for n in range(4)]))
    assert rows(db, "SELECT at_offset FROM quarantine ORDER BY 1") == [(0,), (1,), (2,)]
    assert drop_refused(db, datetime.now(UTC) + timedelta(hours=1)) == Dropped(3, 1)
    assert rows(db, "SELECT count(*) FROM quarantine") == [(0,)]
