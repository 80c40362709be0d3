import asyncio

from devices.batch import Lane
from devices.pairing import Assigned, Resend
from gateway.configuration import Configuration
from gateway.outbox import Outbox
from gateway.resend import run_resend
from tests.gateway.making import T0, HandClock, config, pulse

DEVICE = Assigned(7, 1, 0, "ble", "A")


async def deliver(outbox):
    rows = await outbox.take(10, Lane.LIVE, [1])
    await outbox.delivered([row.id for row in rows])
    return len(rows)


async def serve(outbox, configuration, *wanted):
    """Run until every configuration was looked at."""
    task = asyncio.create_task(run_resend(outbox, configuration))
    for one in wanted:
        await asyncio.sleep(0.05)
        configuration.accept(one)
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})
    return (await outbox.stats()).waiting


async def test_a_gateway_sends_again_once_for_each_request_of_its_desk(tmp_path):
    outbox, configuration = Outbox(tmp_path / "outbox.sqlite", clock=HandClock()), Configuration(tmp_path)
    await outbox.put([pulse(), pulse(at=T0 + 1000)])
    assert await deliver(outbox) == 2
    first, second = Resend(1, T0), Resend(2, T0)
    assert await serve(outbox, configuration, config(DEVICE), config(DEVICE, version=2, resend=first)) == 2
    assert await deliver(outbox) == 2
    assert await serve(outbox, configuration, config(DEVICE, version=3, resend=first)) == 0  # after a restart
    assert await serve(outbox, Configuration(tmp_path)) == 0  # from the stored configuration
    assert await serve(outbox, configuration, config(DEVICE, version=4, resend=second)) == 2
    await outbox.close()
