"""A restored database: how it is noticed, and what the log must be told again.

The engine drops a control record whose (desk epoch, sequence) it has seen.  A database that was restored gives the numbers
since its dump a second time; under the old epoch, new limits would be dropped although the desk shows them as sent.  So each
epoch belongs to the database that it was made in, and another database gets another epoch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from alerts.control.outbox import CONFIG_CHANNEL, CONTROL_CHANNEL, take_turn
from alerts.database import Tx, scalar

NUMBERS_APART: Final = 1000
"""Numbers of patients, homes and keys that may have been given since the dump and are not given again."""

# the cluster, its timeline (greater after each recovery from an archive), the database, and the table in it: whatever tool
# restores a database makes at least one of them anew
_IDENTITY: Final = """
SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' ||
    (SELECT timeline_id FROM pg_control_checkpoint())::text || '/' ||
    (SELECT oid FROM pg_database WHERE datname = current_database())::text || '/' || 'desk_epoch'::regclass::oid::text"""
_NEWEST: Final = "SELECT epoch, of_database FROM desk_epoch ORDER BY epoch DESC LIMIT 1"
# a record that took effect, and whose number the outbox never gave, or gave again since; a minute, because clocks differ
_UNKNOWN: Final = """
SELECT EXISTS (
    SELECT FROM (SELECT * FROM control WHERE epoch = %s ORDER BY sequence DESC LIMIT 200) c
    LEFT JOIN control_outbox o USING (sequence)
    WHERE o.sequence IS NULL OR (o.patient, o.kind) <> (c.patient, c.kind)
        OR o.created > c.took_effect + interval '1 minute')"""
_CURRENT: Final = """
UPDATE control_outbox SET sent = NULL WHERE sequence IN (
    SELECT DISTINCT ON (patient, kind) sequence FROM control_outbox ORDER BY patient, kind, sequence DESC)"""
_APART: Final = """
SELECT setval(seq, greatest((SELECT coalesce(max({column}), 0) FROM {table}), coalesce(pg_sequence_last_value(seq), 0)) + %s)
FROM (SELECT pg_get_serial_sequence('{table}', '{column}')::regclass AS seq) s"""


@dataclass(frozen=True, slots=True)
class Renewed:
    """The result of :func:`begin_new_epoch`: ``records`` go to the log again, ``sessions`` have ended."""

    epoch: int
    records: int
    sessions: int
    gateways: int


def identity_of_database(tx: Tx) -> str:
    """The database that ``tx`` is in, told from every copy of it."""
    text: str = scalar(tx, _IDENTITY)
    return text


def sign_of_restore(tx: Tx) -> str | None:
    """The reason why this database must have been restored since its newest epoch began, or ``None``."""
    row = tx.execute(_NEWEST).fetchone()
    if row is None:
        return None
    epoch, of_database = row
    if of_database is not None and of_database != identity_of_database(tx):
        return "it is another database than the one its epoch was made in"
    if scalar(tx, _UNKNOWN, [epoch]):
        return "the log knows changes of the desk that it does not know"
    return None


def desk_epoch(tx: Tx) -> int:
    """The desk's epoch; this makes one if there is none, and writes down the database it belongs to."""
    row = tx.execute(_NEWEST).fetchone()
    if row is None:
        return _make_epoch(tx, "first start")
    if row[1] is None:  # made by an older Vigil
        tx.execute("UPDATE desk_epoch SET of_database = %s WHERE epoch = %s", [identity_of_database(tx), row[0]])
    return int(row[0])


def begin_new_epoch(tx: Tx, reason: str) -> Renewed:
    """After a restore: a new desk epoch, under which the current control state of every patient is sent again.

    Sessions end, gateways fetch their configuration, and numbers that were given since the dump are not given again.
    """
    take_turn(tx)
    epoch = _make_epoch(tx, reason)
    records = tx.execute(_CURRENT).rowcount
    sessions = tx.execute("UPDATE session SET ended = clock_timestamp() WHERE ended IS NULL").rowcount
    # greater than any version that a gateway has seen
    gateways = tx.execute(
        "UPDATE gateway SET config_version = greatest(config_version + 1, extract(epoch FROM now())::int8)"
        " WHERE revoked IS NULL RETURNING pg_notify(%s, gateway::text)",
        [CONFIG_CHANNEL],
    ).rowcount
    for table in ("patient", "device", "gateway"):
        _leave_numbers_out(tx, table, table)
    _leave_numbers_out(tx, "data_key", "key")
    tx.execute("SELECT pg_notify(%s, '')", [CONTROL_CHANNEL])
    return Renewed(epoch, records, sessions, gateways)


def _make_epoch(tx: Tx, reason: str) -> int:
    newest: int = scalar(tx, "SELECT coalesce(max(epoch), 0) FROM desk_epoch")
    epoch = max(int(time.time()), newest + 1)  # seconds since 1970: a later one is greater
    tx.execute(
        "INSERT INTO desk_epoch (epoch, of_database, reason) VALUES (%s, %s, %s)", [epoch, identity_of_database(tx), reason]
    )
    return epoch


def _leave_numbers_out(tx: Tx, table: str, column: str) -> None:
    tx.execute(_APART.format(table=table, column=column), [NUMBERS_APART])
