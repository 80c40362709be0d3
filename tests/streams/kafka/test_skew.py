"""The brokers' clock and the worker's: what is surely wrong, and when it is reported."""

from __future__ import annotations

import pytest

from streams.kafka.skew import AGAIN_S, LIMIT_S, Skew, off_by


@pytest.mark.parametrize(
    ("before", "appended", "after", "off"),
    [
        (100.0, 100.1, 100.2, 0.0),
        (100.0, 100.1, 130.0, 0.0),  # stopped for half a minute before it heard
        (100.0, 107.0, 100.5, 6.5),
        (100.0, 91.0, 100.5, -9.0),
        (100.0, 99.0, 140.0, -1.0),
    ],
)
def test_only_what_no_delay_explains_is_a_difference(before: float, appended: float, after: float, off: float) -> None:
    assert off_by(before, appended, after) == off


def test_a_skew_is_reported_once_and_its_end_once_and_not_at_every_wobble() -> None:
    skew = Skew()
    assert skew.changes({1, 2}, None) == {}
    assert skew.changes({1, 2}, LIMIT_S + 1) == {1: True, 2: True}
    assert skew.changes({1, 2}, -(LIMIT_S + 1)) == {}
    assert skew.changes({1, 2}, LIMIT_S - 1) == {}
    assert skew.changes({1, 2}, AGAIN_S) == {1: False, 2: False}
    assert skew.changes({1, 2}, LIMIT_S) == {}


def test_who_takes_a_partition_ends_what_its_former_owner_reported() -> None:
    skew = Skew()
    assert skew.changes({1}, 0.0) == {1: False}
    assert skew.changes({1, 2}, 0.0) == {2: False}
    assert skew.changes({2}, 0.0) == {}
    assert skew.changes({1, 2}, 9.0) == {1: True, 2: True}
