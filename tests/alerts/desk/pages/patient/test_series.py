from __future__ import annotations

from alerts.desk.pages.patient.series import gaps_of, merged


def test_a_gap_is_longer_than_what_is_usual_and_may_last_until_now() -> None:
    assert gaps_of([0, 10, 100, 110], 111, 60) == [(10, 100)]
    assert gaps_of([0, 10], 200, 60) == [(10, 200)]
    assert gaps_of([], 200, 60) == []


def test_neighbouring_poor_stretches_are_one() -> None:
    assert merged([(0, 1), (3, 4), (20, 21)], 5) == [(0, 4), (20, 21)]
