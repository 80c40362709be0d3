from __future__ import annotations

import random

import pytest

from devices.decoded import samples_of
from devices.mqtt.envelope import decode_envelope
from devices.sample import Samples, Status
from devices.vitals import Vital
from simulators.wearable_memory import LAST_RETRY_S, Memory

START = 1_790_000_000_000


def reading(second: int) -> tuple[int, Samples]:
    at = START + second * 1000
    return at, samples_of([(Vital.HEART_RATE, 60 + second % 40, Status.OK)], at)


def filled(count: int, **options: int) -> Memory:
    memory = Memory(**options)
    for second in range(count):
        memory.add(*reading(second))
        memory.seal()
    return memory


def test_a_message_is_sent_again_unchanged_later_and_later_until_it_is_acknowledged() -> None:
    memory = filled(1)
    now, gaps, payloads = 0.0, [], set()
    for _ in range(8):
        (message,) = memory.due(now)
        payloads.add(message.payload)
        memory.sent(message, now)
        assert not memory.due(now)
        gaps.append(message.due - now)
        now = message.due
    assert len(payloads) == 1
    assert gaps[0] >= 4 and gaps[1] > gaps[0] and max(gaps) <= LAST_RETRY_S * 1.2
    assert memory.acknowledge(0) and not memory.acknowledge(0)
    assert not memory.due(now + 1e6) and memory.waiting == 0
    assert (memory.measured, memory.acknowledged, memory.dropped) == (1, 1, 0)


def test_no_more_than_the_window_is_under_way() -> None:
    memory = filled(100, in_flight=10)
    for message in memory.due(0):
        memory.sent(message, 0)
    assert not memory.due(1)
    assert memory.acknowledge(3)
    assert [message.seq for message in memory.due(1)] == [10]


def test_messages_nobody_acknowledges_do_not_stop_the_rest() -> None:
    memory, now, done = filled(200, in_flight=10), 0.0, 0
    while now < 3600:
        for message in memory.due(now):
            memory.sent(message, now)
            if message.seq >= 10:
                done += memory.acknowledge(message.seq)
        now += 1
    assert done == 190 and memory.waiting == 10


def test_a_reconnect_makes_all_that_was_out_due_at_once() -> None:
    memory = filled(5)
    for message in memory.due(0):
        memory.sent(message, 0)
    assert not memory.due(1)
    memory.reconnected()
    assert [message.seq for message in memory.due(1)] == [0, 1, 2, 3, 4]


def test_a_full_memory_forgets_the_oldest_and_counts_it() -> None:
    memory = filled(10, capacity=12, a_message=1)
    for message in memory.due(0)[:2]:
        memory.sent(message, 0)
    for second in range(10, 15):
        memory.add(*reading(second))
    memory.seal()
    assert memory.waiting == 12 and memory.dropped == 3
    assert [message.seq for message in memory.due(1e9)] == list(range(3, 15))


def test_readings_are_packed_into_messages_of_a_bounded_size() -> None:
    memory = Memory(first=7, a_message=60)
    for second in range(150):
        memory.add(*reading(second))
    memory.seal(now=START, battery=50, contact=True)
    found = [decode_envelope(message.payload, START) for message in memory.due(0)]
    assert [(one.seq, len(one.readings)) for one in found] == [(7, 60), (8, 60), (9, 30)]
    times = [one.device_time for envelope in found for one in envelope.readings]
    assert times == [reading(second)[0] for second in range(150)]
    assert found[2].readings[-1].battery == 50


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_on_the_way_nothing_unacknowledged_is_forgotten(seed: int) -> None:
    draw, memory, stored, now = random.Random(seed), Memory(a_message=3), set[int](), 0.0
    for second in range(300):
        memory.add(*reading(second))
        if draw.random() < 0.5:
            memory.seal()
        if draw.random() < 0.02:
            memory.reconnected()
        for message in memory.due(now):
            memory.sent(message, now)
            if draw.random() < 0.6:  # arrives
                stored |= {one.device_time or 0 for one in decode_envelope(message.payload, START).readings}
                if draw.random() < 0.6:  # and so does the acknowledgement
                    memory.acknowledge(message.seq)
        now += 1
    memory.seal()
    for _ in range(10_000):
        if not memory.waiting:
            break
        for message in memory.due(now):
            memory.sent(message, now)
            stored |= {one.device_time or 0 for one in decode_envelope(message.payload, START).readings}
            memory.acknowledge(message.seq)
        now += 1
    assert stored == {reading(second)[0] for second in range(300)}
    assert memory.acknowledged == memory.measured == 300 and memory.dropped == 0


def test_a_memory_that_holds_no_message_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one message"):
        Memory(capacity=5, a_message=10)
