"""Workers that come, go, die and hang while patients are watched; and how long each partition stood still meanwhile."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import psycopg
from confluent_kafka import Producer

from devices.vitals import Vital
from devices.wire.control import Level, Limit, RuleSet
from devices.wire.event import Heartbeat
from tests.streams.producing import Client, Record, World, clock, now_ms
from tests.streams.worker.worker_process import WorkerProcess, wait_for, wait_for_ledger

Start = Callable[[], WorkerProcess]
RULES = RuleSet(1, (Limit(Vital.HEART_RATE, "high", Level(150.0, 3)),))
PARTITIONS = 4
SESSION_S = 6.0
"""The group notices a death so late; a rebalance that begins before it waits for the dead."""
SICK = 1
"""The patient whose heart rate is above the limit all the time: one alarm, however often workers change."""
# every attempt to store an event that is not rolled back, also one that ON CONFLICT passes over
ATTEMPTS = """
CREATE TABLE attempt (partition int4, at_offset int8, at timestamptz);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO attempt VALUES (NEW.patient % 64, NEW.at_offset, clock_timestamp()); RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION note();
"""


class Load:
    """Heartbeats of all patients every 20 ms; each second a clock record a partition and a reading of the sick one."""

    def __init__(self, world: World, client: Client, topic: str, partitions: Sequence[int]) -> None:
        self.world, self.topic, self.partitions = world, topic, partitions
        self.controls = [*world.admission(), *world.rules(partitions, RULES)]
        self.events = self.readings = self.clocks = 0
        self.acknowledged = 0
        self.refused: list[object] = []
        self._producer = Producer(
            {**client, "enable.idempotence": True, "max.in.flight.requests.per.connection": 1, "linger.ms": 5}
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._send(self.controls)
        self._thread.start()
        return self

    def _delivered(self, error: object, _: object) -> None:
        if error:
            self.refused.append(error)
        self.acknowledged += not error

    def _send(self, records: Iterable[Record]) -> None:
        for one in records:
            self._producer.produce(self.topic, one.value, one.key, one.partition, on_delivery=self._delivered)
        self._producer.poll(0)

    def _run(self) -> None:
        due = 0.0
        while not self._stop.is_set():
            now = now_ms()
            self._send([self.world.event(p, Heartbeat(now)) for p in self.world.patients])
            self.events += len(self.world.patients)
            if time.monotonic() >= due:
                due = time.monotonic() + 1
                self._send([self.world.batch(SICK, [(now, {Vital.HEART_RATE: 180.0})]), *map(clock, self.partitions)])
                self.readings += 1
                self.clocks += len(self.partitions)
            self._stop.wait(0.02)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(40)
        assert self._producer.flush(60) == 0
        assert not self.refused

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    @property
    def sent(self) -> int:
        return len(self.controls) + self.events + self.readings + self.clocks

    def check(self, database: str) -> None:
        """Nothing lost, nothing twice, one alarm."""
        self.stop()
        assert self.acknowledged == self.sent
        wait_for_ledger(database, self.sent, 60)
        with psycopg.connect(database) as db:

            def count(query: str) -> tuple[Any, ...] | None:
                return db.execute(query).fetchone()

            assert count("SELECT count(*) FROM event") == (self.events,)
            attempts = count("SELECT count(*), count(DISTINCT (partition, at_offset)) FROM attempt")
            assert attempts == (self.events, self.events)
            assert count("SELECT count(*) FROM reading") == (self.readings,)
            assert count("SELECT count(*) FROM control") == (len(self.controls),)
            assert count("SELECT count(*) FROM rejected") == (0,)
            alarms = db.execute("SELECT subject, rule, onsets, active FROM alarm").fetchall()
            assert alarms == [(SICK, "heart_rate.high", 1, True)]
            assert count("SELECT count(*) FROM alarm_event WHERE kind = 'onset'") == (1,)
            assert count("SELECT count(*) FROM notification") == (1,)


class Fleet:
    """`start()` gives a worker; `do(action)` does one thing to the fleet and says what it was, and how long a partition
    stood still."""

    def __init__(self, start: Start, database: str, rng: random.Random, stopped_s: float = 9.0) -> None:
        self._start, self._database, self._rng, self._stopped_s = start, database, rng, stopped_s
        self.workers = [start()]
        self._mourned = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.__exit__()

    def _one(self) -> WorkerProcess:
        return self.workers.pop(self._rng.randrange(len(self.workers)))

    def join(self) -> None:
        self.workers.append(self._start())
        each = -(-PARTITIONS // len(self.workers))  # so many go to each while there are any
        wait_for(self._database, "SELECT count(DISTINCT owner) FROM ledger", lambda n: n >= -(-PARTITIONS // each))

    def leave(self) -> None:
        worker = self._one()
        assert worker.stop() in {0, -signal.SIGTERM}  # the latter: it was still being imported
        worker.__exit__()

    def kill(self) -> None:
        worker = self._one()
        assert worker.kill() == -signal.SIGKILL
        self._mourned = time.time() + SESSION_S
        worker.__exit__()

    def hang(self) -> None:
        worker = self._rng.choice(self.workers)
        worker.send(signal.SIGSTOP)
        time.sleep(self._stopped_s)
        worker.send(signal.SIGCONT)

    def do(self, action: str) -> tuple[str, float]:
        begin, name = time.time(), action
        if begin < self._mourned:  # whoever died owned nothing: nobody has missed it yet
            name += " beside a death"
        getattr(self, action)()
        return name, standstill(self._database, begin)


def standstill(database: str, begin: float, end: float | None = None) -> float:
    """The longest gap (s) between two rounds of a partition that ended after ``begin`` (s since the epoch), once all have
    stored something after ``end`` (default: now).
    """
    end = end or time.time()
    newest = f"SELECT min(newest) > to_timestamp({end}) FROM (SELECT max(at) newest FROM attempt GROUP BY partition) x"
    wait_for(database, newest, bool, 40)
    with psycopg.connect(database) as db:
        ((gap,),) = db.execute(
            "SELECT max(extract(epoch FROM gap))::float8 FROM (SELECT at, at - lag(at) OVER (PARTITION BY partition"
            " ORDER BY at) AS gap FROM attempt) x WHERE at > to_timestamp(%s)",
            [begin],
        ).fetchall()
    return float(gap)
