"""A damaged outbox: what can be read of it is saved, and counted."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from devices.wire.batch import Lane
from devices.wire.event import Link
from gateway.errors import OutboxError, OutboxUnusableError
from gateway.outbox.file import open_file
from gateway.outbox.opening import open_or_salvage
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store
from tests.gateway.making import T0, HandClock, event_reading, pulse
from tests.gateway.outbox.test_store import LIMIT, done, everything, put

COUNT = 554


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An outbox of 554 waiting readings, 100 delivered ones, one event and one record of a device's memory."""
    path = tmp_path / "outbox.sqlite"
    store = Store(path, LIMIT)
    put(store, *(pulse(40 + i % 90, at=T0 + i * 1000, device=9) for i in range(100)))
    done(store, store.delivered, [row.id for row in everything(store)], T0 + 200_000)
    done(store, store.note_resent, 77)
    put(store, *(pulse(40 + i % 90, at=T0 + i * 1000) for i in range(COUNT - 2)))
    put(store, event_reading(Link(T0, True)), pulse(61, device_time=T0 - 5000, record=3))
    store.close()
    return path


def names_at(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir() if not one.name.endswith(("-wal", "-shm")))


def leaves(path: Path) -> list[int]:
    """The pages with many rows of the table of readings."""
    data = path.read_bytes()
    heads = (data[at : at + 5] for at in range(4096, len(data), 4096))
    return [n for n, head in enumerate(heads, 1) if head[0] == 0x0D and head[4] > 20]


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_sound_outbox_is_opened_as_it_is(path: Path) -> None:
    store, salvaged = open_or_salvage(path, LIMIT)
    assert salvaged is None and store.stats().waiting == COUNT
    store.close()


@pytest.mark.parametrize("damage", ["header", "whole first page", "inner pages", "noise over the header and the schema"])
def test_damage_beside_the_readings_loses_none(path: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = path.read_bytes()
    if damage == "header":
        overwrite(path, 0, bytes(100))
    elif damage == "whole first page":
        overwrite(path, 0, bytes(4096))
    elif damage == "inner pages":
        for n in range(1, len(data) // 4096):
            if data[n * 4096] in {0x05, 0x02}:
                overwrite(path, n * 4096, b"\xff" * 4096)
    else:
        overwrite(path, 0, random.Random(1).randbytes(4096))
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as old:
        epoch = None if damage != "inner pages" else old.execute("select value from meta where name = 'epoch'").fetchone()[0]
    store, salvaged = open_or_salvage(path, LIMIT)
    assert salvaged is not None
    assert (salvaged.saved, salvaged.waiting, salvaged.lost) == (COUNT + 100, COUNT, 0)
    rows = everything(store)
    assert len(rows) == COUNT and store.epoch != epoch
    assert {row.measured for row in rows} == {T0 - 5000, T0, *(T0 + i * 1000 for i in range(COUNT - 2))}
    assert sorted(row.sequence for row in rows) == list(range(COUNT))
    assert put(store, pulse(61, device_time=T0 - 5000, record=3)) == [False]
    assert done(store, store.resend, T0, T0 + 10**9, 1000) == 100
    store.close()
    assert names_at(path) == ["outbox.sqlite", "outbox.sqlite.damaged-1"]
    assert salvaged.kept.read_bytes() == before
    assert re.search(r"outbox salvaged.*lost=.?0", capsys.readouterr().out)


def test_a_lost_page_is_counted_and_its_neighbours_are_saved(path: Path) -> None:
    leaf = leaves(path)[3]
    overwrite(path, leaf * 4096, random.Random(2).randbytes(4096))
    store, salvaged = open_or_salvage(path, LIMIT)
    assert salvaged is not None
    assert 10 < salvaged.lost < 100
    assert salvaged.saved == COUNT + 100 - salvaged.lost
    assert f"{salvaged.saved} readings were saved" in str(salvaged) and f"{salvaged.lost} could not be read" in str(salvaged)
    assert store.has_resent(77)
    store.close()


@pytest.mark.parametrize("seed", range(8))
def test_any_damage_ends_in_a_working_outbox_and_is_kept(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    size = path.stat().st_size
    if seed % 3 == 0:
        with path.open("r+b") as file:
            file.truncate(chance.randrange(size))
    for _ in range(chance.randrange(1, 30)):
        overwrite(path, chance.randrange(path.stat().st_size + 1), chance.randbytes(chance.randrange(1, 3000)))
    store, salvaged = open_or_salvage(path, LIMIT)
    assert put(store, pulse(99, at=T0 + 10**9)) == [True]
    waiting = store.stats().waiting
    store.close()
    again, nothing = open_or_salvage(path, LIMIT)
    assert nothing is None and again.stats().waiting == waiting
    again.close()
    assert salvaged is None or (salvaged.kept.exists() and waiting == salvaged.waiting + 1)


def test_rows_that_stand_only_in_the_write_ahead_log_are_saved_too(tmp_path: Path) -> None:
    live = Store(tmp_path / "live", LIMIT)
    put(live, *(pulse(40 + i % 90, at=T0 + i * 1000) for i in range(300)))
    path = tmp_path / "outbox.sqlite"
    for side in ("", "-wal"):
        path.with_name(path.name + side).write_bytes((tmp_path / f"live{side}").read_bytes())
    live.close()
    path.write_bytes(b"\x00" * 8192)
    store, salvaged = open_or_salvage(path, LIMIT)
    assert store.stats().waiting == 300
    assert salvaged is None or salvaged.lost == 0
    store.close()


def test_a_file_that_is_none_is_kept_beside_a_new_outbox(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(b"something else entirely" * 500)
    for number in (1, 2):
        store, salvaged = open_or_salvage(path, LIMIT)
        assert salvaged is not None and salvaged.saved == 0
        assert salvaged.kept.name == f"outbox.sqlite.damaged-{number}"
        store.close()
        path.write_bytes(b"something else entirely" * 500)


def test_a_salvage_that_was_interrupted_is_finished(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overwrite(path, 0, bytes(100))
    with monkeypatch.context() as patched:
        patched.setattr("gateway.outbox.opening._replace", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            open_or_salvage(path, LIMIT)
    store, salvaged = open_or_salvage(path, LIMIT)
    assert salvaged is None and store.stats().waiting == COUNT
    store.close()
    assert names_at(path) == ["outbox.sqlite", "outbox.sqlite.damaged-1"]


def _power_cut(*_: object) -> Path:
    raise KeyboardInterrupt


def test_a_file_that_only_cannot_be_opened_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    path.mkdir()
    with pytest.raises(OutboxUnusableError, match="owner"):
        open_or_salvage(path, LIMIT)
    assert path.is_dir() and names_at(path) == ["outbox.sqlite"]


@pytest.fixture
async def clock() -> HandClock:
    return HandClock(wall=T0 + 600_000)


def without_cache(path: Path) -> sqlite3.Connection:
    db = open_file(path)
    try:
        db.execute("pragma cache_size = 1")
    except sqlite3.Error:  # it reads the first page
        db.close()
        raise
    return db


async def test_damage_at_work_is_said_and_salvaged_by_the_next_outbox(path: Path, clock: HandClock) -> None:
    outbox = Outbox(path, clock=clock, open_store=lambda path, limit: Store(path, limit, without_cache))
    assert outbox.salvaged is None
    assert len(await outbox.take(10, Lane.BACKFILL, [1])) == 10
    with path.open("r+b") as file:  # under the running gateway
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(OutboxError):
        await outbox.resend(5, 0)
    await outbox.close()
    assert outbox.damaged.is_set() and outbox.damage
    again = Outbox(path, clock=clock, damage=outbox.damage)
    assert again.salvaged is not None and again.salvaged.kept.exists()
    await again.close()
