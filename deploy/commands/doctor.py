"""``vigil doctor``: what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, LiteralString

import psycopg
import typer
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from rich.console import Console

from deploy.settings import ServerSettings
from devices.batch import PARTITIONS
from devices.sealing import KEY_BYTES

_ANSWER_S: Final = 5.0
MUCH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` was found, and, where that is wrong, its ``cure``."""

    ok: bool
    what: str
    cure: str = ""

    def __str__(self) -> str:
        sentence = self.what if self.ok else f"{self.what}: {self.cure}"
        return ("[bold]ok[/bold]     " if self.ok else "[bold red]wrong[/bold red]  ") + sentence + "."


def register(app: typer.Typer) -> None:
    @app.command()
    def doctor() -> None:
        """Look at the key file, the database, Kafka, the ledger and the lag; say what to do.

        Ends with 1 if anything is wrong.

        Example: vigil doctor
        """
        console, settings = Console(), ServerSettings()
        findings = [each for check in CHECKS for each in check(settings)]
        for each in findings:
            console.print(str(each), highlight=False, soft_wrap=True)
        raise typer.Exit(0 if all(each.ok for each in findings) else 1)


def key_file(settings: ServerSettings) -> Iterator[Finding]:
    path = Path(settings.master_key_file)
    if not path.is_file():
        yield Finding(False, f"The master key file {path} is missing", "restore it; without it no record opens")
        return
    mode, size = path.stat().st_mode & 0o777, path.stat().st_size
    yield Finding(size == KEY_BYTES, f"The master key file has {size} bytes", "it must have 32, restore the right one")
    yield Finding(not mode & 0o077, f"The master key file has mode {mode:o}", f"run chmod 600 {path}")


def database(settings: ServerSettings) -> Iterator[Finding]:
    try:
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            if not _number(db, "SELECT (to_regclass('schema_version') IS NOT NULL)::int"):
                yield Finding(False, "The database has no tables yet", "run vigil migrate")
                return
            yield Finding(True, "The database answers and has its tables")
            count = _number(db, "SELECT count(*) FROM rejected WHERE at > now() - interval '1 day'")
            yield Finding(not count, f"{count} records or readings were refused in the last day", "see vigil rejected list")
            late = _number(
                db, "SELECT count(*) FROM control_outbox WHERE sent IS NULL AND created < now() - interval '30 s'"
            )
            yield Finding(not late, f"{late} control records wait for the log", "see that vigil notify runs")
    except psycopg.OperationalError as error:
        why = str(error).strip().splitlines()[-1]
        yield Finding(False, f"The database does not answer ({why})", "check VIGIL_DATABASE")


def topic(settings: ServerSettings) -> Iterator[Finding]:
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 2})
    try:
        there = admin.list_topics(timeout=_ANSWER_S).topics.get(settings.topic)
        if there is None:
            cure = f"create it with {PARTITIONS} partitions and message.timestamp.type=LogAppendTime"
            yield Finding(False, f"The topic {settings.topic} does not exist", cure)
            return
        resource = ConfigResource(ResourceType.TOPIC, settings.topic)
        options = admin.describe_configs([resource])[resource].result(_ANSWER_S)
    except KafkaException as error:
        yield Finding(False, f"Kafka does not answer ({error.args[0].str()})", "check VIGIL_KAFKA")
        return
    count, stamp = len(there.partitions), options["message.timestamp.type"].value
    yield Finding(count == PARTITIONS, f"The topic {settings.topic} has {count} partitions", f"it needs {PARTITIONS}")
    yield Finding(stamp == "LogAppendTime", f"Its time stamps are {stamp}", "set message.timestamp.type=LogAppendTime")


def ledger(settings: ServerSettings) -> Iterator[Finding]:
    try:
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            rows = db.execute("SELECT partition, next_offset FROM ledger WHERE topic = %s", (settings.topic,)).fetchall()
    except psycopg.Error:
        return  # said by the check of the database
    if not rows:
        yield Finding(False, "No worker has ever taken a partition", "start vigil worker")
        return
    consumer = Consumer({"bootstrap.servers": settings.kafka, "group.id": "vigil-doctor", "log_level": 2})
    behind = 0
    try:
        for partition, at in rows:
            low, high = _extent(consumer, TopicPartition(settings.topic, partition))
            behind += max(high - at, 0)
            if not low <= at <= high:
                what = f"Partition {partition}: the ledger stands at {at}, the log holds {low} to {high}"
                yield Finding(False, what, "its worker has stopped reading; restore the log, or see docs/operations.md")
    except KafkaException as error:
        yield Finding(False, f"The log cannot be compared with the ledger ({error.args[0].str()})", "try again in a minute")
        return
    finally:
        consumer.close()
    yield Finding(behind < MUCH, f"The workers are {behind} records behind", "start another worker")


def _extent(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """First and next offset; a partition whose leader is just being chosen is asked again."""
    end = time.monotonic() + _ANSWER_S
    while True:
        try:
            return consumer.get_watermark_offsets(partition, timeout=_ANSWER_S)  # type: ignore[no-any-return]
        except KafkaException:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _number(db: psycopg.Connection[tuple[int]], query: LiteralString) -> int:
    row = db.execute(query).fetchone()
    return row[0] if row else 0


CHECKS: tuple[Callable[[ServerSettings], Iterator[Finding]], ...] = (key_file, database, topic, ledger)
