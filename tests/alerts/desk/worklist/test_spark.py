from __future__ import annotations

import pytest

from alerts.desk.worklist.spark import BUCKET_S, STEPS, band_of, draw, draw_pressure, trend_of
from devices.vitals import Vital

END = 1_795_271_647
LAST = END // BUCKET_S
HR = Vital.HEART_RATE


def test_a_hole_breaks_the_line_and_what_is_outside_is_heavier() -> None:
    drawn = draw(HR, {LAST - 4: 80, LAST - 3: 80, LAST - 1: 130, LAST: 140}, END, 50, 110)
    assert drawn.path == "M72 11.7L74 11.7M78 3.3L80 1.7"
    assert drawn.out == "M78 3.3L80 1.7"
    assert drawn.now == "M80 1.7h0"
    assert drawn.gap == ""
    assert (drawn.low, drawn.high) == (80, 140)


def test_what_ends_early_is_drawn_on_as_missing() -> None:
    drawn = draw(HR, {LAST - 10: 90}, END)
    assert drawn.gap == "M60 10.0H80"
    assert drawn.band is None


def test_what_is_older_than_six_hours_is_left_out() -> None:
    assert draw(HR, {LAST - STEPS - 1: 90}, END).path == ""


def test_temperature_is_joined_over_its_pauses() -> None:
    assert draw(Vital.TEMPERATURE, {LAST - 8: 37.0, LAST - 2: 38.0}, END).path == "M64 12.7L76 9.1"


def test_the_scale_is_fixed_and_values_beyond_it_stay_in_the_box() -> None:
    assert draw(HR, {LAST: 290}, END).path == "M80 0.0"
    assert band_of(HR, 41, None) == (0.0, 18.2)
    assert band_of(HR, None, None) is None


def test_pressure_is_a_bar_from_systolic_to_diastolic() -> None:
    drawn = draw_pressure({LAST: 88, LAST - 3: 120}, {LAST: 52, LAST - 3: 80}, END, 91, 219)
    assert [out for _, out in drawn.bars] == [False, True]


@pytest.mark.parametrize(
    ("value", "trend"), [(80, "flat"), (84.9, "flat"), (86, "rise"), (96, "up"), (74, "fall"), (60, "down")]
)
def test_an_arrow_compares_with_half_an_hour_ago(value: float, trend: str) -> None:
    assert trend_of(HR, {LAST - 4: 80}, value, END) == trend


def test_without_a_past_there_is_no_arrow() -> None:
    assert trend_of(HR, {LAST: 80}, 120, END) == ""
