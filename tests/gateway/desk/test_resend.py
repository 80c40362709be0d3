import asyncio
from pathlib import Path

from devices.wire.batch import Lane
from devices.wire.pairing import Assigned, Config, Resend
from gateway.desk.configuration import Configuration
from gateway.desk.resend import run_resend
from gateway.errors import OutboxFullError
from gateway.outbox.outbox import Outbox
from tests.gateway.making import T0, HandClock, config, pulse

DEVICE = Assigned(7, 1, 0, "ble", "A")


async def deliver(outbox: Outbox) -> int:
    rows = await outbox.take(10, Lane.LIVE, [1])
    await outbox.delivered([row.id for row in rows])
    return len(rows)


async def waiting(outbox: Outbox, count: int) -> int:
    """The number of waiting readings, once it is ``count`` or some seconds are over."""
    for _ in range(200):
        if (await outbox.stats()).waiting == count:
            break
        await asyncio.sleep(0.05)
    return (await outbox.stats()).waiting


async def serve(outbox: Outbox, configuration: Configuration, *wanted: Config, count: int) -> int:
    """Run until every configuration was looked at; return the number of waiting readings, which may come to ``count``."""
    task = asyncio.create_task(run_resend(outbox, configuration))
    for one in wanted:
        await asyncio.sleep(0.05)
        configuration.accept(one)
    await waiting(outbox, count)
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})
    return (await outbox.stats()).waiting


async def test_a_gateway_sends_again_once_for_each_request_of_its_desk(tmp_path: Path) -> None:
    outbox, configuration = Outbox(tmp_path / "outbox.sqlite", clock=HandClock()), Configuration(tmp_path)
    await outbox.put([pulse(), pulse(at=T0 + 1000)])
    assert await deliver(outbox) == 2
    first, second = Resend(1, T0), Resend(2, T0)
    assert await serve(outbox, configuration, config(DEVICE), config(DEVICE, version=2, resend=first), count=2) == 2
    assert await deliver(outbox) == 2
    assert await serve(outbox, configuration, config(DEVICE, version=3, resend=first), count=0) == 0  # after a restart
    assert await serve(outbox, Configuration(tmp_path), count=0) == 0  # from the stored configuration
    assert await serve(outbox, configuration, config(DEVICE, version=4, resend=second), count=2) == 2
    await outbox.close()


async def test_a_nearly_full_outbox_sends_again_within_its_bound_and_loses_nothing(tmp_path: Path) -> None:
    clock, limit = HandClock(), 8 << 20
    outbox, acknowledged = Outbox(tmp_path / "outbox.sqlite", clock=clock, limit=limit), 0
    while (await outbox.stats()).fill < 0.97:
        acknowledged += sum(await outbox.put([pulse(at=T0 + acknowledged + n) for n in range(500)]))
        await outbox.delivered([row.id for row in await outbox.take(500, Lane.LIVE, [1])])
    delivered, largest = acknowledged, 0

    async def watch() -> None:
        nonlocal largest
        while True:
            largest = max(largest, sum(path.stat().st_size for path in tmp_path.iterdir()))
            await asyncio.sleep(0.002)

    watching = asyncio.create_task(watch())
    again = asyncio.create_task(outbox.resend(1, T0))
    refused = 0
    while not again.done():  # devices do not wait for that
        try:
            acknowledged += sum(await outbox.put([pulse(at=T0 + acknowledged)]))
        except OutboxFullError:
            refused += 1
    before = await again
    while not refused:
        try:
            acknowledged += sum(await outbox.put([pulse(at=T0 + acknowledged)]))
        except OutboxFullError:
            refused += 1
    assert (await outbox.stats()).waiting == before + acknowledged - delivered
    assert before > delivered / 2, "delivered ones may have given way, as ever"
    sent: set[int] = set()
    while rows := await outbox.take(2000, Lane.LIVE, [1]):
        sent |= {row.sequence for row in rows}
        await outbox.delivered([row.id for row in rows])
        if len(rows) == 2000:  # what is delivered makes room at once
            acknowledged += sum(await outbox.put([pulse(at=T0 + acknowledged)]))
    watching.cancel()
    assert sent >= set(range(delivered, acknowledged))
    assert len(sent) == before + acknowledged - delivered
    assert largest < 1.6 * limit, "with the write-ahead log"
    await outbox.close()


async def test_gateways_that_are_asked_at_once_begin_at_times_of_their_own(tmp_path: Path) -> None:
    outbox, configuration = Outbox(tmp_path / "outbox.sqlite", clock=HandClock()), Configuration(tmp_path)
    await outbox.put([pulse()])
    assert await deliver(outbox) == 1
    configuration.accept(config(DEVICE, resend=Resend(1, T0)))
    task = asyncio.create_task(run_resend(outbox, configuration, spread_s=1.0, uniform=lambda a, b: (a + b) / 2))
    await asyncio.sleep(0.25)
    assert (await outbox.stats()).waiting == 0
    assert await waiting(outbox, 1) == 1
    task.cancel()
    await asyncio.wait({task})
    await outbox.close()
