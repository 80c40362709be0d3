"""``vigil doctor``: finds faults of an installation, and says what to do about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Final, LiteralString

import psycopg
import typer
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from rich.console import Console

from alerts.desk.worklist.unreadable import read_faults, summary
from deploy.care_checks import channels, keys, restored
from deploy.continue_after_loss import carry_out, look, plan
from deploy.errors import DeployError
from deploy.finding import Finding
from deploy.path_checks import homes, notifier, refusals
from deploy.settings import ServerSettings
from devices.errors import MasterKeyError
from devices.wire.batch import PARTITIONS
from devices.wire.keys import read_master_key
from devices.wire.sealing import KEY_BYTES
from streams.errors import StreamsError

# A gateway that is given a patient may send a heartbeat before the enrolment has reached the log: nothing is lost with it.
REFUSED: Final[LiteralString] = """
SELECT count(*) FROM rejected r WHERE r.at > now() - interval '1 day' AND r.retried IS NULL AND NOT (
    r.reason = 'sender not enrolled'
    AND CASE WHEN octet_length(r.record) >= 56
        THEN get_byte(r.record, 1) = 2 AND substr(r.record, 17, 4) = decode('00000000', 'hex') ELSE false END
    AND EXISTS (
        SELECT FROM control c WHERE c.partition = r.partition AND c.kind = 'enrolment' AND c.at_offset > r.at_offset))"""
_ANSWER_S: Final = 5.0
_UNREAD_S: Final = 30
_UNREAD: Final[LiteralString] = """
SELECT count(*) FROM ledger WHERE topic = %s AND partition = ANY(%s)
  AND coalesce(last_append, '-infinity') < now() - make_interval(secs => %s)"""
MUCH: Final = 10_000


def register(app: typer.Typer) -> None:
    @app.command()
    def doctor(
        partitions: Annotated[list[int] | None, typer.Argument(help="those to --continue", show_default=False)] = None,
        go_on: Annotated[
            bool, typer.Option("--continue", help="go on behind the records that these partitions have lost")
        ] = False,
        every: Annotated[bool, typer.Option("--all", help="open all keys and identities, not a sample")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    ) -> None:
        """Check key file, database, Kafka, ledger and lag, homes and notifier; say what to do.

        Ends with status 1 if anything is wrong.  It opens a sample of the keys and identities, with --all every one.  With
        --continue it gives up the records that a damaged log has lost: its partitions are read from the first record after
        the last one stored, and all gateways send what they hold again.

        Examples: vigil doctor; vigil doctor --all; vigil doctor --continue 3 17
        """
        settings = ServerSettings()
        if go_on:
            _continue(settings, partitions or [], yes=yes)
            return
        if partitions:
            raise DeployError("Partitions are named only with --continue.")
        console = Console()
        findings = [each for check in checks(every=every) for each in check(settings)]
        for each in findings:
            console.print(str(each), highlight=False, soft_wrap=True)
        raise typer.Exit(0 if all(each.ok for each in findings) else 1)


def _continue(settings: ServerSettings, partitions: list[int], *, yes: bool) -> None:
    if not partitions:
        raise DeployError("Name the partitions that vigil doctor finds damaged: vigil doctor --continue 3 17.")
    try:
        wanted = plan(settings, partitions)
        print(wanted)
        if not yes:
            typer.confirm("This cannot be undone. Continue?", abort=True)
        carry_out(settings, wanted)
    except (KafkaException, TimeoutError) as error:
        raise DeployError(f"Kafka does not answer ({_message(error)}): check VIGIL_KAFKA, then run this again.") from None
    print("Done: the workers continue within some seconds; vigil doctor shows it.")


def _message(error: BaseException) -> str:
    return error.args[0].str() if isinstance(error, KafkaException) else str(error) or "no answer in time"


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
            count = _number(db, REFUSED)
            yield Finding(not count, f"{count} records or readings were refused in the last day", "see vigil rejected list")
            late = _number(
                db, "SELECT count(*) FROM control_outbox WHERE sent IS NULL AND created < now() - interval '30 s'"
            )
            yield Finding(not late, f"{late} control records wait for the log", "see that vigil notify runs")
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        yield Finding(False, f"The database does not answer ({reason})", "check VIGIL_DATABASE")


def unreadable(settings: ServerSettings) -> Iterator[Finding]:
    try:
        faults = asyncio.run(read_faults(settings.database, read_master_key(settings.master_key_file)))
    except (psycopg.Error, MasterKeyError):
        return  # said by the checks of the database and of the key file
    if not faults:
        yield Finding(True, "The data of every patient can be read")
        return
    cure = "restore or enter it again; if it is many identities, this is not the master key they were sealed under"
    yield Finding(False, f"Stored data cannot be read ({summary(faults)})", cure)


def topic(settings: ServerSettings) -> Iterator[Finding]:
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 2})
    try:
        there = admin.list_topics(timeout=_ANSWER_S).topics.get(settings.topic)
        if there is None:
            cure = "run vigil topic create"
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
            if not _number(db, "SELECT count(*) FROM ledger WHERE topic = %s", settings.topic):
                yield Finding(False, "No worker has ever taken a partition", "start vigil worker")
                return
            standing = look(db, settings)
            whole = [p for p, reason in standing.damage.items() if reason is None]
            unread = _number(db, _UNREAD, settings.topic, whole, _UNREAD_S)
    except psycopg.Error:
        return  # said by the check of the database
    except (KafkaException, TimeoutError, StreamsError) as error:
        yield Finding(False, f"The log cannot be compared with the ledger ({_message(error)})", "try again in a minute")
        return
    behind = 0
    for p, held in standing.held.items():
        extent, reason = standing.extents[p], standing.damage[p]
        if reason is None:
            behind += extent.end - held.offset
            continue
        what = f"Partition {p} is not read, {reason}: the ledger stands at {held.offset}, the log holds {extent.begin} to"
        yield Finding(False, f"{what} {extent.end}", f"restore the log, or run vigil doctor --continue {p}")
    yield _moves(unread)
    yield Finding(behind < MUCH, f"The workers are {behind} records behind", "start another worker")


def _moves(unread: int) -> Finding:
    """A worker appends and stores a clock record every second, also where no patient sends anything."""
    if not unread:
        return Finding(True, f"Every part of the log was read in the last {_UNREAD_S} s")
    what = f"{unread} parts of the log were not read in the last {_UNREAD_S} s"
    return Finding(False, what, "see that vigil worker runs; one that was started late catches up first")


def _number(db: psycopg.Connection[tuple[int]], query: LiteralString, *values: object) -> int:
    row = db.execute(query, values).fetchone()
    return row[0] if row else 0


def checks(*, every: bool = False) -> tuple[Callable[[ServerSettings], Iterator[Finding]], ...]:
    """All checks in their order; ``every``: open all keys."""
    stored = key_file, database, unreadable, partial(keys, every=every), channels, restored
    return *stored, topic, ledger, refusals, homes, notifier
