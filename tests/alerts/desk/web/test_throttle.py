from __future__ import annotations

import pytest

from alerts.desk.errors import TooManyTriesError
from alerts.desk.web.throttle import Slowdown, Throttle


def test_tries_come_back_as_the_window_moves_on() -> None:
    throttle = Throttle(2, 60)
    for now in (0.0, 10.0):
        throttle.check("a", now)
        throttle.note("a", now)
    with pytest.raises(TooManyTriesError) as refused:
        throttle.check("a", 20.0)
    assert refused.value.retry_s == 40
    throttle.check("b", 20.0)
    throttle.check("a", 60.1)
    throttle.note("a", 60.1)
    throttle.forgive("a")
    throttle.check("a", 60.1)


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, 60, keys=3)
    for number in range(100):
        throttle.note(str(number), 0.0)
    throttle.check("0", 1.0)  # forgotten
    with pytest.raises(TooManyTriesError):
        throttle.check("99", 1.0)


def test_tries_beyond_the_free_ones_wait_longer_and_longer_and_then_are_forgotten() -> None:
    slow = Slowdown(2, waiting=5)

    def wrong(now: float) -> float:
        wait_s = slow.begin("a", now)
        slow.end("a", now, wrong=True, waited=wait_s > 0)
        return wait_s

    assert [wrong(0.0) for _ in range(8)] == [0, 0, 1, 2, 4, 8, 8, 8]
    assert slow.begin("b", 0.0) == 0
    assert wrong(61.0) == 0
    for _ in range(4):
        wrong(62.0)
    slow.forget("a")
    assert wrong(62.0) == 0


def test_tries_that_have_begun_count_and_few_may_wait() -> None:
    slow = Slowdown(2, waiting=2)
    assert [slow.begin("a", 0.0) for _ in range(4)] == [0, 0, 1, 2]
    with pytest.raises(TooManyTriesError):
        slow.begin("a", 0.0)
    slow.end("a", 0.0, wrong=False, waited=True)
    assert slow.begin("a", 0.0) == 2
