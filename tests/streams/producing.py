"""Records of a small world appended to a topic, its rows in the database, and what is stored of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg
from confluent_kafka import Producer

from devices.vitals import Vital
from devices.wire.keys import key_binding
from devices.wire.sealing import wrap
from simulators import sealed_log
from simulators.sealed_log import DESK_EPOCH, OUTBOX_EPOCH, Record, clock, now_ms
from streams.engine.opening.keyring import FixedKeyRing, OpenKey

__all__ = [
    "DAY_MS",
    "DESK_EPOCH",
    "OUTBOX_EPOCH",
    "Client",
    "Record",
    "World",
    "clock",
    "now_ms",
    "produce",
    "stored_values",
]

Client = Mapping[str, str | int | float | bool]
"""Options of a Kafka client."""
DAY_MS = 86_400_000


class World(sealed_log.World):
    """A world of sealed records with its rows in the database."""

    def ring(self) -> FixedKeyRing:
        return FixedKeyRing({key: OpenKey(s, p, g) for key, (p, g, s) in self.secrets.items()})

    def seed(self, url: str) -> None:
        """Rows for all of it, as the desk would have written them."""
        with psycopg.connect(url) as db, db.cursor() as cursor:
            cursor.execute("INSERT INTO care_team (team, name) OVERRIDING SYSTEM VALUE VALUES (1, 'team')")
            for patient in self.patients:
                gateway, device = self.gateway(patient), self.device(patient)
                cursor.execute("INSERT INTO patient (patient, identity, team) VALUES (%s, '', 1)", [patient])
                cursor.execute("INSERT INTO gateway (gateway, name) VALUES (%s, '')", [gateway])
                cursor.execute(
                    "INSERT INTO device (device, name, source, address) VALUES (%s, '', 'mqtt', %s)", [device, str(device)]
                )
                cursor.execute(
                    "INSERT INTO enrolment (device, patient, gateway, since) VALUES (%s, %s, %s, '2020-01-01+00')",
                    [device, patient, gateway],
                )
            cursor.executemany(
                "INSERT INTO data_key (key, patient, gateway, wrapped) VALUES (%s, %s, %s, %s)",
                [(key, p, g, wrap(s, self.master, key_binding(p, g))) for key, (p, g, s) in self.secrets.items()],
            )


def produce(client: Client, topic: str, records: Iterable[Record]) -> list[int]:
    """Append all and wait until each is acknowledged; their offsets, in order."""
    producer = Producer({**client, "enable.idempotence": True, "linger.ms": 5})
    offsets: dict[int, int] = {}

    def delivered(n: int) -> Callable[[object, Any], None]:
        def note(error: object, message: Any) -> None:
            assert error is None, error
            assert message.offset() is not None, "reported as delivered, and not in the log (docs/decisions/0010)"
            offsets[n] = message.offset()

        return note

    sent = 0
    for n, record in enumerate(records):
        producer.produce(topic, record.value, record.key, record.partition, on_delivery=delivered(n))
        producer.poll(0)
        sent += 1
    assert producer.flush(30) == 0
    return [offsets[n] for n in range(sent)]


def stored_values(url: str, patient: int) -> list[tuple[int, dict[str, float]]]:
    """The rows of ``reading`` of a patient, by time: (ms, column -> value of usable values)."""
    columns = ", ".join(f"'{v.name.lower()}', {v.name.lower()}" for v in Vital)
    with psycopg.connect(url) as db:
        rows = db.execute(
            f"SELECT (extract(epoch FROM time) * 1000)::int8, json_strip_nulls(json_build_object({columns}))::text"
            " FROM reading WHERE patient = %s ORDER BY time, device, epoch, sequence",
            [patient],
        ).fetchall()
    return [(ms, json.loads(values)) for ms, values in rows]
