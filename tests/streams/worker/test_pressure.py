"""More than can be stored: a database that is away at full load."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import psutil
import psycopg
import pytest

from deploy.stack.kafka import Kafka
from deploy.stack.postgres import Postgres
from devices.vitals import Vital
from tests.fix_worker import StartWorker
from tests.streams.producing import Record, World, now_ms, produce
from tests.streams.worker.worker_process import wait_for_ledger

pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]
VITALS = (Vital.HEART_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE, Vital.PULSE_RATE)
MB = 1 << 20
WAITING_MB, ROUND_MB = 4, 1
AWAY_MB = WAITING_MB + 4 + 2 * 10 * ROUND_MB
"""What waits; what Faust's client has read ahead, 1 MB a partition; the round that cannot be committed, and the next."""
STORING_MB = 4 + 12 + 16
"""More while it is stored, which stands still after the first rounds: the next answers of the broker, minutes computed again
(``MINUTES_AT_ONCE``), and what the allocator takes at once (docs/decisions/0072)."""
PATIENTS = 400


@pytest.fixture
def world() -> World:
    """As many as a home's rate for each makes full load of: the engine keeps what a patient sent in the last minutes."""
    return World([n for n in range(1, 16 * PATIENTS + 4) if n % 64 < 4][:PATIENTS])


def stored(database: str) -> int:
    with psycopg.connect(database) as db:
        ((total,),) = db.execute("SELECT sum(next_offset)::int FROM ledger").fetchall()
    return int(total)


def load(world: World, start: int, batches: Iterable[int]) -> Iterator[Record]:
    """Batches of four vitals, 4 KB each: of all patients the minute of ``start``, then of all the next one, and so on."""
    for n in batches:
        begin = start + n // PATIENTS * 60_000
        times = [(begin + k * 1000, dict.fromkeys(VITALS, 60.0 + k % 9)) for k in range(60)]
        yield world.batch(world.patients[n % PATIENTS], times)


def spread(records: Iterable[Record], count: int, seconds: float) -> Iterator[Record]:
    """The same, evenly over ``seconds``."""
    begin = time.monotonic()
    for n, one in enumerate(records):
        time.sleep(max(begin + seconds * n / count - time.monotonic(), 0))
        yield one


@pytest.mark.parametrize(
    ("seconds", "count"), [(10, 1250), pytest.param(300, 60_000, marks=[pytest.mark.full, pytest.mark.timeout(1200)])]
)
def test_a_database_that_is_away_at_full_load_costs_bounded_memory_and_loses_nothing(
    start_worker: StartWorker,
    world: World,
    kafka: Kafka,
    topic: str,
    plain_database: str,
    postgres: Postgres,
    seconds: float,
    count: int,
) -> None:
    sent = len(produce(kafka.client(), topic, world.admission()))
    first, rest = range(PATIENTS), range(PATIENTS, PATIENTS + count)
    start = now_ms() - (rest.stop // PATIENTS + 1) * 60_000
    with start_worker(plain_database, waiting_mb=WAITING_MB, round_mb=ROUND_MB) as worker:
        sent += len(produce(kafka.client(), topic, load(world, start, first)))
        wait_for_ledger(plain_database, sent, 60)
        process = psutil.Process(worker.popen.pid)
        before, away, after = process.memory_info().rss, [0], [0]
        postgres.kill()
        end = time.monotonic() + seconds
        coming = spread(load(world, start, rest), count, seconds)
        filling = threading.Thread(target=lambda: produce(kafka.client(), topic, coming))
        filling.start()
        while time.monotonic() < end or filling.is_alive():
            away.append(process.memory_info().rss - before)
            time.sleep(0.1)
        postgres.start()
        sent += count
        limit = time.monotonic() + 120 + seconds
        while stored(plain_database) < sent:
            assert time.monotonic() < limit
            after.append(process.memory_info().rss - before)
            time.sleep(0.2)
        came, then, later = count * 4 // 1024, max(away) / MB, max(after) / MB
        print(f"{seconds} s away, {came} MB came: {then:.0f} MB more in use then, {later:.0f} after")
        assert max(away) < AWAY_MB * MB
        assert max(after) < AWAY_MB * MB + max(away) + STORING_MB * MB
        assert worker.popen.poll() is None
    with psycopg.connect(plain_database) as db:
        assert db.execute("SELECT count(*) FROM reading").fetchone() == (60 * rest.stop,)
