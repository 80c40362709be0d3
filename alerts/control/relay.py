"""The relay: control records from the desk's outbox into the log, in order and at least once.

An advisory lock of the session allows one relay at a time, and is a lease: the server ends the session of a relay that asks
nothing for :data:`LEASE_S`, or whose host is gone, and another goes on.  Where a stopped one wakes and still sends, the
engine has seen what it sends.  A record is marked sent only after Kafka has acknowledged it, so
a relay that dies sends it again; the engine drops a repeated (epoch, sequence).  Each partition gets its next record only
after the last one is acknowledged: if a later record overtook an earlier one, the engine would drop the earlier.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog
from confluent_kafka import KafkaError, Message, Producer

from alerts.control import observations
from alerts.control.data_keys import DESK, current_key
from alerts.control.outbox import CONTROL_CHANNEL, WHOLE_PARTITION
from alerts.control.overtaken import number_anew
from alerts.control.restored import begin_new_epoch, desk_epoch, sign_of_restore
from alerts.control.retry import AT_ONCE as RETRIED_AT_ONCE
from alerts.control.retry import EVERY_S as RETRY_EVERY_S
from alerts.control.retry import retry_enrolled
from alerts.database import connect, epoch_ms, scalar, wait_for_hint
from alerts.errors import RelayError
from alerts.settings import NotifySettings
from devices.errors import MalformedBatchError, SealError
from devices.wire.batch import PARTITIONS, Kind, header, key_of, partition_of
from devices.wire.control import decode_control, encode_control
from devices.wire.keys import read_master_key
from devices.wire.sealing import new_nonce, seal

LEASE_S: Final = 10
"""Whoever is stopped holds up limits, consent and enrolments no longer."""
AT_ONCE: Final = 500
"""Records read from the outbox in one turn."""
_LOCK: Final = 0x56494752  # "VIGR"
_RENEW_S: Final = 3.0
_WAVE_S: Final = 35.0  # a little longer than Kafka's own delivery timeout below

_log = structlog.get_logger(__name__)

_WAITING: Final = f"""
SELECT o.sequence, o.patient, o.payload::text, {epoch_ms("o.created")}, o.patient = 0 OR p.patient IS NOT NULL
FROM control_outbox o LEFT JOIN patient p USING (patient) WHERE o.sent IS NULL ORDER BY o.sequence LIMIT %s"""
_SENT: Final = "UPDATE control_outbox SET sent = clock_timestamp(), epoch = %s WHERE sequence = ANY(%s)"


@dataclass(slots=True)
class _Sending:
    """A record; ``left``: the number of partitions that have not acknowledged it."""

    sequence: int
    patient: int
    record: bytes
    left: int


def run_relay(settings: NotifySettings, stop: threading.Event) -> None:
    """Relay until ``stop``, or until a fault; the supervisor then begins it again, and what is not marked is sent again.

    Raises:
        MasterKeyError: the master key cannot be used.
        psycopg.Error, KafkaException, RelayError: the database or Kafka is away.
    """
    master = read_master_key(settings.master_key_file)
    with connect(settings.database, "relay", idle_s=LEASE_S) as db:
        producer = new_producer(settings.kafka)
        try:
            _relay(db, producer, master, settings, stop)
        finally:
            producer.purge()


def new_producer(kafka: str) -> Producer:
    """An idempotent producer whose every record is acknowledged by all in-sync replicas, or refused within 30 s."""
    return Producer(
        {
            "bootstrap.servers": kafka,
            "client.id": "vigil-relay",
            "acks": "all",
            "enable.idempotence": True,
            "max.in.flight.requests.per.connection": 1,  # docs/decisions/0010-one-request-in-flight.md
            "delivery.timeout.ms": 30_000,
            "socket.timeout.ms": 10_000,
            "linger.ms": 0,
            "allow.auto.create.topics": False,  # else without vigil topic create there is one of one partition
        }
    )


def send_waiting(
    db: psycopg.Connection[Any],
    producer: Producer,
    master: bytes,
    *,
    topic: str,
    stop: threading.Event | None = None,
) -> int:
    """Send waiting records, at most :data:`AT_ONCE`; return the number that were acknowledged and marked.

    ``db`` is in autocommit mode and holds the relay's lock (:func:`hold_lock`).  Records of an erased patient are
    marked and not sent, those of a patient whose key does not open wait.

    Raises:
        RelayError: a record was not acknowledged; the acknowledged ones are marked.
    """
    rows = db.execute(_WAITING, [AT_ONCE]).fetchall()
    if not rows:
        return 0
    if reason := sign_of_restore(db):
        _begin_again(db, reason)
        rows = db.execute(_WAITING, [AT_ONCE]).fetchall()
    epoch = desk_epoch(db)
    queues: dict[int, list[_Sending]] = defaultdict(list)
    done: list[int] = []
    unsealed: dict[int, str] = {}
    for sequence, patient, payload, created, known in rows:
        try:
            record = _sealed(db, master, epoch, sequence, patient, payload, created) if known else None
        except SealError as error:  # it waits; those of other patients go on
            unsealed[patient] = error.reason
            continue
        if record is None:
            reason = "unreadable" if known else "its patient is gone"
            _log.warning("control record not sent", sequence=sequence, reason=reason)
            done.append(sequence)
            continue
        partitions = range(PARTITIONS) if patient == WHOLE_PARTITION else [partition_of(patient)]
        sending = _Sending(sequence, patient, record, len(partitions))
        for partition in partitions:
            queues[partition].append(sending)
    if number_anew(db, epoch, sorted({one.sequence for queue in queues.values() for one in queue})):
        return send_waiting(db, producer, master, topic=topic, stop=stop)
    problem: str | None = None
    for records in itertools.zip_longest(*queues.values()):
        wave = {partition: one for partition, one in zip(queues, records, strict=True) if one}
        problem = _send_wave(db, producer, topic, wave, stop)
        done += sorted({one.sequence for one in wave.values() if one.left == 0})
        if problem is not None:
            break
    if done:
        db.execute(_SENT, [epoch, done])
    if problem is not None:
        raise RelayError(problem, len(done))
    for patient, reason in unsealed.items():
        _log.error("a patient's control records wait: the desk's key of theirs is damaged", patient=patient, reason=reason)
    return len(done)


def send_observations(
    db: psycopg.Connection[Any], producer: Producer, master: bytes, *, topic: str, stop: threading.Event | None = None
) -> int:
    """Send manual observations that wait, at most :data:`AT_ONCE`, after the control records; return how many were sent.

    One that cannot be read is logged and passed over, those of a patient whose key does not open wait.  Errors as
    :func:`send_waiting`.
    """
    found = observations.waiting(db)
    if not found:
        return 0
    epoch = desk_epoch(db)
    queues: dict[int, list[_Sending]] = defaultdict(list)
    done: list[int] = []
    for one in found:
        try:
            record = observations.sealed(db, master, epoch, one)
        except SealError as error:
            _log.error(
                "a patient's observations wait: the desk's key of theirs is damaged",
                patient=one.patient,
                reason=error.reason,
            )
            continue
        if record is None:
            _log.warning("observation not sent", observation=one.number, reason="unreadable")
            done.append(one.number)
            continue
        queues[partition_of(one.patient)].append(_Sending(one.number, one.patient, record, 1))
    problem: str | None = None
    for records in itertools.zip_longest(*queues.values()):
        wave = {partition: one for partition, one in zip(queues, records, strict=True) if one}
        problem = _send_wave(db, producer, topic, wave, stop)
        done += sorted(one.sequence for one in wave.values() if one.left == 0)
        if problem is not None:
            break
    if done:
        observations.mark_sent(db, epoch, done)
    if problem is not None:
        raise RelayError(problem, len(done))
    return len(done)


def hold_lock(db: psycopg.Connection[Any]) -> bool:
    """True if this session is the relay; it remains the relay until it ends."""
    return bool(scalar(db, "SELECT pg_try_advisory_lock(%s)", [_LOCK]))


def _begin_again(db: psycopg.Connection[Any], reason: str) -> None:
    """A restored database whose epoch nobody renewed: this does it, before the engine drops what is sent."""
    with db.transaction():
        renewed = begin_new_epoch(db, f"noticed by the relay: {reason}")
    _log.error(
        "this database was restored: everything is sent again under a new epoch; run vigil doctor",
        reason=reason,
        records=renewed.records,
    )


def _relay(
    db: psycopg.Connection[Any], producer: Producer, master: bytes, settings: NotifySettings, stop: threading.Event
) -> None:
    while not stop.is_set() and not hold_lock(db):
        stop.wait(settings.poll_s)
    if reason := sign_of_restore(db):
        _begin_again(db, reason)
    db.execute(f"LISTEN {CONTROL_CHANNEL}")
    retry_due = 0.0
    while not stop.is_set():
        sent = send_waiting(db, producer, master, topic=settings.topic, stop=stop)
        if sent < AT_ONCE:
            sent = max(sent, send_observations(db, producer, master, topic=settings.topic, stop=stop))
        if sent:
            _log.info("control records sent", records=sent)
        if (now := time.monotonic()) >= retry_due and retry_enrolled(db, producer, settings.topic) < RETRIED_AT_ONCE:
            retry_due = now + RETRY_EVERY_S
        if sent < AT_ONCE:
            wait_for_hint(db, settings.poll_s)


def _sealed(
    db: psycopg.Connection[Any], master: bytes, epoch: int, sequence: int, patient: int, payload: str, created: int | None
) -> bytes | None:
    try:
        control = decode_control(payload.encode())
    except MalformedBatchError:
        return None
    key, secret = current_key(db, master, patient, DESK)
    clear = header(
        Kind.CONTROL,
        patient=patient,
        gateway=DESK,
        key=key,
        first=sequence,
        epoch=epoch,
        received=created or 0,
        nonce=new_nonce(),
    )
    return seal(clear, encode_control(control), secret)


def _send_wave(
    db: psycopg.Connection[Any], producer: Producer, topic: str, wave: dict[int, _Sending], stop: threading.Event | None
) -> str | None:
    """Send one record to each partition and keep the lease; return the reason why one was not acknowledged, or ``None``."""
    problems: list[str] = []
    left = len(wave)

    def reported(sending: _Sending) -> Any:
        def report(error: KafkaError | None, _: Message) -> None:
            nonlocal left
            left -= 1
            if error is None:
                sending.left -= 1
            else:
                problems.append(str(error.name()))

        return report

    for partition, sending in wave.items():
        producer.produce(topic, sending.record, key_of(sending.patient), partition, on_delivery=reported(sending))
    renewed = time.monotonic()
    end = renewed + _WAVE_S
    while left and (now := time.monotonic()) < end and not (stop and stop.is_set()):
        if now - renewed > _RENEW_S:
            db.execute("SELECT 1")
            renewed = now
        producer.poll(0.1)
    return problems[0] if problems else "no acknowledgement in time" if left else None
