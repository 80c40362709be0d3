"""``vigil rejected``: records that the worker refused, with the reason, and a second try."""

from __future__ import annotations

from typing import Annotated, Final

import psycopg
import typer
from confluent_kafka import Producer
from psycopg.rows import tuple_row
from rich.console import Console
from rich.table import Table

from deploy.errors import DeployError
from deploy.settings import ServerSettings
from devices.errors import MalformedBatchError
from devices.wire.batch import HEADER, key_of, parse_header

_DELIVERY_S: Final = 30
Row = tuple[str, int, int, int, bytes]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="List what was refused, with its reason, and try it again.", no_args_is_help=True)
    commands.command("list")(show)
    commands.command()(retry)
    app.add_typer(commands, name="rejected")


def show(limit: Annotated[int, typer.Option(help="at most so many rows")] = 50) -> None:
    """List what was refused: counts by reason, then the newest records.

    Example: vigil rejected list --limit 20
    """
    console = Console()
    with psycopg.connect(ServerSettings().database) as db:
        counts = db.execute("SELECT reason, count(*) FROM rejected GROUP BY reason ORDER BY 2 DESC").fetchall()
        newest = db.execute(
            "SELECT partition, at_offset, reading, reason, at, retried IS NOT NULL FROM rejected ORDER BY at DESC LIMIT %s",
            (limit,),
        ).fetchall()
    if not counts:
        console.print("Nothing was refused.")
        return
    reasons = Table("reason", "count")
    for reason, count in counts:
        reasons.add_row(reason, str(count))
    rows = Table("partition", "offset", "reading", "reason", "at", "retried")
    for partition, offset, reading, reason, at, again in newest:
        whole = "whole record" if reading < 0 else str(reading)
        rows.add_row(str(partition), str(offset), whole, reason, f"{at:%Y-%m-%d %H:%M:%S}", "yes" if again else "")
    console.print(reasons)
    console.print(rows)


def retry(
    reason: Annotated[str | None, typer.Option(help="only records refused for this reason")] = None,
) -> None:
    """Append refused records to the log again, unchanged: after a key was restored or an enrolment corrected.

    Each record is tried once.  If it is refused again, that is a new row.  A record that is stored twice is stored once.

    Example: vigil rejected retry --reason "sender not enrolled"
    """
    settings = ServerSettings()
    with psycopg.connect(settings.database) as db:
        rows: list[Row] = (
            db.cursor(row_factory=tuple_row)
            .execute(
                "SELECT topic_id, partition, at_offset, reading, record FROM rejected"
                " WHERE record IS NOT NULL AND retried IS NULL AND (%(reason)s::text IS NULL OR reason = %(reason)s)"
                " ORDER BY topic_id, partition, at_offset FOR UPDATE SKIP LOCKED",
                {"reason": reason},
            )
            .fetchall()
        )
        sent = append(settings, rows)
        for row in sent:
            db.execute(
                "UPDATE rejected SET retried = now() WHERE (topic_id, partition, at_offset, reading) = (%s, %s, %s, %s)",
                row[:4],
            )
    print(f"{len(sent)} of {len(rows)} records were appended again.")


def append(settings: ServerSettings, rows: list[Row]) -> list[Row]:
    """Produce the records; those the brokers acknowledged.  DeployError when they do not answer."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka,
            "acks": "all",
            "enable.idempotence": True,
            "max.in.flight.requests.per.connection": 1,  # docs/decisions/0010-one-request-in-flight.md
            "log_level": 2,
        }
    )
    done: list[Row] = []
    for row in rows:

        def delivered(error: object, _: object, row: Row = row) -> None:
            if error is None:
                done.append(row)

        producer.produce(settings.topic, row[4], _key(row[4]), row[1], on_delivery=delivered)
        producer.poll(0)
    if producer.flush(_DELIVERY_S):
        raise DeployError("Kafka did not acknowledge all records in 30 s: check VIGIL_KAFKA, then run this again.")
    return done


def _key(record: bytes) -> bytes:
    try:
        return key_of(int(parse_header(record[: HEADER.itemsize])["patient"][0]))
    except MalformedBatchError:
        return b""
