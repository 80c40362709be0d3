"""Against a dictionary: entries come, partitions go and come back, also half restored ones."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from alerts.rules.stages import stages
from devices.wire.batch import PARTITIONS
from streams.engine.columns.keyed_axis import KeyedAxis, key
from streams.engine.engine import Engine
from streams.engine.errors import StateUnreadableError
from streams.engine.snapshot.recall import Recall
from streams.engine.snapshot.snapshot import unpack
from streams.engine.testing import round_of
from tests.streams.engine.test_engine import make_logs


def check(axis: KeyedAxis, model: dict[int, list[int]], rng: random.Random) -> None:
    known = [one for names in model.values() for one in names]
    strange = [key(rng.randrange(1, 400), rng.randrange(5)) for _ in range(20)]
    wanted = [*known, *(one for one in strange if one not in known)]
    rng.shuffle(wanted)
    columns = axis.find(np.array(wanted, np.uint64)).tolist()
    for one, column in zip(wanted, columns, strict=True):
        assert column == axis.at(one >> 32, one & 0xFFFFFFFF)
        assert (column >= 0) == (one in known)
        if column >= 0:
            assert int(axis.names.key[column]) == one
            assert int(axis.owner[column]) == (one >> 32) % PARTITIONS
    taken = [axis.names.key[axis.of(p)].tolist() for p in range(PARTITIONS)]
    assert [sorted(names) for names in taken] == [sorted(model.get(p, [])) for p in range(PARTITIONS)]
    assert np.count_nonzero(axis.names.key) == len(known)


@pytest.mark.parametrize("seed", range(20))
def test_finds_what_entered_whatever_partitions_went_and_came_back(seed: int) -> None:
    rng, axis = random.Random(seed), KeyedAxis()
    model: dict[int, list[int]] = {}
    kept: dict[int, tuple[list[int], dict[str, dict[str, np.ndarray]]]] = {}
    people = rng.choice((3, 40, 300))

    def enter() -> None:
        known = {one for names in model.values() for one in names}
        new = {key(rng.randrange(1, people), rng.randrange(4)) for _ in range(rng.choice((1, 1, 5, 60)))} - known
        for one in rng.sample(sorted(new), len(new)):
            axis.ensure(one >> 32, one & 0xFFFFFFFF)
            model.setdefault((one >> 32) % PARTITIONS, []).append(one)

    def ensure() -> None:
        patient, other = rng.randrange(1, people), rng.randrange(4)
        column = axis.ensure(patient, other)
        assert int(axis.names.key[column]) == key(patient, other)
        names = model.setdefault(patient % PARTITIONS, [])
        if key(patient, other) not in names:
            names.append(key(patient, other))

    def drop() -> None:
        partition = rng.choice([*model, rng.randrange(PARTITIONS)])
        kept[partition] = model.pop(partition, []), axis.pack(partition)
        axis.drop(partition)

    def restore() -> None:
        gone = [p for p in kept if not model.get(p)]
        if gone:
            partition = rng.choice(gone)
            axis.drop(partition)
            names, packed = kept.pop(partition)
            axis.add(np.full(len(names), partition, np.int64))
            if names and rng.random() < 0.3:  # the snapshot cannot be read: it is dropped before its names are back
                if rng.random() < 0.5:
                    axis.names.unpack(axis.of(partition), packed["name"])
                axis.drop(partition)
                return
            axis.unpack(partition, packed)
            model[partition] = list(names)

    work: list[Callable[[], None]] = [enter, enter, ensure, drop, restore, restore]
    for _ in range(80):
        rng.choice(work)()
        check(axis, model, rng)


@pytest.mark.parametrize("seed", range(8))
def test_a_snapshot_that_breaks_off_anywhere_leaves_nothing_behind(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, logs = random.Random(seed), make_logs(seed)
    engine = Engine(stages())
    for partition in logs:
        engine.take(partition, None, Recall())
    engine.advance(round_of([one for log in logs.values() for one in log]))
    partition = rng.choice(list(logs))
    state = engine.snapshot(partition)
    for name, axis in engine.layout.axes.items():
        if not isinstance(axis, KeyedAxis):
            continue
        for table in axis.tables.values():
            with monkeypatch.context() as patched:
                patched.setattr(table, "unpack", broken)
                with pytest.raises(StateUnreadableError):
                    engine.take(partition, unpack(state, partition), Recall())
            assert not engine.layout.held[partition]
            assert axis.of(partition).start == axis.of(partition).stop, name
            left = axis.people(np.flatnonzero(axis.names.key))
            assert not (left % PARTITIONS == partition).any()
    engine.take(partition, unpack(state, partition), Recall())
    assert engine.snapshot(partition) == state


def broken(*_: object) -> None:
    raise ValueError
