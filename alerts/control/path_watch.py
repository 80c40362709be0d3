"""A look at the path of every reading from outside: brokers, workers, database, and the messages that leave.

A worker that is stopped raises no alarm about itself, and with the database away no alarm can be stored.  So this asks each
part by itself, in a thread of its own: a part that hangs holds up nobody else.  The notifier pages for what stands
(:mod:`alerts.notify.watchdog`); a desk may ask the same for its health.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import psycopg
import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from alerts.control.notifier_parts import away_in_words, parts_away
from alerts.database import connect, scalar

Part = Literal["database", "brokers", "workers", "messages", "notifier"]
_ASKED: Final[dict[Part, str]] = {"database": "The database", "brokers": "The log (Kafka)"}
EVERY_S: Final = 5.0
SILENT_S: Final = 20.0
"""A part that gave no good answer for so long is at fault."""
STALLED_S: Final = 30.0
"""A partition from which nothing was stored for so long stands still: its owner appends a clock record every second."""
OVERDUE_S: Final = 120.0
"""A message that waits so long for its channel."""
LEASE_S: Final = 10
"""A watch that does not look for so long pages no more; another does, at its next look."""
_LOCK: Final = 0x56494757  # "VIGW": of several notifiers, the one that pages

_log = structlog.get_logger(__name__)

_LEDGER: Final = "SELECT partition, next_offset FROM ledger WHERE topic = %s AND damage IS NULL"
_OVERDUE: Final = """
SELECT count(*) FROM notification n WHERE n.sent IS NULL AND n.stopped IS NULL
  AND n.due < clock_timestamp() - make_interval(secs => %s)
  AND n.error IS DISTINCT FROM 'no such channel is configured'"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A part that does not do its work now; ``sentence`` holds no patient data."""

    part: Part
    sentence: str


class PathWatch:
    """The state of the parts.  The threads that call :meth:`watch_database` and :meth:`watch_brokers` learn it.

    Args:
        lead: take the lock, so that of several watches one pages.
        notifier: look whether the parts of the notifier are connected; it does not look so at itself.
        read_also: called with the database's connection at each look.
    """

    def __init__(
        self,
        database: str,
        kafka: str,
        topic: str,
        *,
        lead: bool = False,
        notifier: bool = False,
        read_also: Callable[[psycopg.Connection[Any]], None] | None = None,
    ) -> None:
        self._database, self._kafka, self._topic, self._lead, self._read_also = database, kafka, topic, lead, read_also
        self._notifier, self._away = notifier, dict[str, float]()  # by part of the notifier: since when it is away
        self._answered = dict.fromkeys(_ASKED, time.monotonic())
        self._reason: dict[Part, str] = {}
        self._moved: dict[int, tuple[int, float]] = {}  # by partition: its offset, and since when it is that
        self._overdue = 0
        self.leads = not lead
        """True if this watch is the one that pages."""

    def watch_database(self, stop: threading.Event) -> None:
        """Ask the database every :data:`EVERY_S` until ``stop``."""
        while not stop.is_set():
            try:
                with connect(self._database, "watch" if self._lead else "desk watch", idle_s=LEASE_S) as db:
                    while not stop.is_set():
                        self._read(db)
                        self._answers("database")
                        stop.wait(EVERY_S)
            except psycopg.Error as error:
                self._fails("database", type(error).__name__)
                self.leads = True  # nobody can tell who leads: rather two pages than none
                self._moved.clear()  # the workers have their time when the database is back
                stop.wait(EVERY_S)

    def watch_brokers(self, stop: threading.Event) -> None:
        """Ask the brokers every :data:`EVERY_S` until ``stop``."""
        admin = AdminClient({"bootstrap.servers": self._kafka, "log_level": 0})
        while not stop.is_set():
            try:
                there = admin.list_topics(timeout=EVERY_S).topics.get(self._topic)
                without = [one for one in there.partitions.values() if one.leader < 0] if there else []
                if there is None:
                    self._fails("brokers", f"the topic {self._topic} is not there")
                elif without:
                    self._fails("brokers", f"{len(without)} parts of the log have no leader")
                else:
                    self._answers("brokers")
            except KafkaException as error:
                self._fails("brokers", str(error.args[0].name()))
            stop.wait(EVERY_S)

    def faults(self) -> list[Fault]:
        """The parts at fault now; an answer that is asked for takes no time."""
        now = time.monotonic()
        found = []
        for part, name in _ASKED.items():
            if now - self._answered[part] > SILENT_S:
                found.append(Fault(part, f"{name} does not do its work ({self._reason.get(part, 'no answer')})."))
        if any(fault.part == "database" for fault in found):
            return found  # what stands in it cannot be judged
        if stalled := [p for p, (_, since) in list(self._moved.items()) if now - since > STALLED_S]:
            which = f"{len(stalled)} of {len(self._moved)} parts of the log are not read"
            found.append(Fault("workers", f"{which}: the workers stand still."))
        if self._overdue:
            found.append(Fault("messages", f"{self._overdue} messages about alarms wait for their channel."))
        if away := [part for part, since in list(self._away.items()) if now - since > SILENT_S]:
            found.append(Fault("notifier", away_in_words(away)))
        return found

    def _read(self, db: psycopg.Connection[Any]) -> None:
        if self._lead:
            held = scalar(db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND pid ="
                          " pg_backend_pid() AND granted", [_LOCK])  # fmt: skip
            self.leads = bool(held) or bool(scalar(db, "SELECT pg_try_advisory_lock(%s)", [_LOCK]))
        now = time.monotonic()
        offsets = dict(db.execute(_LEDGER, [self._topic]).fetchall())
        self._moved = {
            p: before if (before := self._moved.get(p)) and before[0] == offset else (offset, now)
            for p, offset in offsets.items()
        }
        self._overdue = scalar(db, _OVERDUE, [OVERDUE_S])
        if self._notifier:
            self._away = {part: self._away.get(part, now) for part in parts_away(db)}
        if self._read_also is not None:
            self._read_also(db)

    def _answers(self, part: Part) -> None:
        if part in self._reason:
            _log.info("a part answers again", part=part)
            del self._reason[part]
        self._answered[part] = time.monotonic()

    def _fails(self, part: Part, reason: str) -> None:
        if self._reason.get(part) != reason:
            _log.warning("a part does not answer", part=part, reason=reason)
        self._reason[part] = reason
