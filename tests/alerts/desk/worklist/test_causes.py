"""One cause of many patients' technical alarms is one line; what only looks alike is not."""

from __future__ import annotations

from dataclasses import replace

from alerts.desk.worklist.causes import causes_of
from alerts.desk.worklist.lines import lines_of, view
from alerts.desk.worklist.snapshot import Device, Snapshot
from alerts.life.alarm import Alarm
from streams.engine.condition import Priority
from tests.alerts.desk.worklist.test_lines import alarm, seen, snapshot

TEAM = frozenset({1})


def technical(number: int, rule: str, source: int, minutes: float = 1) -> Alarm:
    return alarm(number, number, Priority.MEDIUM, minutes, rule=rule, category="technical", source=source)


def wearing(of: Snapshot, name: str) -> Snapshot:
    worn = {
        n: replace(p, devices=(Device(n, name.format(n=n, c=chr(64 + n)), 1, "Home", 1),)) for n, p in of.patients.items()
    }
    return replace(of, patients=worn)


def test_thirty_homes_that_fall_silent_together_are_one_line_and_the_patients_keep_theirs() -> None:
    of = snapshot(30, *(technical(n, "gateway_offline", n, 1 + n / 60) for n in range(1, 31)))
    found = view(of, lines_of(of), TEAM)
    assert found[0].key == "network"
    assert len(found[0].patients) == len(found[0].waiting) == 30
    assert "30 gateways fell silent together" in found[0].cause
    assert {line.group for line in found[1:]} == {"quiet"}


def test_homes_that_fall_silent_at_other_times_keep_their_own_lines() -> None:
    of = snapshot(3, *(technical(n, "gateway_offline", n, 10 * n) for n in (1, 2, 3)))
    assert sorted(seen(of)) == ["p1", "p2", "p3"]


def test_one_gateway_of_several_patients_is_one_line() -> None:
    assert seen(snapshot(2, technical(1, "gateway_offline", 9), technical(2, "gateway_offline", 9)))[0] == "g9"


def test_devices_of_one_kind_that_fail_together_are_one_line() -> None:
    of = snapshot(6, *(technical(n, "no_data", n, 1 + n / 60) for n in range(1, 7)))
    alike = wearing(of, "Chest patch {n}")
    one = view(alike, lines_of(alike), TEAM)[0]
    assert (one.key, len(one.patients)) == ("k-no-data-chest-patch", 6)
    unlike = wearing(of, "Kind {c}")
    assert causes_of((unlike.patients[a.subject], a) for a in of.alarms) == []
