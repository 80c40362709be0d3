from __future__ import annotations

from dataclasses import replace

from alerts.care.limits import BySide, by_side
from alerts.desk.pages.patient.points import merged
from alerts.desk.pages.patient.series import gaps_of, steps_of
from devices.vitals import Vital
from devices.wire.control import Level, Limit
from tests.alerts.desk.worklist.test_cells import look


def test_a_gap_is_longer_than_what_is_usual_and_may_last_until_now() -> None:
    assert gaps_of([0, 10, 100, 110], 111, 60) == [(10, 100)]
    assert gaps_of([0, 10], 200, 60) == [(10, 200)]
    assert gaps_of([], 200, 60) == []


def test_neighbouring_poor_stretches_are_one() -> None:
    assert merged([(0, 1), (3, 4), (20, 21)], 5) == [(0, 4), (20, 21)]


def test_each_stretch_of_time_has_the_limits_of_its_time() -> None:
    def limits(high: float) -> BySide:
        return by_side([Limit(Vital.HEART_RATE, "high", Level(110), Level(high))])

    patient = replace(look()[1], limits=limits(150))
    standing = [(0, limits(130)), (50_000, limits(140)), (100_000, limits(145)), (200_000, limits(150))]
    assert steps_of(standing, patient, Vital.HEART_RATE, 99) == [
        (0, None, 110, [140]), (100, None, 110, [145]), (200, None, 110, [150]),
    ]  # fmt: skip
    assert steps_of([(0, limits(130))], patient, Vital.HEART_RATE, 99) == [(0, None, 110, [150])]
