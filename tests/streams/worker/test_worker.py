from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.stack.kafka import Kafka
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.batch import Kind, parse_header
from devices.wire.event import Heartbeat
from streams.errors import BrokersAwayError
from streams.worker.settings import WorkerSettings
from streams.worker.worker import run
from tests.fix_worker import StartWorker
from tests.streams.engine.opening.test_opening import bad_records, payload
from tests.streams.producing import DAY_MS, Record, World, clock, now_ms, produce, stored_values
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

HR, SPO2, TEMPERATURE = Vital.HEART_RATE, Vital.SPO2, Vital.TEMPERATURE
Readings = list[tuple[int, dict[Vital, float]]]
pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]


def readings(start: int, n: int, every: int = 1000, base: int = 60) -> Readings:
    return [(start + i * every, {HR: float(base + i % 40), SPO2: float(97 - i % 3)}) for i in range(n)]


def as_stored(readings: Readings) -> list[tuple[int, dict[str, float]]]:
    return [(t, {vital.name.lower(): value for vital, value in values.items()}) for t, values in readings]


def test_what_is_produced_is_stored_value_by_value(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    t = now_ms() - 120_000
    sent = {patient: readings(t, 60, base=50 + patient) for patient in world.patients}
    records = world.admission()
    records += [world.batch(p, some[i : i + 20]) for p, some in sent.items() for i in range(0, 60, 20)]
    records += [world.event(1, Heartbeat(t))]
    with start_worker(plain_database) as worker:
        produce(kafka.client(), topic, records)
        wait_for_ledger(plain_database, len(records))
        assert worker.stop() == 0
    for patient, some in sent.items():
        assert stored_values(plain_database, patient) == as_stored(some)
    with psycopg.connect(plain_database) as db:
        assert db.execute("SELECT count(*) FROM rejected").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM event").fetchone() == (1,)
        assert db.execute("SELECT count(*), min(value) FROM latest WHERE vital = 1").fetchone() == (4, 51 + 19)


def test_what_producers_compress_is_read_whichever_way(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, plain_database: str
) -> None:
    t = now_ms() - 120_000
    records = world.admission()
    with start_worker(plain_database) as worker:
        produce(kafka.client(), topic, records)
        for n, codec in enumerate(("gzip", "snappy", "lz4", "zstd")):
            some = [world.batch(1, readings(t + n * 20_000, 20)), clock(0), world.event(1, Heartbeat(t + n))]
            records += some
            produce(kafka.client() | {"compression.type": codec}, topic, some)
        wait_for_ledger(plain_database, len(records))
        assert worker.stop() == 0
    assert len(stored_values(plain_database, 1)) == 80
    with psycopg.connect(plain_database) as db:
        assert db.execute("SELECT count(*) FROM rejected").fetchone() == (0,)


def test_a_worker_leaves_nothing_in_the_folder_it_starts_in(
    start_worker: StartWorker, plain_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("here", "scratch"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path / "here")
    with start_worker(plain_database, clock=True) as worker:
        wait_for_ledger(plain_database, 4, at_least=True)
        assert worker.stop() == 0
    assert not list(tmp_path.glob("*/*"))


def test_a_worker_appends_a_clock_record_a_second(
    start_worker: StartWorker, kafka: Kafka, topic: str, plain_database: str
) -> None:
    with start_worker(plain_database, clock=True) as worker:
        wait_for_ledger(plain_database, 12, at_least=True)
        assert worker.stop() == 0
    with psycopg.connect(plain_database) as db:
        assert db.execute("SELECT count(*) FROM ledger WHERE next_offset > 0").fetchone() == (4,)
        assert db.execute("SELECT count(*) FROM rejected").fetchone() == (0,)


def test_a_wrong_clock_is_a_technical_alarm_of_its_partitions_until_it_is_right_again(
    start_worker: StartWorker, kafka: Kafka, topic: str, plain_database: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("20")
    reported = (
        "SELECT count(DISTINCT partition) FROM test_condition WHERE rule = 'clock_skew' AND phase = '{}' AND source = 0"
    )
    with start_worker(plain_database, clock=True, TEST_CLOCK_WRONG_S=wrong) as worker:
        wait_for(plain_database, reported.format("onset"), lambda n: n == 4)
        wrong.write_text("0")
        wait_for(plain_database, reported.format("end"), lambda n: n == 4)
        assert worker.stop() == 0
    with psycopg.connect(plain_database) as db:
        query = "SELECT phase, (detail->>'seconds')::float8 FROM test_condition WHERE rule = 'clock_skew'"
        rows = db.execute(query).fetchall()
    assert len(rows) == 8, "each reported once"
    assert all(-20 < seconds < -19 for phase, seconds in rows if phase == "onset")


def test_the_last_clock_records_of_a_worker_that_is_asked_to_end_announce_the_silence(
    start_worker: StartWorker, kafka: Kafka, topic: str, plain_database: str
) -> None:
    with start_worker(plain_database, clock=True, silence_min=7) as worker:
        wait_for_ledger(plain_database, 4, at_least=True)
        assert worker.stop() == 0
    counts: dict[int, list[int]] = {}
    consumer = Consumer({**kafka.client(), "group.id": topic})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(4)])
    end = time.monotonic() + 30
    while sum(7 in announced for announced in counts.values()) < 4 and time.monotonic() < end:
        for message in consumer.consume(500, 0.2):
            counts.setdefault(message.partition(), []).append(int(parse_header(message.value())[0]["count"]))
    consumer.close()
    assert {partition: (minutes[-1], set(minutes[:-1])) for partition, minutes in counts.items()} == dict.fromkeys(
        range(4), (7, {0})
    )


def test_a_worker_that_no_broker_answers_says_so(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.worker.worker.BROKERS_S", 1.0)
    monkeypatch.setattr("streams.kafka.log._TOPIC_S", 1.0)
    settings = WorkerSettings(database="postgresql:///", kafka="127.0.0.1:9", master_key_file=world.write_master(tmp_path))
    with pytest.raises(BrokersAwayError, match=r"^Kafka at 127.0.0.1:9 did not answer in 1 s: check VIGIL_KAFKA"):
        run(settings, [], lambda *_: None)


def bad_readings(world: World, t: int) -> list[tuple[str, int, Record]]:
    """(reason, reading or -1, record): what is refused though its record opens."""

    def one(time: int, value: float, vital: int, status: int, device: int = 1001, first: int = 0) -> Record:
        rows = payload((time, value, vital, status, 0))
        return world.record(Kind.SAMPLES, rows, patient=1, device=device, gateway=101, first=first)

    return [
        ("sender not enrolled", -1, one(t, 60.0, HR, 0, device=4711)),
        ("sender not enrolled", -1, world.batch(65, [(t, {HR: 60.0})])),
        ("no number, though its status is ok", 0, one(t, float("nan"), HR, 0, first=900)),
        ("unknown vital", 0, one(t, 60.0, 200, 0, first=901)),
        ("unknown status", 0, one(t, 60.0, HR, 99, first=902)),
        ("older than 30 days", 0, one(t - 31 * DAY_MS, 60.0, HR, 0, first=903)),
        ("older than 30 days", 0, one(1000, 60.0, HR, 0, first=904)),
        ("more than a day ahead of the clock", 0, one(4_102_444_800_000, 60.0, HR, 0, first=905)),
        ("time out of range", 0, one(2**60, 60.0, HR, 0, first=906)),
    ]


def test_bad_input_is_rejected_with_its_reason_and_its_neighbours_are_stored(
    start_worker: StartWorker, world: World, kafka: Kafka, topic: str, database: str
) -> None:
    t = now_ms() - 10_000
    bad = [(reason, -1, one) for reason, one in bad_records(world)] + bad_readings(world, t)
    records = world.admission([1]) + world.admission([2], since=t)
    for n, (_, _, one) in enumerate(bad):
        records += [one, world.batch(1, [(t + n, {HR: 70.0})])]
    ahead, early = world.batch(1, [(t + 3_600_000, {HR: 71.0})]), world.batch(2, [(t - 1000, {HR: 72.0})])
    records += [ahead, early]
    offsets = produce(kafka.client(), topic, records)
    with start_worker(database) as worker:
        wait_for_ledger(database, len(records))
        assert worker.stop() == 0
    at = {id(record): (record.partition, offset) for record, offset in zip(records, offsets, strict=True)}
    expected = [(*at[id(one)], reading, reason, one.value if reading < 0 else None) for reason, reading, one in bad]
    with psycopg.connect(database) as db:
        found = db.execute("SELECT partition, at_offset, reading, reason, record FROM rejected ORDER BY 1, 2, 3").fetchall()
        assert found == sorted(expected)
        kept = db.execute("SELECT heart_rate, heart_rate_status, count(*) FROM reading GROUP BY 1, 2 ORDER BY 1").fetchall()
        assert kept == [(70, None, len(bad)), (71, Status.CLOCK_UNSURE, 1)]
        apart = db.execute("SELECT partition, at_offset, reason, patient, record FROM quarantine").fetchall()
        assert apart == [(*at[id(early)], "measured outside the enrolment of its device", 2, early.value)]
