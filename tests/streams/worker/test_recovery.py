"""How a partition is taken back."""

from __future__ import annotations

import gc
import random
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from alerts.rules.stages import stages
from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import Kind
from devices.wire.control import decode_control, kind_of
from streams.engine.engine import Engine
from streams.engine.series.ring import WINDOWS
from streams.engine.series.rollup import recompute
from streams.engine.testing import PatientLog, Record, clock_record, round_of
from streams.engine.writes import LATE
from streams.store.late import RECENT_MS
from streams.worker.recovery import without_collector
from tests.streams.engine.test_engine import Run, make_logs


def test_the_garbage_collector_works_again_after_a_partition_was_taken_or_could_not_be() -> None:
    with without_collector():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), without_collector():
        1 / 0  # noqa: B018
    assert gc.isenabled()


def test_who_had_it_switched_off_finds_it_off() -> None:
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def in_effect(log: Sequence[Record]) -> list[Record]:
    """The newest control record of each kind that took effect, in order: what the table ``control`` holds."""
    seen: dict[int, int] = {}
    newest: dict[tuple[int, str], Record] = {}
    for one in log:
        if one.control is not None and one.first > seen.get(one.epoch, -1):
            seen[one.epoch] = one.first
            newest.pop((one.patient, kind_of(one.control)), None)
            newest[one.patient, kind_of(one.control)] = one
    return list(newest.values())


Minute = tuple[int, ...]
"""Patient, vital, device and unix minute."""


def whole_seconds(log: Sequence[Record]) -> list[int]:
    """Where a log can be cut so that nothing came since its clock last reached a new second."""
    seconds = [one.append // 1000 for one in log]
    return [n for n in range(1, len(log)) if seconds[n - 1] > max(seconds[: n - 1], default=0)]


def last_rows(run: Run, caught_up: Mapping[int, set[Minute]]) -> dict[Minute, tuple[float, ...] | None]:
    """What each minute's row came to be; ``None``: the store computes it, as it does those ``caught_up`` after so many
    writes.
    """
    rows: dict[Minute, tuple[float, ...] | None] = {}
    for n, writes in enumerate(run.written):  # of one record each
        rows |= dict.fromkeys(caught_up.get(n, ()))
        named_at = [
            (int(row["second"]), named is writes.late, row) for named in (writes.rollups, writes.late) for row in named
        ]
        for _, late, row in sorted(named_at, key=lambda one: one[:2]):
            key = tuple(int(row[field]) for field in ("patient", "vital", "device", "minute"))
            rows[key] = None if late else tuple(row[n].item() for n in ("n", "poor", "min", "max", "mean"))
    return rows


def by_definition(run: Run, keys: Sequence[Minute]) -> dict[Minute, tuple[float, ...]]:
    """The same minutes, computed from all that is stored."""
    if not keys:
        return {}
    late = np.zeros(len(keys), LATE)
    for field, column in zip(("patient", "vital", "device", "minute"), np.array(keys).T, strict=True):
        late[field] = column
    rows = [row for stored in run.stored.values() for row in stored]
    samples = np.array([(*row[:4], 0) for row in rows], SAMPLE)
    others = np.array([row[4:6] for row in rows], np.int64)
    found = recompute(late, samples, others[:, 0], others[:, 1])
    return {
        tuple(int(row[field]) for field in ("patient", "vital", "device", "minute")): tuple(
            row[n].item() for n in ("n", "poor", "min", "max", "mean")
        )
        for row in found
    }


@pytest.mark.parametrize("seed", range(24))
def test_no_minute_is_written_of_less_than_is_stored_after_the_state_was_lost(seed: int) -> None:
    rng, logs = random.Random(seed), make_logs(seed)
    run = Run(list(logs))
    rest: list[Record] = []
    caught_up: dict[int, set[Minute]] = {}
    for partition, log in logs.items():
        at = rng.choice(whole_seconds(log))
        for one in log[:at]:
            run.advance([one])
        recent = log[at - 1].append // 60_000 - RECENT_MS // 60_000
        rows = [(int(p), int(v), int(d), int(t) // 60_000) for t, _, v, _, p, d, _ in run.stored[partition]]
        caught_up[len(run.written)] = {row for row in rows if row[3] >= recent}
        run.engine.drop(partition)
        run.engine.take_anew(partition, round_of(in_effect(log[:at])))
        last = max(one.append for one in log)
        rest += [*log[at:], *(clock_record(last + 1000 * n, partition) for n in range(1, 130))]
    for one in rest:
        run.advance([one])
    by_store = last_rows(run, caught_up)
    written = {key: row for key, row in by_store.items() if row is not None}
    wanted = by_definition(run, list(by_store))
    assert wanted.keys() <= by_store.keys()
    for key, row in written.items():
        assert row == pytest.approx(wanted[key], rel=1e-6, nan_ok=True), key


def test_a_window_counts_no_second_from_before_the_state_was_lost_until_it_is_whole_again() -> None:
    it = PatientLog(stages())
    it.measure_each_second(Vital.SPO2, [97] * 400)
    known = [decode_control(one) for of in it.engine.state.controls[it.partition].values() for one in of.values()]
    controls = [Record(it.now * 1000, Kind.CONTROL, 1, control=one, first=n) for n, one in enumerate(known)]
    it.engine = Engine(stages())
    windows = it.engine.view.windows()
    it.engine.take_anew(it.partition, round_of(controls))
    for seconds in range(30, 390, 30):
        it.measure_each_second(Vital.SPO2, [97] * 30)
        dense = it.engine.layout.dense
        for window, length in enumerate(WINDOWS):
            of = windows.figures(dense.series.vital[:1], window, it.now, slice(0, 1))
            assert of.n[0] == min(seconds, length)
            assert of.coverage[0] == of.n[0] / length
