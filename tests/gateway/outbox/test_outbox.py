import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from devices.wire.batch import Lane
from gateway.errors import OutboxClosedError, OutboxError, OutboxFullError
from gateway.outbox.outbox import Outbox
from gateway.outbox.store import Store, open_file
from tests.gateway.making import T0, HandClock, pulse


@pytest.fixture
async def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def db(tmp_path: Path) -> sqlite3.Connection:
    return open_file(tmp_path / "outbox.sqlite")


@pytest.fixture
async def outbox(tmp_path: Path, clock: HandClock, db: sqlite3.Connection) -> AsyncIterator[Outbox]:
    """Over the connection ``db``."""
    opened = Outbox(tmp_path / "outbox.sqlite", clock=clock, open_store=lambda path, limit: Store(path, limit, lambda _: db))
    yield opened
    await opened.close()


async def test_what_was_put_is_on_disk_when_put_returns(outbox: Outbox, tmp_path: Path) -> None:
    assert await outbox.put([pulse(), pulse(73)]) == [True, True]
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as reader:
        assert reader.execute("select count(*) from reading").fetchone() == (2,)
    assert outbox.stored.is_set()


async def test_many_puts_share_a_commit(outbox: Outbox, db: sqlite3.Connection) -> None:
    commits: list[str] = []
    db.set_trace_callback(lambda sql: commits.append(sql) if sql == "commit" else None)
    began = time.monotonic()
    answers = await asyncio.gather(*(outbox.put([pulse(at=T0 + i)]) for i in range(1000)))
    assert all(new for (new,) in answers)
    assert len(commits) < 100
    assert time.monotonic() - began < 20


async def test_what_is_delivered_stays_for_a_day(outbox: Outbox, clock: HandClock) -> None:
    await outbox.put([pulse()])
    await outbox.delivered([row.id for row in await outbox.take(10, Lane.LIVE, [1])])
    clock.tick(23 * 3600 * 1000)
    assert await outbox.resend(1, T0) == 1
    await outbox.delivered([1])
    clock.tick(25 * 3600 * 1000)
    await outbox.stats()
    assert await outbox.resend(2, 0) == 0


async def test_a_clock_that_is_not_set_deletes_nothing_that_was_delivered(outbox: Outbox, clock: HandClock) -> None:
    await outbox.put([pulse()])
    await outbox.delivered([row.id for row in await outbox.take(10, Lane.LIVE, [1])])
    clock.tick(400 * 24 * 3600 * 1000)  # begun ahead by a year
    clock.sure = False
    await outbox.stats()
    clock.tick(-400 * 24 * 3600 * 1000)
    clock.sure = True
    assert await outbox.resend(1, T0) == 1


async def test_a_request_to_send_again_waits_until_the_clock_is_set(
    outbox: Outbox, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.outbox.outbox._CLOCK_S", 0.01)
    await outbox.put([pulse()])
    await outbox.delivered([row.id for row in await outbox.take(10, Lane.LIVE, [1])])
    clock.sure = False
    clock.tick(-3_600_000)  # after a power cut: by this clock nothing was delivered yet
    again = asyncio.create_task(outbox.resend(1, T0))
    await asyncio.sleep(0.05)
    assert not again.done()
    clock.sure = True
    clock.tick(3_600_000 + 60_000)
    assert await asyncio.wait_for(again, 5) == 1


async def test_a_full_outbox_sheds_what_was_delivered_also_by_a_clock_of_last_year(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "small.sqlite", clock=clock, limit=2 << 20)
    n = 0
    while (await outbox.stats()).fill < 0.9:
        await outbox.put([pulse(at=T0 + n + i) for i in range(500)])
        n += 500
        await outbox.delivered([row.id for row in await outbox.take(500, Lane.LIVE, [1])])
    clock.sure = False
    clock.tick(-400 * 24 * 3600 * 1000)
    for _ in range(10):
        await outbox.put([pulse(at=T0 + n + i) for i in range(200)])
        n += 200
    assert (await outbox.stats()).waiting == 2000
    await outbox.close()


async def test_a_request_to_send_again_is_obeyed_once_also_over_a_restart(
    outbox: Outbox, clock: HandClock, tmp_path: Path
) -> None:
    await outbox.put([pulse(), pulse(at=T0 + 1000)])
    early, late = await outbox.take(10, Lane.LIVE, [1])
    await outbox.delivered([early.id])
    clock.tick(5000)
    await outbox.delivered([late.id])
    assert await outbox.resend(7, T0 + 5000) == 1  # what was delivered before is not asked for
    assert await outbox.resend(7, T0) == 0
    await outbox.close()
    again = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    assert await again.resend(7, T0) == 0
    assert await again.resend(6, T0) == 1  # of a desk restored from a backup: another request is a new one
    assert (await again.stats()).waiting == 2
    await again.close()


async def test_old_readings_become_backfill(outbox: Outbox, clock: HandClock) -> None:
    await outbox.put([pulse()])
    clock.tick(61_000)
    assert await outbox.take(10, Lane.LIVE, [1]) == []
    assert len(await outbox.take(10, Lane.BACKFILL, [1])) == 1


async def test_nothing_is_stamped_before_the_clock_is_set(tmp_path: Path) -> None:
    clock = HandClock(wall=86_400_000, sure=False)
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    await outbox.put([pulse(at=clock.now())])
    assert await outbox.stamp() == 0
    assert await outbox.take(10, Lane.LIVE, [1]) == []
    clock.tick(2000)
    clock.wall, clock.sure = T0, True
    assert await outbox.stamp() == 1
    (row,) = await outbox.take(10, Lane.LIVE, [1])
    assert row.measured == T0 - 2000
    await outbox.close()


async def test_a_full_outbox_acknowledges_nothing_loses_nothing_and_recovers(
    tmp_path: Path, clock: HandClock, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock, limit=1 << 20)
    kept = 0
    filled: list[float] = []
    with pytest.raises(OutboxFullError, match="OUTBOX_MB"):  # noqa: PT012
        for i in range(1000):
            await outbox.put([pulse(at=T0 + 100 * i + j) for j in range(100)])
            kept += 100
            filled.append((await outbox.stats()).fill)
    stats = await outbox.stats()
    assert stats.waiting == kept > 1000
    assert stats.fill >= 1
    assert any(0.8 <= fill < 1 for fill in filled)
    assert capsys.readouterr().out.count("outbox nearly full") == 1
    rows = await outbox.take(3000, Lane.LIVE, [1])
    await outbox.delivered([row.id for row in rows])
    assert await outbox.put([pulse(at=T0 + 10**7)]) == [True]
    assert (await outbox.stats()).waiting == kept - 3000 + 1
    await outbox.close()


async def test_a_full_disk_is_an_error_that_passes(outbox: Outbox, db: sqlite3.Connection) -> None:
    await outbox.put([pulse()])
    pages = db.execute("pragma page_count").fetchone()[0]
    db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(OutboxError, match="disk"):  # noqa: PT012
        for i in range(100):
            await outbox.put([pulse(at=T0 + 100 * i + j) for j in range(100)])
    db.execute("pragma max_page_count = 1000000")
    before = (await outbox.stats()).waiting
    assert await outbox.put([pulse(at=T0 + 10**7)]) == [True]
    assert (await outbox.stats()).waiting == before + 1


async def test_a_closed_outbox_says_so(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    await outbox.close()
    await outbox.close()
    with pytest.raises(OutboxClosedError):
        await outbox.put([pulse()])
