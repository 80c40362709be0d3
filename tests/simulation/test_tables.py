"""The model of the tables against PostgreSQL: the same rounds through ``store_round`` leave the same rows."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

import msgspec
import numpy as np
import psycopg
import pytest
from msgspec.structs import replace

from alerts.fold.alarm_rows import lock_one
from alerts.fold.episode_rows import lock_episodes
from alerts.fold.fold import apply, fold_conditions, tick
from alerts.life.events import Acknowledge, Tick
from alerts.rules.stages import stages
from deploy.schema.migrate import migrate
from devices.vitals import VITALS
from streams.engine.engine import Engine
from streams.engine.snapshot.recall import Recall
from streams.engine.testing import round_of
from streams.store import ledger
from streams.store.ledger import Checked, Held, Move
from streams.store.recall import stored_since
from streams.store.records import Snapshot
from streams.store.staging import prepare
from streams.store.store import RoundToStore, store_round
from streams.worker.recovery import read_saved
from tests.alerts.conftest import Db
from tests.simulation.database import TOPIC_ID, Database
from tests.simulation.scheduler import Scheduler
from tests.simulation.tables import FIGURES, Row, Tables
from tests.streams.engine.random_log import Maker
from tests.streams.engine.recall import samples_of

_T = TypeVar("_T")
TOPIC = "vitals.v1"
PARTITIONS = (1, 2)
MS = "(extract(epoch FROM {}) * 1000)::int8"


@pytest.fixture
def db(plain_database: str) -> Iterator[Db]:
    migrate(plain_database)
    with psycopg.connect(plain_database, autocommit=True, application_name=ledger.APPLICATION) as connection:
        prepare(connection)
        connection.execute("INSERT INTO care_team (team, name) OVERRIDING SYSTEM VALUE VALUES (1, 'team')")
        connection.execute("INSERT INTO patient (patient, identity, team) SELECT p, '', 1 FROM generate_series(1, 300) p")
        yield connection


class Both:
    """The model and PostgreSQL, told the same."""

    def __init__(self, db: Db) -> None:
        self.db, self.model = db, Database(Scheduler(0))
        self.mine = self.model.connect("worker")

    def take(self, *partitions: int) -> dict[int, Held]:
        starts = dict.fromkeys(partitions, 0)
        real = ledger.take(self.db, TOPIC, TOPIC_ID, starts)
        assert finish(self.model.take(self.mine, TOPIC, TOPIC_ID, starts)) == real
        return real

    def store(self, todo: RoundToStore) -> None:
        real = store_round(self.db, TOPIC, TOPIC_ID, todo, fold_conditions)
        assert finish(self.model.store_round(self.mine, TOPIC, TOPIC_ID, todo, fold_conditions)) == real

    def act(self, alarm: int, event: Acknowledge | Tick) -> None:
        with self.db.transaction():
            if isinstance(event, Tick):
                episode = self.model.tables.alarms.rows[alarm].episode
                assert episode is not None
                tick(self.db, episode, event.at)
            else:
                apply(self.db, alarm, event)
        assert self.model.tables.alarms.apply(alarm, event)

    def check(self, moves: list[Move]) -> Checked:
        with self.db.transaction():
            real = ledger.check(self.db, TOPIC, moves)
        assert self.model.check(moves) == real
        return real


def finish(steps: Generator[float, None, _T]) -> _T:
    try:
        while True:
            next(steps)
    except StopIteration as done:
        result: _T = done.value
        return result


class Feeding:
    """A random log of two partitions, in random rounds; now and then somebody else takes one of them."""

    def __init__(self, both: Both, seed: int) -> None:
        self.both, self.rng = both, random.Random(seed)
        self.logs = {p: Maker(self.rng, p, 2).make(90) for p in PARTITIONS}
        self.values = {p: [self.rng.randbytes(70) for _ in log] for p, log in self.logs.items()}
        self.at = dict.fromkeys(PARTITIONS, 0)
        self.engine = Engine(stages())
        self.held = both.take(*PARTITIONS)
        for p in PARTITIONS:
            self.engine.take(p, None, Recall())

    def run(self) -> None:
        while spans := {p: (a, len(self.logs[p])) for p, a in self.at.items() if a < len(self.logs[p])}:
            cut = {p: (a, min(b, a + self.rng.choice((1, 7, 40)))) for p, (a, b) in spans.items() if self.rng.random() < 0.8}
            if cut:
                self.round(cut)

    def round(self, spans: dict[int, tuple[int, int]]) -> None:
        rng, todo = self.rng, self.compute(spans)
        taken = self.both.take(rng.choice(PARTITIONS)) if rng.random() < 0.15 else {}
        self.both.check(todo.moves)
        self.both.store(todo)
        if rng.random() < 0.1:
            self.both.store(todo)  # the answer was lost
        self.at |= {p: b for p, (_, b) in spans.items() if p not in taken}
        self.held |= taken
        for p in taken:
            self.engine.drop(p)
            self.engine.take(p, None, Recall())
            self.engine.advance(round_of(self.logs[p][: self.at[p]]))
        if (alarms := sorted(self.both.model.tables.alarms.open.values())) and rng.random() < 0.3:
            now = todo.moves[0].append
            self.both.act(rng.choice(alarms), rng.choice((Acknowledge(1, now), Tick(now + 400_000))))

    def compute(self, spans: dict[int, tuple[int, int]]) -> RoundToStore:
        logs, held = self.logs, self.held
        round_ = round_of([one for p, (a, b) in spans.items() for one in logs[p][a:b]])
        round_.records["offset"] = np.concatenate([np.arange(a, b) for a, b in spans.values()])
        writes = self.engine.advance(round_)
        moves = [Move(p, held[p].epoch, a, b, logs[p][b - 1].append, 7 * b) for p, (a, b) in spans.items()]
        saved = [m for m in moves if self.rng.random() < 0.2]
        snapshots = [Snapshot(m.partition, m.next, m.append, self.engine.snapshot(m.partition)) for m in saved]
        return RoundToStore(writes, [v for p, (a, b) in spans.items() for v in self.values[p][a:b]], moves, snapshots)


def real(value: float | None) -> float | None:
    return None if value is None else float(np.float32(value))


def rows_of(db: Db, columns: Sequence[str], table: str) -> list[Row]:
    return db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()


def keyed(rows: Sequence[Row], keys: int) -> dict[Row, Row]:
    return {row[:keys]: row[keys:] for row in rows}


@pytest.mark.parametrize("seed", range(6))
def test_the_model_holds_what_postgresql_holds(db: Db, seed: int) -> None:
    both = Both(db)
    Feeding(both, seed).run()
    model = both.model.tables
    time, arrived = MS.format("time"), MS.format("arrived")
    vitals = [c for spec in VITALS.values() for c in (spec.column, f"{spec.column}_status")]
    key = ["patient", time, "device", "epoch", "sequence"]
    found = keyed(rows_of(db, [*key, arrived, "at_offset", *vitals], "reading"), 5)
    assert found.keys() == model.reading.keys()
    for one, (came, offset, *stored) in found.items():
        row = model.reading[one]
        values = [row.values.get(vital, (None, None)) for vital in VITALS]
        pairs = [(real(value), status) for value, status in zip(stored[::2], stored[1::2], strict=True)]
        assert (came, offset, pairs) == (row.arrived, row.offset, [(real(v), s) for v, s in values])

    event = rows_of(db, [*key, "gateway", "kind", "value", arrived, "at_offset"], "event")
    assert {row[:6]: (row[6], json(row[7]), *row[8:]) for row in event} == {
        k: (kind, json(value), *rest) for k, (kind, value, *rest) in model.event.items()
    }
    control = ["partition", "at_offset", "patient", "kind", "epoch", "sequence", "payload", MS.format("took_effect")]
    assert {row[:2]: (*row[2:6], json(row[6]), row[7]) for row in rows_of(db, control, "control")} == {
        k: (*row[:4], json(row[4]), row[5]) for k, row in model.control.items()
    }
    place = ["topic_id", "partition", "at_offset"]
    assert keyed(rows_of(db, [*place, "reading", "reason", "record"], "rejected"), 4) == model.rejected
    quarantine = rows_of(db, [*place, "reason", "patient", "device", "gateway", "record"], "quarantine")
    assert keyed(quarantine, 3) == model.quarantine

    series = ["patient", "vital", "device", time]
    minutes = {row[:4]: row[4:] for row in rows_of(db, [*series, *FIGURES, "changed_offset"], "rollup_minute")}
    wanted = {k: figures(row) for k, row in model.rollup_minute.items()}
    assert minutes.keys() == wanted.keys()
    assert [(k, row[6:], wanted[k][6:]) for k, row in minutes.items() if figures(row) != wanted[k]] == []
    latest = rows_of(db, [*series, "value", "status", arrived], "latest")
    assert {row[:3]: (row[3], real(row[4]), *row[5:]) for row in latest} == {
        k: (row[0], real(row[1]), *row[2:]) for k, row in model.latest.items()
    }

    moved = ["partition", "topic_id", "next_offset", "epoch", MS.format("last_append"), "last_crc"]
    assert keyed(rows_of(db, moved, "ledger"), 1) == {
        (p,): (row.topic_id, row.next, row.epoch, row.last_append, row.last_crc) for p, row in model.ledger.items()
    }
    for partition in PARTITIONS:
        assert read_saved(db, TOPIC, partition) == model.engine_state.get(partition)
        middle = sorted(row.time for row in model.reading.values())[len(model.reading) // 2]
        mine, its = stored_since(db, partition, middle, 60), model.stored(partition, middle, 60)
        assert samples_of(mine) == samples_of(its)
    alarms_agree(db, model)


def json(value: object) -> object:
    return msgspec.json.decode(value) if isinstance(value, bytes) else value


def figures(row: Row) -> Row:
    """n and mean as they are, min, max, first and last as ``real``, the rest as it is."""
    return (*row[:2], *map(real, row[2:6]), *row[6:])


def alarms_agree(db: Db, model: Tables) -> None:
    ids = [number for (number,) in db.execute("SELECT alarm FROM alarm ORDER BY 1")]
    with db.transaction():
        assert {n: lock_one(db, n) for n in ids} == {
            n: replace(row, value=shown(row.value), limit_value=shown(row.limit_value), worst_score=shown(row.worst_score))
            for n, row in model.alarms.rows.items()
        }
        assert lock_episodes(db, model.alarms.episodes) == model.alarms.episodes
    events = rows_of(db, ["alarm", "version", MS.format("at"), "kind", "actor", "content"], "alarm_event")
    assert keyed(events, 2) == model.alarms.events
    sent = rows_of(db, ["alarm", "recipient", "channel", "step", MS.format("due"), "stopped IS NOT NULL"], "notification")
    assert keyed(sent, 4) == {k: (row["due"], row["stopped"]) for k, row in model.alarms.notifications.items()}
    assert set(db.execute("SELECT alarm FROM alarm WHERE closed IS NULL").fetchall()) == {
        (number,) for number in model.alarms.open.values()
    }


def shown(value: float | None) -> float | None:
    """A ``real`` as PostgreSQL says it: the shortest decimal that is it."""
    return None if value is None else float(str(np.float32(value)))
