from __future__ import annotations

import pytest

from alerts.desk.pages.patient.window import Window

NOW = 1_790_000_000.0
DAY = 86_400


@pytest.mark.parametrize(
    ("query", "start", "end", "live"),
    [
        ({"hours": "168"}, NOW - 7 * DAY, NOW, True),
        ({}, NOW - 6 * 3600, NOW, True),
        ({"hours": "5"}, NOW - 6 * 3600, NOW, True),
        ({"from": str(NOW - 900), "to": str(NOW - 300)}, NOW - 900, NOW - 300, False),
        ({"from": str(NOW - 900), "to": str(NOW + 300)}, NOW - 900, NOW, False),
        ({"from": str(NOW - 310), "to": str(NOW - 300)}, NOW - 600, NOW - 300, False),
        ({"from": "0", "to": str(NOW)}, NOW - 31 * DAY, NOW, False),
        ({"from": str(NOW + 99), "to": str(NOW + 999)}, NOW - 300, NOW, False),
        ({"from": "nan", "to": "inf"}, NOW - 6 * 3600, NOW, True),
        ({"from": "9", "to": "8"}, NOW - 6 * 3600, NOW, True),
        ({"from": "-1e308", "to": "x"}, NOW - 6 * 3600, NOW, True),
    ],
)
def test_a_window_is_what_was_asked_for_within_what_there_is(
    query: dict[str, str], start: float, end: float, live: bool
) -> None:
    assert Window.asked(query, NOW) == Window(start, end, live)


@pytest.mark.parametrize(
    ("hours", "step", "row"), [(1, 0, 60), (2, 0, 60), (6, 60, 600), (24, 60, 600), (168, 600, 3600), (720, 3600, 4 * 3600)]
)
def test_a_longer_window_has_longer_steps_so_that_it_is_never_more_than_a_screen(hours: int, step: int, row: int) -> None:
    window = Window.of_hours(hours, NOW)
    assert (window.step_s, window.row_s) == (step, row)
    assert window.seconds / (window.step_s or 7) < 2200
    assert window.seconds / window.row_s <= 190


def test_any_window_has_a_time_in_the_database() -> None:
    assert [at.year for at in Window.asked({"from": "0", "to": "1"}, NOW).between] == [1970, 1970]
