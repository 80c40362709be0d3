"""Workers that are killed, stopped, joined and left, and a database that goes away: every record is stored once."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterable
from functools import partial
from operator import lt
from typing import Any, Self

import psycopg
import pytest

from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from devices.vitals import Vital
from devices.wire.event import Heartbeat
from tests.fix_worker import StartWorker
from tests.streams.producing import Client, Record, World, clock, now_ms, produce
from tests.streams.worker.fleet import RULES
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

HR = Vital.HEART_RATE
pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]


class Stream:
    """Appends heartbeats of all patients, until told to stop."""

    def __init__(self, world: World, client: Client, topic: str, pause: float = 0.02) -> None:
        self.world, self.client, self.topic, self.pause = world, client, topic, pause
        self.sent = len(produce(client, topic, world.admission()))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            records = [self.world.event(p, Heartbeat(now_ms())) for p in self.world.patients for _ in range(5)]
            self.sent += len(produce(self.client, self.topic, records))
            self._stop.wait(self.pause)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(40)

    def __exit__(self, *_: object) -> None:
        self.stop()


def check_each_once(database: str, stream: Stream, admission: int) -> None:
    wait_for_ledger(database, stream.sent, 60)
    with psycopg.connect(database) as db:
        events = stream.sent - admission
        assert db.execute("SELECT count(*) FROM event").fetchone() == (events,)
        attempts = db.execute("SELECT count(*), count(DISTINCT (partition, at_offset)) FROM attempt").fetchone()
        assert attempts == (events, events)
        assert db.execute("SELECT count(*) FROM control").fetchone() == (admission,)
        assert db.execute("SELECT count(*) FROM rejected").fetchone() == (0,)


def test_killed_between_commit_and_acknowledgement_nothing_is_stored_twice(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, watched: str
) -> None:
    with Stream(world, kafka.client(), topic) as stream:
        with start_worker(watched, TEST_KILL_AFTER_COMMIT="1") as first:
            assert first.popen.wait(40) == -signal.SIGKILL
        with psycopg.connect(watched) as db:
            ((stored,),) = db.execute("SELECT sum(next_offset) FROM ledger").fetchall()
        assert stored > 0
        with start_worker(watched, group=f"{topic}-next"):  # the group waits 6 s for the dead one, the ledger does not
            wait_for_ledger(watched, stored + 200, at_least=True)
            stream.stop()
            check_each_once(watched, stream, 8)


@pytest.mark.parametrize("seconds", [pytest.param(9), pytest.param(30, marks=pytest.mark.full)])
def test_a_worker_stopped_while_another_takes_over_writes_nothing_when_it_goes_on(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, watched: str, seconds: float
) -> None:
    with Stream(world, kafka.client(), topic) as stream, start_worker(watched) as zombie:
        wait_for_ledger(watched, stream.sent + 40, at_least=True)
        zombie.send(signal.SIGSTOP)
        with start_worker(watched) as other:
            time.sleep(seconds)
            wait_for(watched, "SELECT min(epoch) FROM ledger", lambda epoch: epoch >= 2)
            zombie.send(signal.SIGCONT)
            time.sleep(1)
            stream.stop()
            check_each_once(watched, stream, 8)
            assert zombie.popen.poll() is None
            assert other.popen.poll() is None


def test_a_worker_asked_to_end_while_broker_and_database_are_away_ends(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, watched: str, postgres: Postgres
) -> None:
    with Stream(world, kafka.client(), topic) as stream, start_worker(watched, TEST_LEAVE_S="4") as worker:
        wait_for_ledger(watched, stream.sent + 40, at_least=True)
        stream.stop()
        kafka.kill()
        postgres.kill()
        time.sleep(0.5)
        worker.send(signal.SIGTERM)
        assert worker.popen.wait(20) == 0


def test_a_database_and_a_broker_that_restart_in_mid_stream_lose_nothing(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, watched: str, postgres: Postgres
) -> None:
    with Stream(world, kafka.client(), topic) as stream, start_worker(watched) as worker:
        wait_for_ledger(watched, stream.sent + 40, at_least=True)
        postgres.kill()
        time.sleep(2)
        postgres.start()
        wait_for_ledger(watched, stream.sent + 40, at_least=True)
        kafka.kill()
        time.sleep(1)
        kafka.spawn()
        kafka.wait()
        wait_for_ledger(watched, stream.sent + 40, at_least=True)
        stream.stop()
        check_each_once(watched, stream, 8)
        assert worker.popen.poll() is None


ROWS = {
    "reading": "SELECT r.* FROM reading r ORDER BY patient, time, device, epoch, sequence",
    "rollup_minute": "SELECT r.* FROM rollup_minute r ORDER BY patient, vital, device, time",
    "latest": "SELECT l.* FROM latest l ORDER BY patient, vital, device",
    "event": "SELECT e.* FROM event e ORDER BY patient, time, device, epoch, sequence",
    "control": "SELECT c.* FROM control c ORDER BY partition, at_offset",
    "rejected": "SELECT topic_id, partition, at_offset, reading, reason, record FROM rejected ORDER BY 2, 3, 4",
    "quarantine": "SELECT topic_id, partition, at_offset, reason, patient FROM quarantine ORDER BY 2, 3",
    "test_condition": "SELECT c.* FROM test_condition c ORDER BY partition, second, rule, subject, source",
    "ledger": "SELECT topic_id, partition, next_offset, last_append, last_crc FROM ledger ORDER BY partition",
}


def rows(database: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(database) as db:
        return {table: db.execute(query).fetchall() for table, query in ROWS.items()}


def test_restarts_leave_the_same_rows_as_never_having_stopped(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str, timescale_database: str
) -> None:
    total, rng = 0, random.Random(4)

    def append(records: Iterable[Record]) -> None:
        nonlocal total
        total += len(produce(kafka.client(), topic, records))

    append(world.admission())
    append(world.rules(range(4), RULES))
    steady, shaken = timescale_database, plain_database
    with start_worker(steady, group=f"{topic}-steady", TEST_RULES="conditions"):
        for turn in range(3):
            if turn == 2:  # a damaged snapshot: the log is folded from its beginning
                with psycopg.connect(shaken) as db:
                    db.execute("UPDATE engine_state SET state = 'rubbish' WHERE partition = 1")
            with start_worker(shaken, snapshot_s=0.2, group=f"{topic}-{turn}", TEST_RULES="conditions") as worker:
                for second in range(4):
                    t = now_ms()
                    old = t - (60_000 if turn % 2 else 600_000) - 1000 * second  # late within the ring, and older than it
                    live = [world.batch(p, [(t, {HR: rng.choice((70.0, 180.0)) + p % 7})]) for p in world.patients[1:]]
                    # of one it is certain that an alarm begins and ends, however fast this machine is
                    sick = [(t - 3500, {HR: 180.0}), (t, {HR: 180.0})]
                    live.append(world.batch(world.patients[0], [(t, {HR: 70.0})] if second else sick))
                    late = [world.batch(p, [(old, {HR: 50.0 + turn})]) for p in world.patients]
                    append([*live, *late, *[clock(partition) for partition in range(4)]])
                    time.sleep((0.3 if second else 1.1) + rng.random())
                if turn == 2:
                    wait_for_ledger(shaken, total)
                else:
                    saved = "SELECT count(*) FROM engine_state"
                    for _ in range(60):  # a state is saved with a round: go on making some
                        with psycopg.connect(shaken) as db:
                            if db.execute(saved).fetchall()[0][0] > turn:
                                break
                        append([clock(partition) for partition in range(4)])
                        time.sleep(0.5)
                    wait_for(shaken, saved, partial(lt, turn))
                assert worker.kill() == -signal.SIGKILL
        wait_for_ledger(steady, total)
    expected, found = rows(steady), rows(shaken)
    for table in ROWS:
        assert found[table] == expected[table], table
    assert len(expected["reading"]) == 3 * (4 * 4 * 2 + 1)
    assert expected["rollup_minute"]
    assert {phase for *_, phase, _ in expected["test_condition"]} >= {"onset", "end"}
