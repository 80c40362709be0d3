"""What must hold once all has settled, whatever events_of on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec.structs import replace

from alerts.rules.stages import stages
from devices.sample import SAMPLE
from devices.wire.batch import Kind, parse_header
from streams.engine.condition import KEY_DAMAGED, Condition
from streams.engine.opening.opening import KEY_DAMAGED_REASON
from tests.simulation.home import MARK
from tests.simulation.oracle import by_key, expected, folded_again
from tests.simulation.poison import REASON
from tests.simulation.tables import Tables

if TYPE_CHECKING:
    from tests.simulation.world import World

_TABLES: Final = ("event", "control", "rejected", "quarantine", "rollup_minute", "latest")
_SHOWN: Final = 3
_OF_OWNER: Final = (KEY_DAMAGED, "record_set_aside", "log_silent")
"""What the engine does not know, and the owner of a partition says."""


def violations(world: World) -> list[str]:
    """Each as one sentence; nothing when all is well."""
    if world.log.former:  # the engine began anew in the middle: no one fold gives its tables and conditions
        return [*_ledger(world), *_twice(world.database.tables), *_unsealed(world), *_lost(world), *_mended(world)]
    tables, conditions = expected(world.log, world.keys, world.parts.engine(stages()), poison=world.poison)
    return [
        *_ledger(world),
        *_twice(world.database.tables),
        *_unsealed(world),
        *_lost(world),
        *_rows(world.database.tables, tables, world),
        *_alarms(world, conditions),
        *_announced(world),
    ]


def _ledger(world: World) -> Iterable[str]:
    """It never goes back, leaves nothing out, and nobody writes under an epoch that is over."""
    at: dict[int, int] = {}
    for one in world.database.history:
        if one.epoch != one.valid:
            yield f"partition {one.partition}: written under epoch {one.epoch} when {one.valid} stood"
        stood = at.get(one.partition, 0)
        if not one.decided and (one.first != stood or one.next <= one.first):
            yield f"partition {one.partition}: moved from {one.first} to {one.next} when it stood at {stood}"
        at[one.partition] = one.next


def _twice(tables: Tables) -> Iterable[str]:
    """No identity has two rows."""
    readings = Counter((row.device, row.epoch, row.sequence) for row in tables.reading.values())
    events = Counter((*key[2:5], key[5]) for key in tables.event)
    for name, found in (("reading", readings), ("event", events)):
        yield from _some(f"{name} {key} is stored {n} times" for key, n in found.items() if n > 1)


def _unsealed(world: World) -> Iterable[str]:
    """Each stored reading is one that a gateway sealed, value by value; and no identity was sealed with two contents."""
    sealed: dict[tuple[int, int, int], bytes] = {}
    for batch, epoch in world.log.sealed():
        for row in batch.rows:
            if row.kind is Kind.SAMPLES:
                first = sealed.setdefault((row.device, epoch, row.sequence), row.payload)
                if first != row.payload:
                    yield f"sequence {row.sequence} of device {row.device} was sealed with two contents"
    for stored in world.database.tables.reading.values():
        payload = sealed.get((stored.device, stored.epoch, stored.sequence))
        samples = np.frombuffer(payload or b"", SAMPLE)
        values = {int(one["vital"]): one["value"].item() for one in samples}
        if {vital: value for vital, (value, _) in stored.values.items()} != values or (samples["time"] != stored.time).any():
            yield f"reading {stored.key} is stored, and nobody sealed it so"


def _lost(world: World) -> Iterable[str]:
    """What was acknowledged to a device is stored, or refused with its reason."""
    tables = world.database.tables
    stored = {(row.device, row.values[MARK][0]) for row in tables.reading.values() if MARK in row.values}
    refused = set(tables.rejected) | {(*place, -1) for place in tables.quarantine}
    for *place, batch in world.log.places():
        for nth, row in enumerate(batch.rows):
            if row.kind is Kind.SAMPLES and ({(*place, -1), (*place, nth)} & refused):
                samples = np.frombuffer(row.payload, SAMPLE)
                stored |= {(row.device, one["value"].item()) for one in samples if one["vital"] == MARK}
    for home in world.homes:
        lost = sorted(home.confirmed - stored)
        yield from _some(f"reading {mark:.2f} of device {device} was acknowledged, and is nowhere" for device, mark in lost)


def _mended(world: World) -> Iterable[str]:
    """Each partition that was found damaged is read again, and nobody is called for it any more."""
    alarms, ledger = world.database.tables.alarms, world.database.tables.ledger
    yield from (f"partition {p} is still damaged: {row.damage}" for p, row in ledger.items() if row.damage)
    yield from (
        f"the log of partition {one.subject} is said to be damaged, and goes on"
        for one in (alarms.rows[n] for n in alarms.open.values())
        if one.rule == "log_damaged" and one.ended is None
    )
    for patient, controls in world.desk.newest.items():
        for kind, sequence in controls.items():
            rows = [row for row in world.database.tables.control.values() if row[:2] == (patient, kind)]
            if max((row[3] for row in rows), default=0) < sequence:
                yield f"{kind} of patient {patient} was sent as {sequence}, and never takes effect"


def _rows(found: Tables, wanted: Tables, world: World) -> Iterable[str]:
    """Every table is what one fold of the whole log makes it."""
    pairs: list[tuple[str, Mapping[Any, Any], Mapping[Any, Any]]] = [
        ("reading", {row.key: row for row in found.reading.values()}, {row.key: row for row in wanted.reading.values()})
    ]
    pairs += [(name, getattr(found, name), getattr(wanted, name)) for name in _TABLES]
    for name, mine, its in pairs:
        keys = [key for key in {**mine, **its} if mine.get(key) != its.get(key)]
        yield from _some(f"{name} {key} is {_short(mine.get(key))}, not {_short(its.get(key))}" for key in keys)


def _announced(world: World) -> Iterable[str]:
    """Each record set aside is said once, and so is each damaged key."""
    tables, of = world.database.tables, world.log.partitions
    announced = Counter(one.rule for some in tables.alarms.events_of.values() for one in some if isinstance(one, Condition))
    aside = [place for place, (reason, _) in tables.rejected.items() if reason == REASON]
    shut = [place for place, (reason, _) in tables.rejected.items() if reason == KEY_DAMAGED_REASON]
    heads = [parse_header(of[partition].values[offset])[0] for _, partition, offset, _ in shut]
    senders = {(int(head["patient"]), int(head["gateway"])) for head in heads}
    if (n := announced["record_set_aside"]) != 2 * len(aside):
        yield f"{n} conditions tell of {len(aside)} records that were set aside"
    if (n := announced[KEY_DAMAGED]) != len(senders):
        yield f"{n} conditions tell of the damaged keys of {senders}"


def _alarms(world: World, conditions: list[Condition]) -> Iterable[str]:
    """Each condition was folded once, in order, and the alarms are what folding them makes."""
    found, wanted = world.database.tables.alarms, by_key(conditions)
    events_of = {subject: _of_engine(some) for subject, some in found.events_of.items()}
    folded = by_key([one for some in events_of.values() for one in some if isinstance(one, Condition)])
    for key in {**folded, **wanted}:
        mine = folded.get(key, [])
        if mine != wanted.get(key, []):
            yield f"conditions of {key} are {_in_words(mine)}, not {_in_words(wanted.get(key, []))}"
            return
    again = folded_again(events_of, wanted)
    one, other = ({(k := _id(a))[0]: k[1] for a in some.rows.values() if a.rule not in _OF_OWNER} for some in (found, again))
    yield from _some(f"alarm {key} is {_short(one.get(key))}, not {_short(other.get(key))}" for key in one | other
                     if one.get(key) != other.get(key))  # fmt: skip
    opened = Counter(row[:4] for row in (_id(a)[0] for a in found.rows.values() if a.life != "closed"))
    yield from _some(f"{n} open alarms {key}" for key, n in opened.items() if n > 1)


def _of_engine(events_of: list[Any]) -> list[Any]:
    """Without the conditions of the owner, and what was done to their alarms."""
    return [one for one in events_of if (one.rule if isinstance(one, Condition) else one[1][2]) not in _OF_OWNER]


def _id(alarm: Any) -> tuple[tuple[Any, ...], Any]:
    key = (alarm.subject_kind, alarm.subject, alarm.rule, alarm.source, alarm.onset)
    return key, replace(alarm, alarm=0, episode=None)


def _some(lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return found[:_SHOWN] + [f"… and {len(found) - _SHOWN} more like it"] * (len(found) > _SHOWN)


def _short(row: object) -> str:
    text = str(row)
    return text if len(text) < 300 else f"{text[:300]}…"


def _in_words(conditions: list[Condition]) -> str:
    return str([(one.second, one.phase, one.priority.name) for one in conditions])
