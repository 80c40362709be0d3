"""Clocks and ticks: which seconds a round evaluates, in any cut."""

from __future__ import annotations

import numpy as np

from devices.wire.batch import Kind
from streams.engine.round import RECORD
from streams.engine.timeline import STALL_S, STRETCH, Timeline

T = 1_790_000_000


def records_of(*appended: tuple[int, int, int]) -> np.ndarray:
    """RECORD of (partition, second of the append time, kind)."""
    records = np.zeros(len(appended), RECORD)
    records["partition"], records["append"], records["kind"] = np.array(appended).T * [[1], [1000], [1]]
    return records


def ticks(*appended: tuple[int, int, int]) -> tuple[list[int], dict[int, str]]:
    """(ticks of the records, what happens by tick, both from T on)."""
    plan = Timeline().plan(records_of(*appended))
    steps = {
        tick - T: "".join(name[0] for name in ("set_back", "evaluated", "passed", "resumed") if getattr(step, name))
        for tick, step in plan.steps.items()
    }
    return (plan.tick - T).tolist(), steps


def test_every_whole_second_is_evaluated_once() -> None:
    assert ticks((1, T, Kind.CLOCK), (1, T + 3, Kind.CLOCK), (1, T + 3, Kind.CLOCK)) == (
        [0, 3, 3],
        {1: "e", 2: "e", 3: "e"},
    )


def test_a_record_from_behind_the_clock_stands_where_the_clock_is() -> None:
    assert ticks((1, T + 5, Kind.CLOCK), (1, T, Kind.SAMPLES), (1, T - 5, Kind.CLOCK)) == ([5, 5, 5], {})


def test_a_clock_record_far_behind_sets_its_own_clock_back_alone() -> None:
    back = 1 << STRETCH
    found, steps = ticks((1, T + 50, Kind.CLOCK), (1, T, Kind.CLOCK), (1, T + 1, Kind.CLOCK), (2, T + 9, Kind.CLOCK))
    assert found == [50, back, back + 1, 9]
    assert steps == {back: "s", back + 1: "e"}


def test_seconds_without_any_record_are_passed_over_after_a_while() -> None:
    _, steps = ticks((1, T, Kind.CLOCK), (1, T + STALL_S + 3, Kind.CLOCK))
    assert [steps[now] for now in (1, STALL_S, STALL_S + 1, STALL_S + 2, STALL_S + 3)] == ["e", "e", "p", "p", "r"]


def test_a_round_of_nothing_has_no_ticks() -> None:
    plan = Timeline().plan(np.empty(0, RECORD))
    assert not len(plan.tick)
    assert not plan.steps


def test_a_partition_stalls_when_its_clock_records_stop_and_is_active_when_they_come_again() -> None:
    timeline, here = Timeline(), np.array([1])
    timeline.last_clock_record[1] = T * 1000
    assert [part.tolist() for part in timeline.tick(T + STALL_S, here)] == [[], []]
    assert [part.tolist() for part in timeline.tick(T + STALL_S + 1, here)] == [[1], []]
    assert int(timeline.active(T + STALL_S + 1, 1)) == T + STALL_S
    timeline.last_clock_record[1] = (T + STALL_S + 2) * 1000
    assert [part.tolist() for part in timeline.tick(T + STALL_S + 2, here)] == [[], [1]]
