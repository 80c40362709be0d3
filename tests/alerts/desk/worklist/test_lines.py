from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec.structs import replace as replace_alarm

from alerts.care.limits import by_side
from alerts.desk.worklist.calls import calls_of
from alerts.desk.worklist.lines import Line, counts, lines_of, view
from alerts.desk.worklist.snapshot import Patient, Person, Snapshot, Value
from alerts.life.alarm import Alarm
from devices.vitals import Vital
from devices.wire.control import Facts, Level, Limit
from streams.engine.condition import Priority

NOW = 1_795_271_647_000
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW
LIMITS = by_side([Limit(Vital.HEART_RATE, "high", Level(110), Level(130))])


def patient(number: int, team: int = 1) -> Patient:
    return Patient(
        number, team, f"PATIENT {number:03d}", "1950-01-01", "", "", "", NOW, Facts(born="1950-01-01"), (), LIMITS
    )


def alarm(number: int, subject: int, priority: Priority = HIGH, minutes: float = 1, **about: Any) -> Alarm:
    fields: dict[str, Any] = {
        "subject_kind": "patient",
        "rule": f"rule{number}",
        "source": 0,
        "category": "physiological",
    } | about
    return Alarm(
        alarm=number,
        subject=subject,
        active=True,
        priority=priority,
        worst=priority,
        onset=NOW - int(minutes * 60_000),
        **fields,
    )


def snapshot(patients: int, *alarms: Alarm, values: tuple[Value, ...] = ()) -> Snapshot:
    people = {7: Person(7, "Nurse", "nurse", frozenset({1}))}
    everybody = {n: patient(n) for n in range(1, patients + 1)}
    return Snapshot(1, NOW, NOW, everybody, people, {1: values} if values else {}, alarms, {})


def seen(of: Snapshot, teams: frozenset[int] = frozenset({1})) -> list[str]:
    return [line.key for line in view(of, lines_of(of), teams)]


def test_high_then_medium_then_technical_oldest_first_then_in_hand_then_by_name() -> None:
    of = snapshot(
        7,
        alarm(1, 1, MEDIUM, 50),
        alarm(2, 2, HIGH, 1),
        alarm(3, 3, HIGH, 9),
        alarm(4, 4, MEDIUM, 90, category="technical", rule="no_data"),
        alarm(5, 5, HIGH, 99, life="acknowledged", owner=7),
    )
    assert seen(of) == ["p3", "p2", "p1", "p4", "p5", "p6", "p7"]
    assert counts(view(of, lines_of(of), frozenset({1})), 7) == {
        "high": 2, "medium": 1, "technical": 1, "held": 1, "quiet": 2, "mine": 1,
    }  # fmt: skip


def test_what_joins_a_patient_whom_somebody_has_leads_in_hand_and_is_silent_unless_it_is_worse() -> None:
    of = snapshot(1, alarm(1, 1, HIGH, life="acknowledged", owner=7), alarm(2, 1, MEDIUM))
    (line,) = view(of, lines_of(of), frozenset({1}))
    assert line.lead
    assert (line.lead.alarm, line.group, line.kind, [a.alarm for a in line.also]) == (2, "held", "medium", [1])
    assert ([a.alarm for a in line.waiting], [a.alarm for a in line.working]) == ([2], [1])
    assert calls_of([line]) == []
    worse = snapshot(1, alarm(1, 1, MEDIUM, life="acknowledged", owner=7), alarm(2, 1, HIGH))
    (line,) = view(worse, lines_of(worse), frozenset({1}))
    assert (line.group, [call[0] for call in calls_of([line])]) == ("open", ["2"])
    done = snapshot(1, alarm(1, 1, HIGH, life="acknowledged", owner=7, outcome="called"), alarm(2, 1, MEDIUM))
    assert view(done, lines_of(done), frozenset({1}))[0].group == "open"


def test_a_row_changes_with_the_time_of_its_next_call() -> None:
    of = snapshot(1, alarm(1, 1, HIGH, episode=3))
    one, other = (lines_of(replace(of, calls_next={3: at})) for at in (NOW + 5, NOW + 60_005))
    assert one[0].calls_next == NOW + 5
    assert one[0].digest != other[0].digest


def test_only_the_teams_own_patients_are_seen_and_the_pipelines_alarms_by_all() -> None:
    of = snapshot(2, alarm(1, 3, subject_kind="partition", rule="pipeline_stopped", category="technical"))
    of = replace(of, patients={1: patient(1, team=1), 2: patient(2, team=2)})
    assert seen(of) == ["s-pipeline_stopped", "p1"]
    assert seen(of, frozenset()) == ["s-pipeline_stopped"]


def test_a_gateway_silent_on_several_is_one_line_and_on_one_is_that_patients() -> None:
    offline: dict[str, Any] = {"rule": "gateway_offline", "source": 9, "category": "technical"}
    of = snapshot(3, *(alarm(n, n, MEDIUM, **offline) for n in (1, 2)), alarm(3, 2, HIGH))
    assert seen(of) == ["p2", "g9", "p1", "p3"]
    alone = snapshot(3, alarm(1, 1, MEDIUM, **offline))
    assert seen(alone)[0] == "p1"


def test_a_digest_changes_with_the_alarm_and_not_with_a_number() -> None:
    def digest(of: Snapshot) -> str:
        return lines_of(of)[0].digest

    at = Value(1, Vital.HEART_RATE, 5, NOW - 1000, 80, 0, NOW)
    plain = digest(snapshot(1, values=(at,)))
    assert digest(snapshot(1, values=(replace(at, value=81, at=NOW),))) == plain
    assert digest(snapshot(1, alarm(1, 1), values=(at,))) != plain
    one, two = (digest(snapshot(1, alarm(1, 1, version=v), values=(at,))) for v in (1, 2))
    assert one != two


def over(number: int, subject: int, priority: Priority = HIGH, minutes: float = 1, **about: Any) -> Alarm:
    """An alarm whose condition has ended; a high one latches."""
    return replace_alarm(alarm(number, subject, priority, minutes, **about), active=False, ended=NOW)


def test_the_most_urgent_condition_that_stands_heads_a_row() -> None:
    def line_of(*alarms: Alarm) -> Line:
        (line,) = view(of := snapshot(1, *alarms), lines_of(of), frozenset({1}))
        return line

    line = line_of(over(1, 1, HIGH, 9), alarm(2, 1, HIGH, 2), alarm(3, 1, MEDIUM, 20))
    assert [a.alarm for a in line.alarms] == [2, 3, 1]
    # what is over and was high still counts as high and waits, but the patient is headed by what is true now
    line = line_of(over(1, 1, HIGH, 9), alarm(2, 1, MEDIUM, 2))
    assert line.lead
    assert line.to_take
    assert (line.lead.alarm, line.kind, line.group, line.to_take.alarm) == (2, "high", "open", 2)
    line = line_of(over(1, 1, HIGH, 9), alarm(2, 1, HIGH, 2, life="acknowledged", owner=7))
    assert line.lead
    assert line.to_take
    assert (line.lead.alarm, line.group, line.to_take.alarm) == (2, "open", 1)


def test_each_alarm_that_nobody_has_calls_and_a_silent_gateway_once() -> None:
    offline: dict[str, Any] = {"rule": "gateway_offline", "source": 9, "category": "technical"}
    of = snapshot(
        4,
        over(1, 1, HIGH),
        alarm(2, 1, MEDIUM),
        over(3, 2, MEDIUM),
        alarm(4, 2, HIGH, life="acknowledged", owner=7),
        *(alarm(4 + n, n, MEDIUM, **offline) for n in (3, 4)),
    )
    calls = calls_of(view(of, lines_of(of), frozenset({1})))
    assert [call[:4] for call in calls] == [
        ["1", 3, "high", 1], ["2", 2, "medium", 1], ["g9", 2, "technical", 1],
    ]  # fmt: skip


def test_what_is_over_and_has_its_outcome_is_not_on_the_list_though_it_may_begin_again() -> None:
    over = replace_alarm(alarm(1, 1), life="acknowledged", active=False, ended=NOW, owner=7)
    [to_work] = view(snapshot(1, over), lines_of(snapshot(1, over)), frozenset({1}))
    assert to_work.alarms == (over,)
    done = replace_alarm(over, outcome="called", outcome_at=NOW)
    [line] = view(snapshot(1, done), lines_of(snapshot(1, done)), frozenset({1}))
    assert line.alarms == ()
    again = replace_alarm(done, active=True, ended=None)
    [line] = view(snapshot(1, again), lines_of(snapshot(1, again)), frozenset({1}))
    assert line.alarms == (again,)
