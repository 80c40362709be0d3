"""A topic made again, and connections that are dead without a word: noticed, said, and over within a bounded time."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest

from deploy.continue_after_loss import carry_out, plan
from deploy.demo.proxy import CuttableProxy
from deploy.settings import ServerSettings
from deploy.stack.kafka import Kafka
from deploy.stack.topics import Topic
from devices.wire.event import Heartbeat
from tests.fix_worker import Prepare, StartWorker
from tests.streams.producing import World, now_ms, produce
from tests.streams.worker.worker_process import WorkerProcess, wait_for, wait_for_ledger

pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]

DAMAGED = "SELECT count(*) FROM test_condition WHERE rule = 'log_damaged' AND phase = 'onset'"
SILENT = "SELECT count(*) FROM test_condition WHERE rule = 'log_silent' AND phase = 'onset'"
EVENTS = "SELECT count(*) FROM event"


def test_a_topic_made_again_under_a_running_worker_is_noticed_in_30_s_and_can_be_continued(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str, home: Path
) -> None:
    with start_worker(plain_database, clock=True) as worker:
        produce(kafka.client(), topic, [*world.admission(), world.event(1, Heartbeat(now_ms()))])
        wait_for(plain_database, EVENTS, lambda n: n == 1, 60)
        wait_for_ledger(plain_database, 30, 60, at_least=True)
        kafka.delete(topic)
        time.sleep(1)
        kafka.create(Topic(topic, 4, {"message.timestamp.type": "LogAppendTime"}))
        wait_for(plain_database, DAMAGED, lambda n: n == 4, 30)
        settings = ServerSettings(
            database=plain_database, kafka=kafka.bootstrap, topic=topic, master_key_file=home / "master.key"
        )
        carry_out(settings, plan(settings, [0, 1, 2, 3]))
        produce(kafka.client(), topic, [world.event(p, Heartbeat(now_ms())) for p in (1, 2)])
        wait_for(plain_database, EVENTS, lambda n: n == 3, 30)
        assert worker.popen.poll() is None


class Proxy:
    """A proxy in a thread of its own."""

    def __init__(self, listen: int, target: int) -> None:
        self.proxy = CuttableProxy(listen, target)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.proxy.start(), self.loop).result(10)
        return self

    @property
    def swallowed(self) -> int:
        return len(self.proxy._swallowed)

    def swallow(self) -> None:
        self.loop.call_soon_threadsafe(self.proxy.swallow)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.proxy.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.mark.alone
def test_connections_that_die_without_a_word_stop_nothing_for_longer_than_20_s(
    world: World, make_kafka: Callable[..., Kafka], prepare: Prepare, plain_database: str, home: Path
) -> None:
    prepare(plain_database)
    kafka, topic, key = make_kafka(brokers=1, proxied=True), "vanished", world.write_master(home)
    kafka.create(Topic(topic, 4, {"message.timestamp.type": "LogAppendTime"}))
    assert kafka.far is not None
    listen, offered = kafka.far
    with (
        Proxy(offered, listen) as proxy,
        WorkerProcess(plain_database, f"127.0.0.1:{offered}", topic, key, clock=True) as worker,
    ):
        produce(kafka.client(), topic, world.admission())
        wait_for_ledger(plain_database, 30, 60, at_least=True)
        proxy.swallow()
        produce(kafka.client(), topic, [world.event(p, Heartbeat(now_ms())) for p in world.patients])
        wait_for(plain_database, EVENTS, lambda n: n == 4, 20)
        assert worker.popen.poll() is None
    assert proxy.swallowed > 1


@pytest.mark.alone
@pytest.mark.full
def test_of_three_brokers_one_that_is_cut_off_stops_nothing_for_longer_than_20_s(
    world: World, make_kafka: Callable[..., Kafka], prepare: Prepare, plain_database: str, home: Path
) -> None:
    prepare(plain_database)
    kafka, topic, key = make_kafka(brokers=3), "cut-off", world.write_master(home)
    kafka.create(Topic(topic, 4, {"message.timestamp.type": "LogAppendTime"}))
    with WorkerProcess(plain_database, kafka.bootstrap, topic, key, clock=True) as worker:
        produce(kafka.client(), topic, world.admission())
        wait_for_ledger(plain_database, 30, 60, at_least=True)
        leader = kafka.admin().list_topics(topic, timeout=10).topics[topic].partitions[1].leader
        kafka.children[leader].send(signal.SIGSTOP)
        began = time.monotonic()
        produce(kafka.client(), topic, [world.event(p, Heartbeat(now_ms())) for p in world.patients])
        wait_for(plain_database, EVENTS, lambda n: n == 4, 20)
        assert time.monotonic() - began < 30
        assert worker.popen.poll() is None
        kafka.children[leader].send(signal.SIGCONT)


@pytest.mark.alone
@pytest.mark.full
def test_a_topic_that_is_missing_for_long_and_comes_back_smaller_is_damage_and_ends_no_worker(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    with start_worker(plain_database, clock=True) as worker:
        produce(kafka.client(), topic, world.admission())
        wait_for_ledger(plain_database, 30, 60, at_least=True)
        kafka.delete(topic)
        time.sleep(15)  # the group gives its partitions to nobody; that they stand is the watchdog's to say
        kafka.create(Topic(topic, 1, {"message.timestamp.type": "LogAppendTime"}))
        wait_for(plain_database, DAMAGED, lambda n: n >= 1, 60)
        assert worker.popen.poll() is None
