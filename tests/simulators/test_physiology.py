from __future__ import annotations

import numpy as np
import pytest

from devices.vitals import VITALS, Vital
from simulators.physiology import Physiology

SECONDS = range(0, 7200, 3)


@pytest.mark.parametrize("seed", range(40))
def test_a_steady_body_scores_no_points_of_news2(seed: int) -> None:
    body = Physiology(seed)
    for second in SECONDS:
        now = body.at(second)
        assert 51 <= round(now.heart_rate) <= 90
        assert round(now.spo2) >= 96 and now.spo2 <= 100
        assert 12 <= round(now.respiratory_rate) <= 20
        assert 111 <= round(now.systolic) <= 219
        assert 36.1 <= round(now.temperature, 1) <= 38.0
        assert now.diastolic + 20 < now.mean_arterial + 10 < now.systolic


def test_equal_seeds_give_equal_bodies_and_others_differ() -> None:
    assert [Physiology(3).at(second) for second in SECONDS] == [Physiology(3).at(second) for second in SECONDS]
    assert Physiology(3).at(100) != Physiology(4).at(100)


def test_heart_rate_moves_with_respiration_and_pressure() -> None:
    body = Physiology(1)
    found = [body.at(second) for second in SECONDS]
    rate = [one.heart_rate for one in found]
    assert np.corrcoef(rate, [one.respiratory_rate for one in found])[0, 1] > 0.5
    assert np.corrcoef(rate, [one.systolic for one in found])[0, 1] > 0.5
    assert np.std(rate) > 1


def test_every_vital_of_a_body_is_plausible_and_others_are_unknown() -> None:
    now = Physiology(2).at(0)
    for vital in set(Vital) - {Vital.BODY_FAT}:
        low, high = VITALS[vital].plausible
        assert low <= now.of(vital) <= high
    with pytest.raises(KeyError):
        now.of(Vital.BODY_FAT)
