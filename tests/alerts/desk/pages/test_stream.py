"""The events of a page: changes only."""

from __future__ import annotations

from dataclasses import replace

from alerts.desk.pages.stream import Feed
from alerts.desk.worklist.cells import Cell
from alerts.desk.worklist.lines import lines_of, view
from alerts.desk.worklist.snapshot import Value
from devices.vitals import Vital
from tests.alerts.desk.worklist.test_lines import NOW, snapshot


def test_a_feed_says_only_what_changed() -> None:
    at = Value(1, Vital.HEART_RATE, 5, NOW - 1000, 140, 0, NOW)
    of, feed = snapshot(2, values=(at,)), Feed(7)
    first = feed.event(of, view(of, lines_of(of), frozenset({1})), 10_000)
    assert first["cells"]["p1"]["hr"] == Cell("140", "high", NOW - 1000, 120).wire()
    assert [entry[0] for entry in first["order"]] == ["p1", "p2"]
    again = feed.event(of, view(of, lines_of(of), frozenset({1})), 10_000)
    assert set(again) == {"now", "data", "still", "counts"}
    assert again["still"] is False
    of = replace(of, data_at=NOW - 11_000, values={1: (replace(at, value=100),)})
    third = feed.event(of, view(of, lines_of(of), frozenset({1})), 10_000)
    assert third["still"] is True
    assert third["cells"] == {"p1": {"hr": Cell("100", "", NOW - 1000, 120).wire()}}
