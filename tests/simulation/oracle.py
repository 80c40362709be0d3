"""What should have come of a log: one engine folds all of it once, without any fault, and one store writes it."""

from __future__ import annotations

from alerts.fold.episode_rows import Subject
from alerts.life.case import Key, key_of_condition
from alerts.life.events import Act, Tick
from streams.engine.condition import Condition
from streams.engine.engine import Engine
from streams.engine.opening.keyring import KeyRing
from streams.engine.opening.opening import open_blocks
from streams.engine.snapshot.recall import Recall
from streams.store.ledger import Move
from streams.store.store import RoundToStore
from streams.worker.set_aside import set_aside
from tests.simulation.alarms import Alarms
from tests.simulation.log import Log
from tests.simulation.poison import aside_of
from tests.simulation.tables import LedgerRow, Tables


def expected(log: Log, keys: KeyRing, engine: Engine, *, poison: bool = False) -> tuple[Tables, list[Condition]]:
    """The tables after the whole log, and its conditions in order."""
    tables = Tables()
    blocks = [block for p in sorted(log.partitions) if (block := log.block(p, 0, log.end(p))) is not None]
    for block in blocks:
        engine.take(block.partition, None, Recall())
        tables.ledger[block.partition] = LedgerRow(log.topic_id, 0)
    whole = open_blocks(blocks, keys)
    writes = engine.advance(set_aside(whole, aside_of(whole)) if poison else whole)
    moves = [Move(b.partition, 0, b.first, b.next, int(b.appended[-1]), 0) for b in blocks]
    tables.store(RoundToStore(writes, [value for b in blocks for value in b.values], moves), log.topic_id, ())
    return tables, writes.conditions


def by_key(conditions: list[Condition]) -> dict[Key, list[Condition]]:
    found: dict[Key, list[Condition]] = {}
    for one in conditions:
        found.setdefault(key_of_condition(one), []).append(one)
    return found


def folded_again(
    events_of: dict[Subject, list[Condition | tuple[Act | Tick, Key, int]]], conditions: dict[Key, list[Condition]]
) -> Alarms:
    """The alarms, had these conditions come once each, with what people and time did in between."""
    alarms, rest = Alarms(), {key: iter(some) for key, some in conditions.items()}
    for events in events_of.values():
        for event in events:
            if not isinstance(event, Condition):
                act, key, nth = event
                if nth < len(of_key := alarms.of(key)):
                    alarms.apply(of_key[nth], act)
            elif (one := next(rest.get(key_of_condition(event), iter(())), None)) is not None:
                alarms.fold([one])
    return alarms
