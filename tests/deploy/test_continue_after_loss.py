"""A log that really lost something, the worker that stops reading it, and ``vigil doctor --continue``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import TopicPartition
from typer.testing import CliRunner, Result

from alerts.control.outbox import send
from alerts.fold.fold import fold_conditions
from deploy.cli import build
from deploy.continue_after_loss import plan
from deploy.errors import DeployError
from deploy.settings import ServerSettings
from deploy.stack.kafka import Kafka
from devices.vitals import Vital
from devices.wire.control import Limits
from streams.engine.condition import Condition, Priority
from tests.fix_worker import StartWorker
from tests.streams.producing import Record, World, now_ms, produce, stored_values
from tests.streams.worker.worker_process import wait_for, wait_for_ledger

pytestmark = [pytest.mark.stack, pytest.mark.partitions(4)]
CUT, GROWN, EXPIRED = 1, 2, 3
Doctor = Callable[..., Result]
REASONS = {
    CUT: "the log was cut back",
    GROWN: "the log was cut back and has grown again",
    EXPIRED: "records not yet stored have expired",
}


def batches(world: World, patient: int, t: int, count: int) -> list[Record]:
    return [world.batch(patient, [(t + n * 1000, {Vital.HEART_RATE: 60.0 + n})]) for n in range(count)]


def cut(kafka: Kafka, topic: str, *partitions: int) -> None:
    """A broker that comes back without what it had not written to its disk: here, without all of it."""
    kafka.kill()
    for partition in partitions:
        folder = kafka.home / "broker-1/data" / f"{topic}-{partition}"
        for path in folder.iterdir():
            if path.name != "partition.metadata":
                path.unlink()
    shutil.rmtree(kafka.home / "broker-1/data/.kafka_cleanshutdown", ignore_errors=True)
    kafka.spawn()
    kafka.wait()


def expire(kafka: Kafka, topic: str, partition: int, before: int) -> None:
    admin = kafka.admin()
    for future in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        future.result(15)


@pytest.fixture
def settings(plain_database: str, kafka: Kafka, topic: str, home: Path) -> ServerSettings:
    return ServerSettings(database=plain_database, kafka=kafka.bootstrap, topic=topic, master_key_file=home / "master.key")


@pytest.fixture
def doctor(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    for name, value in settings.model_dump().items():
        monkeypatch.setenv(f"VIGIL_{name.upper()}", str(value))

    def run(*arguments: str, **more: Any) -> Result:
        return CliRunner().invoke(build(["doctor"]), ["doctor", *arguments], **more)

    return run


def onset(partition: int) -> Condition:
    return Condition(
        partition, int(time.time()), partition, "log_damaged", 0, "onset", Priority.HIGH, "technical", of="partition"
    )


def test_a_damaged_log_stops_reading_until_somebody_decides_to_go_on(
    start_worker: StartWorker,
    world: World,
    kafka: Kafka,
    topic: str,
    plain_database: str,
    settings: ServerSettings,
    doctor: Doctor,
) -> None:
    t = now_ms() - 60_000
    with start_worker(plain_database) as worker:
        first = [*world.admission(), *(one for p in world.patients for one in batches(world, p, t, 3))]
        produce(kafka.client(), topic, first)
        wait_for_ledger(plain_database, len(first))
        assert worker.stop() == 0
    cut(kafka, topic, CUT, GROWN)
    begin = now_ms()
    lost = {p: batches(world, p, begin, 3) for p in (CUT, GROWN, EXPIRED)}  # the log has lost these …
    produce(kafka.client(), topic, lost[CUT] + lost[GROWN] * 3 + lost[EXPIRED])
    expire(kafka, topic, EXPIRED, 7)
    with psycopg.connect(plain_database) as db:
        fold_conditions(db, [onset(p) for p in REASONS])
        before = db.execute("SELECT partition, next_offset, topic_id FROM ledger ORDER BY partition").fetchall()
    with start_worker(plain_database, group=f"{topic}-next") as worker:
        wait_for(plain_database, "SELECT count(*) FROM ledger WHERE damage IS NOT NULL", lambda n: n == 3)
        with psycopg.connect(plain_database) as db:
            query = "SELECT partition, detail->>'why' FROM test_condition WHERE rule = 'log_damaged' AND phase = 'onset'"
            assert dict(db.execute(query).fetchall()) == REASONS
            assert db.execute("SELECT partition, next_offset, topic_id FROM ledger ORDER BY partition").fetchall() == before
            assert db.execute("SELECT count(*) FROM control").fetchone() == (8,)
        output = doctor().output
        for partition, reason in REASONS.items():
            assert f"Partition {partition} is not read, {reason}: the ledger stands at" in output
            assert f"restore the log, or run vigil doctor --continue {partition}." in output
        with pytest.raises(DeployError, match="goes on where its ledger stands"):
            plan(settings, [0])
        refused = doctor("--continue", "1", "2", "3", input="n\n")
        assert "Partition 2, the log was cut back and has grown again: the ledger goes from 5 to 0" in refused.output
        assert refused.exit_code == 1
        with psycopg.connect(plain_database) as db:
            assert db.execute("SELECT partition, next_offset, topic_id FROM ledger ORDER BY partition").fetchall() == before
        with psycopg.connect(plain_database) as db:  # sent, and lost with the log
            lost_limits = send(db, CUT, Limits(), by=1)
            db.execute("UPDATE control_outbox SET sent = now(), epoch = 1")
        done = doctor("--continue", "1", "2", "3", "--yes")
        with psycopg.connect(plain_database) as db:
            assert db.execute("SELECT sequence FROM control_outbox WHERE sent IS NULL").fetchall() == [(lost_limits,)]
        assert done.exit_code == 0, done.output
        at = "SELECT array_agg(next_offset ORDER BY partition) FROM ledger"
        wait_for(plain_database, at, lambda found: found == [0, 3, 9, 8])
        # … and the gateways send them again: what had been stored, and what the log still held, is not stored twice
        more = [one for p in (CUT, GROWN, EXPIRED) for one in lost[p]] + batches(world, 65, begin, 2)
        produce(kafka.client(), topic, more)
        wait_for(plain_database, at, lambda found: found == [0, 8, 12, 11])
        assert worker.stop() == 0
    for patient in (1, 2, 3):
        values = [t + n * 1000 for n in range(3)] + [begin + n * 1000 for n in range(3)]
        assert [at for at, _ in stored_values(plain_database, patient)] == values
    with psycopg.connect(plain_database) as db:
        assert db.execute("SELECT count(*) FROM rejected").fetchone() == (0,)  # enrolments are known without the log
        assert db.execute("SELECT subject FROM audit WHERE action = 'continue partition' ORDER BY 1").fetchall() == [
            (f"partition {p}",) for p in REASONS
        ]
        assert db.execute("SELECT count(*) FROM alarm WHERE rule = 'log_damaged' AND active").fetchone() == (0,)
        asked = "SELECT count(*), bool_and(resend_since < to_timestamp(%s)) FROM gateway WHERE resend_asked IS NOT NULL"
        assert db.execute(asked, [begin / 1000]).fetchone() == (4, True)
        assert db.execute("SELECT count(*) FROM control").fetchone() == (8,)
        offsets = db.execute("SELECT at_offset FROM control WHERE partition IN (1, 2)").fetchall()
        assert all(offset < 0 for (offset,) in offsets)  # below all that is appended from now on
    assert "is not read" not in doctor().output
