from __future__ import annotations

import pytest

from alerts.desk.errors import TooManyTriesError
from alerts.desk.web.throttle import Throttle


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
    throttle.forget("a")
    throttle.check("a", 20.0)


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, 60, keys=3)
    for number in range(100):
        throttle.note(str(number), 0.0)
    throttle.check("0", 1.0)  # forgotten
    with pytest.raises(TooManyTriesError):
        throttle.check("99", 1.0)
