"""The outbox's file: SQLite, and the parts of one transaction.  Synchronous; one thread uses it."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from devices.sample import SAMPLE, Samples
from devices.wire.batch import ClockQuality, Kind, Lane
from devices.wire.event import Event, Heartbeat, encode_event
from gateway.clock import Stamp
from gateway.errors import OutboxError, OutboxKeyError
from gateway.outbox.cursors import SCHEMA as CURSOR_SCHEMA
from gateway.outbox.cursors import Cursors
from gateway.outbox.file import check, is_damage, open_file, unopened
from gateway.outbox.held import SCHEMA as HELD_SCHEMA
from gateway.outbox.held import Held
from gateway.outbox.reading import OutboxRow, Reading, Refusal
from gateway.outbox.recognised import SCHEMA, Recognised
from gateway.outbox.refusals import SCHEMA as REFUSED_SCHEMA
from gateway.outbox.refusals import Refusals
from gateway.outbox.salvage import Salvaged, salvage
from gateway.outbox.stamping import Stamping
from gateway.outbox.timing import Claim, Timed, record_number, stamped, timed
from gateway.outbox.vault import Vault

CROWD: Final = 1000
"""Milliseconds searched for a free one; a device whose clock stands still then gets the one after its last."""

_SCHEMA: Final = """
create table if not exists meta (name text primary key, value integer not null) without rowid;
create table if not exists counter (device integer primary key, next integer not null);
create table if not exists reading (
  id integer primary key, device integer not null, sequence integer not null, patient integer not null,
  kind integer not null, lane integer not null, clock integer not null,
  measured integer, received integer,                      -- null until the clock has been synchronised
  payload blob not null, device_time integer, ahead integer not null,
  boot text, mono integer, wall integer,                   -- until then
  delivered integer,                                       -- ms, when Kafka had it
  unique (device, sequence));
create unique index if not exists reading_time on reading (device, measured) where kind = 1;
create index if not exists reading_waiting on reading (lane, received, id) where delivered is null;
create index if not exists reading_unstamped on reading (id) where measured is null;
create index if not exists reading_delivered on reading (delivered) where delivered is not null;
create temp table in_flight (id integer primary key);
"""
_Result = TypeVar("_Result")
_ROW_BYTES: Final = 200
"""A reading takes more, with its part of the indexes."""
_ROW: Final = "id, device, patient, sequence, measured, received, kind, lane, clock, payload"


@dataclass(frozen=True, slots=True)
class Stats:
    """The state of the outbox: readings ``waiting`` for delivery, the ``oldest`` of them (measured ms), ``unstamped`` ones
    without a time yet, messages ``refused`` ever, bytes ``used`` of ``limit``, readings ``delivered`` and kept (counted only
    where half of the room is used).
    """

    waiting: int
    oldest: int | None
    unstamped: int
    refused: int
    used: int
    limit: int
    delivered: int = 0

    @property
    def fill(self) -> float:
        return self.used / self.limit

    @property
    def pressing(self) -> float:
        """The part of the room that is in use even without what is delivered, which gives way where room is short."""
        return max(0, self.used - self.delivered * _ROW_BYTES) / self.limit


def _waits(arrived: Stamp) -> tuple[str, int | None, int]:
    """Boot, monotonic and wall time of a row without a time yet."""
    return arrived.boot, None if arrived.sure else arrived.mono, arrived.wall


def is_content(kind: int, payload: bytes) -> bool:
    """True for bytes that may be samples, or an event."""
    return payload[:1] == b"{" if kind == Kind.EVENT else bool(payload) and not len(payload) % SAMPLE.itemsize


class Store:
    """One outbox file, opened by ``connect``.  The caller begins and commits.  ``new_epoch`` draws a new file's epoch."""

    def __init__(
        self,
        path: Path,
        limit: int,
        connect: Callable[[Path], sqlite3.Connection] = open_file,
        new_epoch: Callable[[], int] = lambda: secrets.randbits(32),
        *,
        vault: Vault | None = None,
    ) -> None:
        self.limit, self._vault = limit, vault or Vault()
        try:
            self._db = connect(path)
        except sqlite3.Error as error:
            raise unopened(path, error) from None
        try:
            check(self._db)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.execute("pragma journal_size_limit=4194304")
            self._db.execute("pragma temp_store=memory")
            self._db.executescript(_SCHEMA + SCHEMA + CURSOR_SCHEMA + HELD_SCHEMA + REFUSED_SCHEMA)
            self._db.execute("insert or ignore into meta values ('epoch', ?)", (new_epoch(),))
            self._check_key(path)
            self.refusals = Refusals(self._db, self._vault)
            self._recognised = Recognised(self._db)
            self.cursors, self.held = Cursors(self._db), Held(self._db, self._vault)
            self._stamping = Stamping(self._db, self._fix, self._put, self.refuse, self._vault)
            self.epoch: Final = int(self._one("select value from meta where name = 'epoch'"))
        except sqlite3.Error as error:
            self._db.close()
            raise unopened(path, error) from None
        except OutboxError:
            self._db.close()
            raise

    def _check_key(self, path: Path) -> None:
        """A wrong key would make everything that waits look damaged."""
        known = self._one("select value from meta where name = 'key'")
        if known and known != self._vault.check:
            raise OutboxKeyError(path.with_name("outbox.key"), "it is not the one that sealed it")
        self._db.execute("insert or replace into meta values ('key', ?)", (self._vault.check,))

    def salvage(self, path: Path, reason: str) -> Salvaged:
        """Fill this new outbox with what can be read of the damaged one at ``path``."""
        return salvage(path, self._db, reason, self._vault)

    def _one(self, sql: str, values: Sequence[object] = ()) -> int:
        found = self._db.execute(sql, values).fetchone()
        return 0 if found is None or found[0] is None else int(found[0])

    def begin(self) -> None:
        self._db.execute("begin immediate")

    def commit(self) -> None:
        self._db.execute("commit")

    def rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("rollback")

    def apart(self, command: Callable[[], _Result]) -> _Result | Exception:
        """Return the result of ``command``, or the error it raised, with its own changes undone.

        If the whole transaction is lost, the error is raised.
        """
        self._db.execute("savepoint apart")
        try:
            answer: _Result | Exception = command()
        except Exception as error:
            if not self._db.in_transaction or is_damage(error):
                raise
            self._db.execute("rollback to apart")
            answer = OutboxError(f"the outbox cannot be written ({error})") if isinstance(error, sqlite3.Error) else error
        self._db.execute("release apart")
        return answer

    def close(self) -> None:
        self._db.close()

    def put(self, readings: Iterable[Reading]) -> list[bool]:
        """Store each reading; False for a recognised one."""
        return [self._put(reading) for reading in readings]

    def _put(self, reading: Reading) -> bool:
        content, same_time = reading.event if reading.samples is None else reading.samples, 0
        assert content is not None
        if reading.may_come_again:
            assert reading.samples is not None
            assert reading.device_time is not None
            same_time = self._recognised.at(reading.device, reading.device_time, CROWD)
            number = record_number(reading.record, reading.samples)
            if not self._recognised.first_time(reading, reading.device_time, number):
                return False
        sequence = self._one(
            "insert into counter values (?, 1) on conflict do update set next = next + 1 returning next - 1",
            (reading.device,),
        )
        kind = Kind.EVENT if reading.samples is None else Kind.SAMPLES
        # Records of one second (devices often know no milliseconds) follow each other by 1 ms; exact also years apart.
        ahead = reading.ahead - same_time
        arrived, found = reading.arrived, self._time_of(reading, ahead)
        if found is None:
            plain = content.tobytes() if isinstance(content, np.ndarray) else encode_event(content)
            measured, payload = None, self._vault.seal(reading.device, plain)
        else:
            measured, payload = self._fix(reading.device, content, found)
        self._db.execute(
            "insert into reading (device, sequence, patient, kind, lane, clock, measured, received, payload, device_time,"
            " ahead, boot, mono, wall) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (reading.device, sequence, reading.patient, kind, reading.lane,
             reading.trust.code if found is None else found.quality, measured,
             None if measured is None else arrived.wall, payload, reading.device_time, ahead,
             *(_waits(arrived) if found is None else (None, None, None))),
        )  # fmt: skip
        return True

    def _time_of(self, reading: Reading, ahead: int) -> Timed | None:
        """The time of a reading, where it can be said now; a heartbeat says itself that its clock is not set."""
        arrived = reading.arrived
        if isinstance(reading.event, Heartbeat):
            return Timed(arrived.wall, quality=ClockQuality.SURE if arrived.sure else ClockQuality.UNSURE)
        if not arrived.sure:
            return None
        found = timed(Claim(arrived.wall, reading.device_time, ahead, reading.trust))
        return found or (None if reading.event is None else Timed(arrived.wall))

    def _fix(self, device: int, content: Samples | Event, time: Timed) -> tuple[int, bytes]:
        """Measured time and bytes, which never change.  Each reading of a device gets its own millisecond."""
        measured = self._free(device, time.measured) if isinstance(content, np.ndarray) else time.measured
        return measured, self._vault.seal(device, stamped(content, measured, time.sure))

    def _free(self, device: int, measured: int) -> int:
        for candidate in range(measured, measured + CROWD):
            if not self._one("select 1 from reading where device = ? and measured = ? and kind = 1", (device, candidate)):
                return candidate
        return self._one(
            "select max(measured) + 1 from reading where device = ? and kind = 1 and measured >= ?", (device, measured)
        )

    def stamp(self, now: Stamp, limit: int) -> int:
        """See :meth:`gateway.outbox.stamping.Stamping.stamp`."""
        return self._stamping.stamp(now, limit)

    def take(
        self, limit: int, lane: Lane, patients: Sequence[int], live_since: int, *, own: bool = False
    ) -> list[OutboxRow]:
        """Put up to ``limit`` waiting readings of ``patients`` in flight and return them, oldest received first.

        Readings received since ``live_since`` (ms) that are no re-read records are live; the others are backfill.  ``own``:
        only what the gateway says of itself.
        """
        if not patients or limit <= 0:
            return []
        served = f"{'device = 0 and ' if own else ''}patient in ({','.join('?' * len(patients))})"
        where = {
            Lane.LIVE: ("lane = 0 and received >= ?",),
            Lane.BACKFILL: ("lane = 0 and received < ?", "lane = 1 and ? is not null"),
        }[lane]
        rows: list[OutboxRow] = []
        for condition in where:
            found = self._db.execute(
                f"select {_ROW} from reading where delivered is null and {condition}"
                f" and {served} and id not in (select id from in_flight)"
                " and received is not null order by received, id limit ?",
                (live_since, *patients, limit - len(rows)),
            )
            for id_, device, patient, sequence, measured, received, kind, _, clock, kept in found.fetchall():
                payload = self._vault.unseal(device, kept)
                if is_content(kind, payload):
                    of = Kind(kind), lane, ClockQuality(clock)
                    rows.append(OutboxRow(id_, device, patient, sequence, measured, received, *of, payload))
                    continue
                # damaged on the disk: it must not hold up the others
                self.refuse(Refusal(received, "outbox", device, "damaged", payload))
                self._db.execute("delete from reading where id = ?", (id_,))
        self._db.executemany("insert into in_flight values (?)", ((row.id,) for row in rows))
        return rows

    def release(self, ids: Iterable[int]) -> None:
        """Let readings that were not delivered wait again."""
        self._db.executemany("delete from in_flight where id = ?", ((i,) for i in ids))

    def release_all(self) -> None:
        """Let all readings in flight wait again."""
        self._db.execute("delete from in_flight")

    def delivered(self, ids: Iterable[int], at: int) -> None:
        """Mark readings as delivered to Kafka at ``at`` (ms)."""
        ids = list(ids)
        self._db.executemany("update reading set delivered = ? where id = ? and delivered is null", ((at, i) for i in ids))
        self.release(ids)

    def resend(self, since: int, until: int, limit: int) -> int:
        """Let up to ``limit`` readings delivered from ``since`` to ``until`` (ms) wait again; return their number."""
        return self._db.execute(
            "update reading set delivered = null where id in"
            " (select id from reading where delivered between ? and ? order by delivered limit ?)",
            (since, until, limit),
        ).rowcount

    def has_resent(self, request: int) -> bool:
        """Return True if ``request`` was obeyed last."""
        return self._db.execute("select 1 from meta where name = 'resent' and value = ?", (request,)).fetchone() is not None

    def note_resent(self, request: int) -> None:
        """Remember ``request`` as obeyed."""
        self._db.execute(
            "insert into meta values ('resent', ?) on conflict do update set value = excluded.value", (request,)
        )

    def prune(self, before: int, limit: int) -> int:
        """Delete up to ``limit`` readings delivered before ``before`` (ms), oldest first; return their number."""
        return self._db.execute(
            "delete from reading where id in (select id from reading where delivered < ? order by delivered limit ?)",
            (before, limit),
        ).rowcount

    def forget(self, now: int) -> int:
        """See :meth:`gateway.outbox.recognised.Recognised.forget`."""
        return self._recognised.forget(now)

    def release_held(self, address: str, user: int, device: int, patient: int) -> int:
        """Store what was held of ``user``, who is known now; return the number."""
        return sum(self.put(self.held.take(address, user, device, patient)))

    def refuse(self, refusal: Refusal) -> None:
        """See :meth:`gateway.outbox.refusals.Refusals.keep`."""
        self.refusals.keep(refusal)

    def pack(self) -> int:
        """See :meth:`gateway.outbox.recognised.Recognised.pack`."""
        return self._recognised.pack()

    def remove(self, patients: Sequence[int]) -> int:
        """Delete all readings of ``patients``, and what was refused of their devices; return the number of readings."""
        of = f"from reading where patient in ({','.join('?' * len(patients))})"
        self._db.execute(f"delete from refused where device in (select device {of} and device > 0)", list(patients))
        return self._db.execute(f"delete {of}", list(patients)).rowcount

    def remove_unserved(self, served: Sequence[int], before: int, limit: int) -> int:
        """Delete up to ``limit`` waiting readings received ``before`` (ms) of patients who are not ``served``; return their
        number.
        """
        marks = ",".join("?" * len(served))
        return self._db.execute(
            f"delete from reading where id in (select id from reading where delivered is null and received < ?"
            f" and patient not in ({marks}) limit ?)",
            (before, *served, limit),
        ).rowcount

    def used(self) -> int:
        """The bytes in use, without the write-ahead log's few MB and without free pages."""
        pages, free, size = (self._one(f"pragma {name}") for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def stats(self) -> Stats:
        """Read the state from the indexes, fast also with a long backlog."""
        oldest = self._db.execute(
            "select min(measured) from (select * from (select measured from reading where delivered is null and lane = 0"
            " and received is not null order by received limit 1) union all select * from (select measured from reading"
            " where delivered is null and lane = 1 and received is not null order by received limit 1))"
        ).fetchone()[0]
        used = self.used()
        delivered = "select count(*) from reading where delivered is not null"
        return Stats(
            waiting=self._one("select count(*) from reading where delivered is null"),
            oldest=oldest,
            unstamped=self._one("select count(*) from reading where measured is null"),
            refused=self.refusals.count(),
            used=used,
            limit=self.limit,
            delivered=self._one(delivered) if used >= self.limit // 2 else 0,
        )
