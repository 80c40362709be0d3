import asyncio
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.stack.child import Child
from deploy.stack.kafka import Kafka
from devices.wire.batch import ClockQuality, Kind, Lane, key_of
from devices.wire.event import Heartbeat, Link
from devices.wire.pairing import Assigned
from gateway.outbox.reading import Reading
from gateway.uplink.uplink import Schedule
from tests.fix_kafka import MakeTopic
from tests.gateway.kafka_log import Log
from tests.gateway.making import HandClock, event_reading, pulse
from tests.gateway.running import Running

pytestmark = pytest.mark.stack
DEVICES = (Assigned(7, 1, 0, "ble", "A"), Assigned(8, 66, 0, "ble", "B"))


@pytest.fixture
def log(kafka: Kafka, topic: str) -> Iterator[Log]:
    opened = Log(kafka, topic)
    yield opened
    opened.close()


@pytest.fixture
async def running(tmp_path: Path, kafka: Kafka, topic: str) -> AsyncIterator[Running]:
    started = Running(tmp_path, kafka.bootstrap, topic)
    yield started
    await started.end()


def _fed(output: Path) -> bool:
    return output.read_text().count("acknowledged") > 40


def now(running: Running, value: float, **more: Any) -> Reading:
    return pulse(value, at=running.clock.now(), **more)


async def test_readings_arrive_sealed_in_their_patients_partition(running: Running, log: Log) -> None:
    await running.outbox.put([now(running, v) for v in (60, 61, 62)] + [now(running, 70, device=8, patient=66)])
    await running.outbox.put([event_reading(Link(0, True), at=running.clock.now())])
    await log.until(lambda: len(log.readings()) == 5)
    assert {(r.partition, r.key, int(r.head["device"]), int(r.head["gateway"])) for r in log.records} == {
        (1, key_of(1), 7, 5),
        (2, key_of(66), 8, 5),
    }
    samples = next(r for r in log.records if r.head["device"] == 7 and r.head["kind"] == Kind.SAMPLES)
    assert (int(samples.head["count"]), int(samples.head["first"]), int(samples.head["key"])) == (3, 0, 101)
    assert samples.samples["value"][samples.samples["vital"] == 2].tolist() == [60, 61, 62]
    assert [isinstance(r.event, Link) and r.event.up for r in log.records if r.head["kind"] == Kind.EVENT] == [True]
    await running.waiting(0)


async def test_only_heartbeats_leave_before_the_clock_is_set(tmp_path: Path, kafka: Kafka, topic: str, log: Log) -> None:
    clock = HandClock(wall=86_400_000, sure=False)
    running = Running(tmp_path, kafka.bootstrap, topic, clock)
    await running.outbox.put([pulse(at=clock.now())])
    await running.outbox.put([event_reading(Heartbeat(0, 1, None, False), at=clock.now(), device=0)])
    await log.until(lambda: log.records)
    await asyncio.sleep(1)
    log.poll(0.5)
    (beat,) = log.records  # that its clock is not set
    assert (beat.head["clock"], beat.event) == (ClockQuality.UNSURE, Heartbeat(clock.wall, 1, None, False))
    log.records.clear()
    clock.wall, clock.sure = time.time_ns() // 1_000_000, True
    await log.until(lambda: log.records)
    assert abs(int(log.records[0].samples["time"][0]) - clock.wall) <= 1
    await running.end()


async def test_data_of_patients_without_a_key_stays_and_holds_nothing_up(running: Running, log: Log) -> None:
    await running.outbox.put([now(running, 50, device=9, patient=3), now(running, 60)])
    await log.until(lambda: log.records)
    assert {int(r.head["patient"]) for r in log.records} == {1}
    await running.waiting(1)


async def test_a_revoked_gateway_sends_nothing_more(running: Running, log: Log) -> None:
    await running.outbox.put([now(running, 60)])
    await log.until(lambda: log.records)
    running.configuration.revoke()
    await running.outbox.put([now(running, 61)])
    await asyncio.sleep(1.5)
    log.poll(0.5)
    assert len(log.readings()) == 1


async def test_sending_again_changes_neither_identity_nor_bytes(running: Running, log: Log) -> None:
    await running.outbox.put([now(running, v) for v in (60, 61, 62)])
    await running.waiting(0)
    await running.outbox.put([now(running, 63)])
    await running.waiting(0)
    assert await running.outbox.resend(1, 0) == 4
    await log.until(lambda: all(len(copies) == 2 for copies in log.readings().values()) and len(log.readings()) == 4)
    assert all(len(set(copies)) == 1 for copies in log.readings().values())


async def test_a_fatal_error_leads_to_a_new_producer_and_loses_nothing(running: Running, log: Log) -> None:
    await running.outbox.put([now(running, 60)])
    await running.waiting(0)
    (first,) = running.producers
    first.fatal = "OUT_OF_ORDER_SEQUENCE_NUMBER"
    await running.outbox.put([now(running, 61)])
    await running.waiting(0)
    assert len(running.producers) == 2
    await log.until(lambda: len(log.readings()) == 2)


async def test_a_topic_that_is_missing_is_waited_for(tmp_path: Path, kafka: Kafka, make_topic: MakeTopic) -> None:
    running = Running(tmp_path, kafka.bootstrap, "not-yet-there")
    await running.outbox.put([now(running, 60)])
    await asyncio.sleep(2)
    assert (await running.outbox.stats()).waiting == 1
    name = make_topic(64)
    assert running.configuration.current is not None
    running.configuration.accept(msgspec.structs.replace(running.configuration.current, topic=name, version=2))
    reader = Log(kafka, name)
    await running.outbox.put([now(running, 61)])
    await reader.until(lambda: reader.records)
    await running.end()


async def test_after_an_outage_live_goes_first_and_nothing_is_missing(
    tmp_path: Path, kafka: Kafka, topic: str, log: Log
) -> None:
    running = Running(
        tmp_path, kafka.bootstrap, topic, schedule=Schedule(live_ms=1500, backfill_per_s=80, flush_s=0.2), linger_s=0.2
    )
    await running.outbox.put([now(running, 1)])
    await running.waiting(0)
    kafka.kill()
    for _ in range(150):
        await running.outbox.put([now(running, 100), now(running, 100, device=8, patient=66)])
    await asyncio.sleep(2)
    stats = await running.outbox.stats()
    assert stats.waiting == 300
    # A gateway started again has nothing under way: all that is late is backfill.
    await running.end()
    kafka.spawn()
    kafka.wait()
    running = Running(
        tmp_path, kafka.bootstrap, topic, schedule=Schedule(live_ms=1500, backfill_per_s=80, flush_s=0.2), linger_s=0.2
    )
    for _ in range(10):
        await running.outbox.put([now(running, 200)])
        await asyncio.sleep(0.2)
    await log.until(lambda: len(log.readings()) == 311, 40)
    assert all(len(copies) == 1 for copies in log.readings().values())
    values = [
        (int(r.head["lane"]), float(v))
        for r in log.records
        if r.partition == 1
        for v in r.samples["value"][r.samples["vital"] == 2]
    ]
    assert {lane for lane, value in values if value == 100} == {Lane.BACKFILL}
    assert {lane for lane, value in values if value == 200} == {Lane.LIVE}
    last_live = max(index for index, (_, value) in enumerate(values) if value == 200)
    assert sum(value == 100 for _, value in values[last_live:]) > 30
    await running.end()


async def test_after_an_outage_backfill_begins_at_a_time_of_its_own_and_live_does_not_wait(
    tmp_path: Path, kafka: Kafka, topic: str, log: Log
) -> None:
    schedule = Schedule(live_ms=1500, spread_s=4.0, outage_s=1.0, flush_s=0.2)
    running = Running(tmp_path, kafka.bootstrap, topic, schedule=schedule, linger_s=0.1, uniform=lambda _first, last: last)
    await running.outbox.put([now(running, 1)])
    await running.waiting(0)
    kafka.kill()
    await running.outbox.put([now(running, 200)])
    await asyncio.sleep(2)
    kafka.spawn()
    kafka.wait()
    await log.until(lambda: len(log.readings()) == 2, 20)
    minute_ago, began = running.clock.now().wall - 60_000, time.monotonic()
    await running.outbox.put([pulse(100, at=minute_ago + n) for n in range(50)])
    await running.outbox.put([now(running, 201)])
    await log.until(lambda: len(log.readings()) == 3, 3)
    assert [float(v) for r in log.records for v in r.samples["value"][r.samples["vital"] == 2]] == [1, 200, 201]
    await log.until(lambda: len(log.readings()) == 53, 20)
    assert time.monotonic() - began > 3
    await running.end()


async def test_a_broker_killed_under_load_costs_nothing(running: Running, kafka: Kafka, log: Log) -> None:
    async def feed() -> None:
        for number in range(400):
            await running.outbox.put([now(running, number)])
            await asyncio.sleep(0.005)

    feeding = asyncio.create_task(feed())
    await asyncio.sleep(0.7)
    await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(0.5)
    kafka.spawn()
    await asyncio.to_thread(kafka.wait)
    await feeding
    await running.waiting(0)
    await log.until(lambda: len(log.readings()) == 400)
    assert sorted(sequence for _, _, sequence in log.readings()) == list(range(400))
    assert all(len(set(copies)) == 1 for copies in log.readings().values())


async def test_a_gateway_killed_again_and_again_loses_nothing_it_acknowledged(
    tmp_path: Path, kafka: Kafka, topic: str, log: Log
) -> None:
    acknowledged = 0
    for life in range(2):
        output = tmp_path / f"{life}.log"
        child = Child("feeder", [sys.executable, "-m", "tests.gateway.running", tmp_path, kafka.bootstrap, topic], output)
        child.wait_until(partial(_fed, output), 30)
        await asyncio.sleep(0.07 * life)
        child.send(signal.SIGKILL)
        child.stop()
        acknowledged += output.read_text().count("acknowledged")
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as reader:
        stored = reader.execute("select count(*) from reading").fetchone()[0]
    reader.close()
    assert stored >= acknowledged > 80
    running = Running(tmp_path, kafka.bootstrap, topic)
    await running.waiting(0)
    await log.until(lambda: len(log.readings()) == stored)
    found = log.readings()
    assert sorted(sequence for _, _, sequence in found) == list(range(stored))
    assert all(len(set(copies)) == 1 for copies in found.values())
    assert len({copies[0][:8] for copies in found.values()}) == stored
    await running.end()
