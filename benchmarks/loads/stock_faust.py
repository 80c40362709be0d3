"""Stock Faust: its own transport, an agent that handles a message at a time, as its documentation recommends.

It opens each record, does the job of :mod:`benchmarks.loads.rolling` and, where ``BENCH_STORE`` says so, commits the
message's readings to the same wide table in a transaction of their own, so that its effect is as lasting as Vigil's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from benchmarks.loads.rolling import Arrays, Job, Plain
from benchmarks.loads.ward import VITALS
from benchmarks.peers.notes import Notes
from benchmarks.peers.stock_faust import faust_app, start, topic_of
from devices.sample import SAMPLE
from devices.vitals import VITALS as SPECS
from devices.wire.batch import HEADER, Kind
from devices.wire.sealing import open_record
from streams.store.data_keys import DatabaseKeyRing

_INSERT: Final = (
    "INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, {}) VALUES"
    " (%s, to_timestamp(%s / 1000.0), %s, %s, %s, to_timestamp(%s), %s, {}) ON CONFLICT DO NOTHING"
).format(", ".join(SPECS[v].column for v in VITALS), ", ".join(["%s"] * len(VITALS)))


def main() -> None:
    environment = os.environ
    with psycopg.connect(environment["VIGIL_DATABASE"], autocommit=True) as db:
        ring = DatabaseKeyRing(lambda: db, Path(environment["VIGIL_MASTER_KEY_FILE"]).read_bytes())
        keys = ring.get_many([key for (key,) in db.execute("SELECT key FROM data_key").fetchall()])
    job: Job = Plain() if environment["BENCH_READINGS"] == "1" else Arrays()
    notes, store = Notes(job), environment["BENCH_STORE"] == "1"
    app = faust_app(
        environment["BENCH_GROUP"], environment["VIGIL_KAFKA"], str(Path(environment["BENCH_OBSERVATION"]).parent),
        broker_session_timeout=6.0, broker_heartbeat_interval=1.0,
    )  # fmt: skip

    @app.agent(topic_of(app, environment["VIGIL_TOPIC"]))  # type: ignore[untyped-decorator]
    async def watch(stream: Any) -> None:
        database = await psycopg.AsyncConnection.connect(environment["VIGIL_DATABASE"], autocommit=True)
        async for event in stream.events():
            record = event.value
            head = np.frombuffer(record, HEADER, 1)[0]
            if head["kind"] == Kind.SAMPLES:
                key = keys[int(head["key"])]
                assert key is not None
                payload = open_record(record, key.aead)
                job.take(int(head["patient"]), payload)
                if store:
                    await commit(database, head, payload, event.message)
            notes.done(1)

    start(app)


async def commit(database: psycopg.AsyncConnection, head: Any, payload: bytes, message: Any) -> None:
    """The readings of one message, in one transaction."""
    rows: dict[int, list[Any]] = {}
    place = {int(vital): 7 + n for n, vital in enumerate(VITALS)}
    keys = int(head["patient"]), int(head["device"]), int(head["epoch"]), int(head["first"])
    for time, value, vital, _, reading in np.frombuffer(payload, SAMPLE).tolist():
        row = rows.get(reading)
        if row is None:
            row = rows[reading] = [
                keys[0], time, keys[1], keys[2], keys[3] + reading, message.timestamp, message.offset, *[None] * len(VITALS)
            ]  # fmt: skip
        row[place[vital]] = value
    async with database.transaction(), database.cursor() as cursor:
        await cursor.executemany(_INSERT, list(rows.values()))


if __name__ == "__main__":
    main()
