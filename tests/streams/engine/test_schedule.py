from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices.wire.batch import Kind
from devices.wire.control import Consent
from devices.wire.event import Contact
from streams.engine.schedule import ByTick, Schedule
from streams.engine.testing import START, Record, clock_record, control_record, round_of
from streams.engine.timeline import Timeline

NOW = START * 1000


@given(st.lists(st.integers(0, 9), max_size=30))
def test_entries_are_grouped_by_tick_in_their_order(values: list[int]) -> None:
    tick = np.array(values, np.int64)
    by_tick = ByTick(tick)
    positions = np.arange(len(values))
    assert set(by_tick.ticks) == set(values)
    for each in range(10):
        assert positions[by_tick.at(each)].tolist() == [at for at, value in enumerate(values) if value == each]


def test_each_part_of_a_round_is_folded_at_the_tick_of_its_record() -> None:
    consent, contact = Consent(True, 0), Contact(NOW, on=False)
    batch = round_of([
        Record(NOW, Kind.EVENT, 1, 7, 3, event=contact),
        clock_record(NOW + 2000, silence=1),
        control_record(NOW + 3000, 1, consent, 1),
        Record(NOW + 3000, Kind.EVENT, 2, 8, 4, partition=2, event=contact),
    ])  # fmt: skip
    timeline = Timeline()
    schedule = Schedule(
        timeline.plan(batch.records),
        batch.records,
        timeline.last_clock_record,
        samples=np.empty(0, np.int64),
        unsure=np.empty(0, np.int64),
        heartbeats=np.array([0]),
        controls=batch.controls,
        events=batch.events,
    )
    assert schedule.ticks == [START, START + 1, START + 2, START + 3]
    assert schedule.controls == {START + 3: [((1, 1), consent)]}
    assert schedule.events == {START: [((1, 7, 3), contact)], START + 3: [((2, 8, 4), contact)]}
    assert list(schedule.heartbeats.ticks) == [START]
    silent_until = {tick: schedule.silent_until[schedule.clock_records.at(tick)].tolist() for tick in schedule.ticks}
    assert silent_until == {START: [NOW], START + 1: [], START + 2: [NOW + 62_000], START + 3: [NOW + 3000]}


def test_the_offset_is_that_of_the_first_record_at_a_tick_or_later() -> None:
    batch = round_of([clock_record(NOW, 5), clock_record(NOW + 3000, 5), clock_record(NOW, 2), clock_record(NOW + 1000, 2)])
    batch.records["offset"] = [10, 11, 20, 21]
    timeline = Timeline()
    none = np.empty(0, np.int64)
    schedule = Schedule(
        timeline.plan(batch.records), batch.records, timeline.last_clock_record, samples=none, unsure=none, heartbeats=none,
        controls=[], events=[],
    )  # fmt: skip
    assert schedule.offset(np.array([5, 2, 5]), START + 1).tolist() == [11, 21, 11]
