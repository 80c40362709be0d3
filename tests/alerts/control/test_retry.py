"""What was refused before its sender was enrolled, on a real database and a real log."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from alerts.care.admit import admit_patient
from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.gateways import add_gateway
from alerts.care.teams import add_team
from alerts.control.relay import new_producer
from alerts.control.retry import retry_enrolled
from alerts.database import now
from deploy.stack.kafka import Kafka
from devices.wire.batch import Kind, header
from devices.wire.control import Facts
from tests.alerts.conftest import Db
from tests.alerts.control.test_relay import ADA, MASTER, records
from tests.alerts.effect import take_effect


@pytest.fixture
def producer(kafka: Kafka) -> Producer:
    return new_producer(kafka.bootstrap)


def refused(db: Db, offset: int, record: bytes, patient: int, reason: str = "sender not enrolled") -> None:
    db.execute(
        "INSERT INTO rejected (topic_id, partition, at_offset, reading, reason, record, patient, gateway)"
        " VALUES ('x', %s, %s, -1, %s, %s, %s, 1)",
        [patient % 64, offset, reason, record, patient],
    )


def test_readings_refused_before_their_enrolment_are_appended_once_it_has_taken_effect(
    db: Db, kafka: Kafka, topic: str, producer: Producer
) -> None:
    with db.transaction():
        ada = admit_patient(db, MASTER, ADA, add_team(db, "North"), Facts(), by=1)
        home = add_gateway(db, "Home")
        belt = add_device(db, "belt", "ble", "C0:DE:00:00:00:01", 1)

    def record(kind: Kind, device: int, gateway: int = home) -> bytes:
        return bytes(header(kind, patient=ada, device=device, gateway=gateway, nonce=bytes(12)))

    good = record(Kind.SAMPLES, belt)
    rows = {
        1: good,
        2: record(Kind.EVENT, 0),  # a heartbeat
        3: record(Kind.SAMPLES, belt + 7),  # of a device that nobody has enrolled
        4: record(Kind.SAMPLES, belt, home + 7),  # of another gateway
        5: b"no record",
    }
    first = (db.execute("SELECT coalesce(max(sequence), 0) FROM control_outbox").fetchone() or (0,))[0]
    for n, value in rows.items():
        refused(db, n - 10 + first, value, ada)
    refused(db, first - 20, good, ada, "key revoked")
    assert retry_enrolled(db, producer, topic) == 0  # nothing has taken effect
    with db.transaction():
        give_consent(db, ada, True, by=1)
        enrol(db, MASTER, belt, ada, home, now(db), by=1)
    assert retry_enrolled(db, producer, topic) == 0
    take_effect(db)
    assert retry_enrolled(db, producer, topic) == 1
    assert retry_enrolled(db, producer, topic) == 0
    assert records(kafka, topic, 1) == [(ada % 64, ada.to_bytes(4, "little"), good)]
    last = (db.execute("SELECT max(at_offset) FROM control").fetchone() or (0,))[0]
    refused(db, last + 1, good, ada)  # refused again, behind the enrolment: another one has to come first
    assert retry_enrolled(db, producer, topic) == 0
    left = db.execute("SELECT at_offset FROM rejected WHERE retried IS NULL ORDER BY 1").fetchall()
    assert left == [(first - 20,), (last + 1,)]
