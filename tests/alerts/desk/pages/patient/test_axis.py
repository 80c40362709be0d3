from __future__ import annotations

import pytest

from alerts.desk.pages.patient.axis import axis_of


@pytest.mark.parametrize(
    ("key", "shown"),
    [("spo2", [80, 97]), ("spo2", [55]), ("bp", [91, 219]), ("bp", [250, 20]), ("hr", [300, 22]), ("temp", [33, 42.5])],
)
def test_every_value_and_limit_lies_inside_its_chart(key: str, shown: list[float]) -> None:
    axis = axis_of(key, [*shown, None])
    bottom, top = axis["range"]
    assert bottom < min(shown)
    assert max(shown) < top
    assert 3 <= len(axis["ticks"]) <= 6
    assert all(bottom <= tick <= top for tick in axis["ticks"])


def test_the_scale_is_the_usual_one_while_everything_fits() -> None:
    assert axis_of("hr", [50, 110]) == {"range": [30, 150], "ticks": [60, 90, 120]}
