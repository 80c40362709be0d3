"""Records that were refused because their sender was not enrolled: appended again once the enrolment has taken effect.

A gateway learns of a patient and a device only once both have taken effect, so such records are rare: those of an older
gateway, of one that was replaced, of a log that was cut back.  Each is tried once; what is refused again is a new row, and
is tried again only after another enrolment.  Heartbeats are not: an old one proves nothing.
"""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
import structlog
from confluent_kafka import KafkaError, Message, Producer

from alerts.errors import RelayError
from devices.errors import MalformedBatchError
from devices.wire.batch import HEADER, Kind, key_of, parse_header
from devices.wire.control import Consent, Control, Enrolment, decode_control

AT_ONCE: Final = 500
EVERY_S: Final = 5.0
NOT_ENROLLED: Final = "sender not enrolled"
"""As :mod:`streams.engine.admission.senders` gives it."""
_WAIT_S: Final = 35.0  # a little longer than Kafka's own delivery timeout

_log = structlog.get_logger(__name__)

_REFUSED: Final = f"""
SELECT r.topic_id, r.partition, r.at_offset, r.reading, r.record, e.payload::text, c.payload::text
FROM rejected r
JOIN LATERAL (SELECT at_offset, payload FROM control WHERE patient = r.patient AND kind = 'enrolment'
              ORDER BY at_offset DESC LIMIT 1) e ON true
JOIN LATERAL (SELECT at_offset, payload FROM control WHERE patient = r.patient AND kind = 'consent'
              ORDER BY at_offset DESC LIMIT 1) c ON true
WHERE r.reason = '{NOT_ENROLLED}' AND r.retried IS NULL AND r.record IS NOT NULL AND r.patient > 0
  AND r.at_offset < greatest(e.at_offset, c.at_offset)
ORDER BY r.partition, r.at_offset LIMIT %s"""
_RETRIED: Final = """
UPDATE rejected SET retried = clock_timestamp() WHERE (topic_id, partition, at_offset, reading) IN (
    SELECT * FROM unnest(%s::text[], %s::int4[], %s::int8[], %s::int4[]))"""
Place = tuple[str, int, int, int]


def retry_enrolled(db: psycopg.Connection[Any], producer: Producer, topic: str) -> int:
    """Append again what the enrolments in effect admit now, at most :data:`AT_ONCE` records; return their number.

    What they do not admit is looked at no more.  ``db`` is in autocommit mode.

    Raises:
        RelayError: a record was not acknowledged; it is tried again at the next call.
    """
    rows = db.execute(_REFUSED, [AT_ONCE]).fetchall()
    wanted = [(row[:4], bytes(row[4])) for row in rows if _is_admitted(bytes(row[4]), row[5], row[6])]
    done, problem = _append(producer, topic, wanted)
    looked = [row[:4] for row in rows if row[:4] not in {place for place, _ in wanted}]
    if settled := [*done, *looked]:
        db.execute(_RETRIED, [list(column) for column in zip(*settled, strict=True)])
    if problem is not None:
        raise RelayError(problem, len(done))
    if done:
        _log.warning("records whose sender is enrolled now were appended again", records=len(done))
    return len(done)


def _is_admitted(record: bytes, enrolment: str, consent: str) -> bool:
    try:
        head = parse_header(record[: HEADER.itemsize])[0]
        enrolled, agreed = (_decoded(text) for text in (enrolment, consent))
    except (MalformedBatchError, IndexError):
        return False
    if not (isinstance(enrolled, Enrolment) and isinstance(agreed, Consent) and agreed.given):
        return False
    device, gateway = int(head["device"]), int(head["gateway"])
    if device == 0:
        return int(head["kind"]) == Kind.SAMPLES and gateway in (0, *enrolled.gateways)
    return any(one.device == device and gateway in (0, one.gateway) for one in enrolled.devices)


def _decoded(payload: str) -> Control:
    return decode_control(payload.encode())


def _append(producer: Producer, topic: str, wanted: list[tuple[Place, bytes]]) -> tuple[list[Place], str | None]:
    """The records that Kafka acknowledged, and the reason for which one was not."""
    done: list[Place] = []
    problems: list[str] = []

    def reported(place: Place) -> Any:
        def report(error: KafkaError | None, _: Message) -> None:
            if error is None:
                done.append(place)
            else:
                problems.append(str(error.name()))

        return report

    for place, record in wanted:
        patient = int(parse_header(record[: HEADER.itemsize])["patient"][0])
        producer.produce(topic, record, key_of(patient), place[1], on_delivery=reported(place))
    end = time.monotonic() + _WAIT_S
    while len(done) + len(problems) < len(wanted) and time.monotonic() < end:
        producer.poll(0.1)
    if len(done) < len(wanted) and not problems:
        problems.append("no acknowledgement in time")
    return done, problems[0] if problems else None
