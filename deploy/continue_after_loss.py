"""``vigil doctor --continue``: read on behind a damaged log, and have every gateway send again."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from alerts.care.gateways import ask_to_resend
from alerts.control.lost import send_lost_again
from alerts.fold.fold import fold_conditions
from deploy.errors import DeployError
from deploy.settings import ServerSettings
from devices.database_session import session_options
from streams.engine.condition import Condition, Priority
from streams.kafka.log import Log
from streams.kafka.position import Extent
from streams.store import ledger
from streams.store.continue_after_loss import go_on
from streams.store.ledger import Held
from streams.worker.damage import compare

MARGIN_MS: Final = 600_000
"""A gateway's clock and the brokers' need not agree to the second: so much more is sent again."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The log compared with the ledger: ``damage`` by partition, ``None`` where all is well."""

    topic_id: str
    held: dict[int, Held]
    extents: dict[int, Extent]
    damage: dict[int, str | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """``starts``: where each damaged partition is read on.  ``since`` ms: from when gateways send again, 0: all."""

    comparison: Comparison
    starts: dict[int, int]
    since: int

    def __str__(self) -> str:
        lines = []
        for p, start in self.starts.items():
            held, extent, reason = self.comparison.held[p], self.comparison.extents[p], self.comparison.damage[p]
            stored = "nothing was stored"
            if held.last:
                stored = f"the last record stored was appended at {_when(held.last.append)}"
            lines.append(
                f"Partition {p}, {reason}: the ledger goes from {held.offset} to {start} ({stored}; the log"
                f" holds {extent.begin} to {extent.end}). Its windows and holds begin anew; limits and enrolments stay."
            )
        delivered = f"since {_when(self.since)}" if self.since else "in the last 24 h"
        lines.append("What the desk sent and the log lost (limits, consent, enrolments, observations) is sent again.")
        lines.append(f"Every gateway sends again what it delivered {delivered}. What no gateway holds any more is lost.")
        return "\n".join(lines)


def _when(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def look(db: psycopg.Connection[Any], settings: ServerSettings) -> Comparison:
    """Compare the whole ledger with the log.

    Raises:
        KafkaException, TimeoutError: the brokers do not answer.
    """
    held = ledger.read(db, settings.topic)
    log = Log(settings.kafka, settings.topic)
    here, extents = log.topic_id(), log.extents(held)
    return Comparison(here, held, extents, compare(log, here, held, extents))


def plan(settings: ServerSettings, partitions: Collection[int]) -> Plan:
    """Plan to continue ``partitions``.

    Raises:
        DeployError: one of the partitions needs no such thing.
    """
    with psycopg.connect(settings.database, connect_timeout=5) as db:
        comparison = look(db, settings)
    for p in sorted(set(partitions)):
        if p not in comparison.held:
            raise DeployError(f"No worker has ever taken partition {p}: there is nothing to continue.")
        if comparison.damage[p] is None:
            raise DeployError(f"Partition {p} goes on where its ledger stands: leave it to its worker.")
    damaged = {p: comparison.held[p] for p in sorted(set(partitions))}
    times = {p: one.last.append if one.last else 0 for p, one in damaged.items()}
    starts = Log(settings.kafka, settings.topic).since(times)
    return Plan(comparison, {p: starts[p] for p in damaged}, max(min(times.values()) - MARGIN_MS, 0))


def carry_out(settings: ServerSettings, wanted: Plan) -> None:
    """Move the ledger, end the alarms, ask desk and gateways to send again, and write down that it was done; all or nothing.

    Raises:
        DeployError: the ledger has changed since the plan was made.
    """
    comparison, starts = wanted.comparison, wanted.starts
    held = {p: comparison.held[p] for p in starts}
    before = Log(settings.kafka, settings.topic).at(
        {p: start - 1 for p, start in starts.items() if start > comparison.extents[p].begin}
    )
    bounds = session_options("vigil doctor", statement_s=600, lock_s=30, transaction_s=60)
    with psycopg.connect(settings.database, **bounds) as tx:  # type: ignore[arg-type]
        now = ledger.read(tx, settings.topic, lock=sorted(starts))
        if any((now[p].offset, now[p].topic_id) != (one.offset, one.topic_id) for p, one in held.items()):
            raise DeployError("The ledger has moved since: look again with vigil doctor.")
        go_on(tx, settings.topic, comparison.topic_id, now, starts, before)
        fold_conditions(tx, [_mended(p) for p in starts])
        controls = send_lost_again(tx, starts)
        asked = ask_to_resend(tx, wanted.since)
        for p, start in starts.items():
            what = {
                "why": comparison.damage[p],
                "from": now[p].offset,
                "to": start,
                "controls": controls,
                "gateways": asked,
                "since": wanted.since,
            }
            tx.execute(
                "INSERT INTO audit (person, action, subject, detail) VALUES (0, 'continue partition', %s, %s)",
                [f"partition {p}", Jsonb(what)],
            )


def _mended(partition: int) -> Condition:
    now = int(time.time())
    return Condition(partition, now, partition, "log_damaged", 0, "end", Priority.HIGH, "technical", of="partition")
