"""The events of a page: changes only."""

from __future__ import annotations

from dataclasses import replace

from alerts.desk.pages.stream import Feed
from alerts.desk.worklist.cells import Cell
from alerts.desk.worklist.lines import lines_of, view
from alerts.desk.worklist.snapshot import Value
from devices.vitals import Vital
from tests.alerts.desk.worklist.test_lines import NOW, alarm, snapshot


def test_a_feed_says_only_what_changed() -> None:
    at = Value(1, Vital.HEART_RATE, 5, NOW - 1000, 140, 0, NOW)
    of, feed = snapshot(2, values=(at,)), Feed(7)
    first = feed.event(of, view(of, lines_of(of), frozenset({1})), 10_000)
    assert first["cells"]["p1"]["hr"] == Cell("140", "high", NOW - 1000, 120).wire()
    assert first["order"] == ["p1", "p2"] == sorted(first["lines"])
    again = feed.event(of, view(of, lines_of(of), frozenset({1})), 10_000)
    assert set(again) == {"now", "data", "still", "counts"}
    assert again["still"] is False
    of = replace(of, data_at=NOW - 11_000, values={1: (replace(at, value=100),)})
    third = feed.event(of, view(of, lines_of(of), frozenset({1})), 10_000)
    assert third["still"] is True
    assert third["cells"] == {"p1": {"hr": Cell("100", "", NOW - 1000, 120).wire()}}


def test_a_page_of_one_patient_hears_the_calls_of_all_and_what_is_known_of_paging() -> None:
    of, feed = snapshot(2, alarm(1, 1), alarm(2, 2)), Feed(7, "p1")
    lines = view(of, lines_of(of), frozenset({1}))
    first = feed.event(of, lines, 10_000, (False, "Nobody is paged."))
    assert [call[0] for call in first["calls"]] == ["1", "2"]
    assert first["order"] == ["p1"]
    assert first["paging"] == (False, "Nobody is paged.")
    assert not {"calls", "paging"} & set(feed.event(of, lines, 10_000, (False, "Nobody is paged.")))
