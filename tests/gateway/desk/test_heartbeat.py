import asyncio
from pathlib import Path

import msgspec

from devices.wire.batch import Lane
from devices.wire.event import Heartbeat
from devices.wire.pairing import Assigned
from gateway.desk.heartbeat import run_heartbeat
from gateway.metrics import Metrics
from gateway.outbox.outbox import Outbox
from tests.gateway.making import HandClock, config, configured, pulse
from tests.gateway.reading_outbox import events, stored
from tests.until import until

DEVICES = (Assigned(7, 1, 0, "ble", "A"), Assigned(8, 1, 0, "ble", "B"), Assigned(9, 2, 0, "mqtt", "C"))


async def test_each_patient_hears_that_the_gateway_lives(tmp_path: Path) -> None:
    clock, metrics = HandClock(), Metrics()
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    configuration = configured(tmp_path, config(*DEVICES, heartbeat_s=0.1))
    await outbox.put([pulse(at=clock.wall - 500)])
    task = asyncio.create_task(run_heartbeat(outbox, configuration, clock, metrics))
    await until(lambda: len(events(tmp_path, 0)) >= 4)
    assert events(tmp_path, 0)[:2] == [Heartbeat(clock.wall, 1, clock.wall - 500)] * 2
    rows = await outbox.take(100, Lane.LIVE, [1, 2])
    beats = [row for row in rows if row.device == 0]
    assert [row.sequence for row in beats] == list(range(len(beats)))
    assert {row.patient for row in beats[:2]} == {1, 2}
    assert (metrics.registry.get_sample_value("vigil_gateway_waiting") or 0) >= 1
    before = len(events(tmp_path, 0))
    clock.sure, configuration.desk_ahead = False, 3_600_000
    await asyncio.sleep(0.3)
    await until(lambda: len(events(tmp_path, 0)) > before)
    assert len(events(tmp_path, 0)) <= before + 2
    assert (events(tmp_path, 0)[-1].at, events(tmp_path, 0)[-1].clock_set) == (clock.wall + 3_600_000, False)
    task.cancel()
    await outbox.close()


async def test_a_heartbeat_says_how_full_the_outbox_is_once_it_is_half_full(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock, limit=1 << 20)
    configuration = configured(tmp_path, config(DEVICES[0], heartbeat_s=0.05))
    task = asyncio.create_task(run_heartbeat(outbox, configuration, clock, Metrics()))
    await until(lambda: bool(events(tmp_path, 0)))
    assert events(tmp_path, 0)[-1].full is msgspec.UNSET
    while (await outbox.stats()).pressing < 0.85:
        await outbox.put([pulse(at=clock.tick(1)) for _ in range(100)])
    await until(lambda: events(tmp_path, 0)[-1].full is not msgspec.UNSET and events(tmp_path, 0)[-1].full >= 85)
    task.cancel()
    await outbox.close()


async def test_a_new_configuration_is_followed_by_a_heartbeat_at_once(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "outbox.sqlite", clock=clock)
    configuration = configured(tmp_path, config(heartbeat_s=30.0))
    task = asyncio.create_task(run_heartbeat(outbox, configuration, clock, Metrics()))
    await asyncio.sleep(0.2)
    assert stored(tmp_path) == []
    configuration.accept(config(*DEVICES, version=2))
    await until(lambda: len(events(tmp_path, 0)) == 2)
    task.cancel()
    await outbox.close()
