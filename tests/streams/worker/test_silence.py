"""Partitions of which nothing comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.worker.silence import SILENT_S, Silence


def looked(
    silence: Silence, received: Mapping[int, float | Callable[[int], float]], begin: int, end: int
) -> dict[int, dict[int, bool]]:
    """The changes of each second, where there are any."""
    found: dict[int, dict[int, bool]] = {}
    for now in range(begin, end):
        times = {p: at(now) if callable(at) else at for p, at in received.items()}
        if changes := silence.changes(times, float(now)):
            found[now] = changes
    return found


def test_a_partition_of_which_nothing_comes_is_silent_after_30_s_and_no_longer_when_it_is_heard() -> None:
    silence = Silence()
    begin = 1000
    first = looked(silence, {1: float, 2: float}, begin, begin + 10)
    assert first == {begin: {1: False, 2: False}}, "of one just taken its former owner may have reported it"
    stopped = begin + 9
    found = looked(silence, {1: float, 2: float(stopped)}, begin + 10, begin + 90)
    assert found == {stopped + int(SILENT_S) + 1: {2: True}}
    assert looked(silence, {1: float, 2: float}, begin + 90, begin + 100) == {begin + 90: {2: False}}


def test_who_was_stopped_itself_reports_nothing_of_the_time_in_between() -> None:
    silence = Silence()
    looked(silence, {1: float}, 1000, 1010)
    woken = 1600
    assert looked(silence, {1: 1009.0}, woken, woken + int(SILENT_S) + 1) == {}
    assert looked(silence, {1: 1009.0}, woken + int(SILENT_S) + 1, woken + 40) == {woken + int(SILENT_S) + 1: {1: True}}


def test_a_partition_that_was_given_away_is_reported_anew_when_it_comes_back() -> None:
    silence = Silence()
    looked(silence, {1: 1000.0}, 1000, 1040)
    assert looked(silence, {}, 1040, 1042) == {}
    assert looked(silence, {1: 1000.0}, 1042, 1043) == {1042: {1: True}}
