"""Episodes: one item a patient, and acting never costs more calls than ignoring."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alerts.errors import RefusedError
from alerts.life.alarm import Alarm
from alerts.life.episode import Level, level_of, waiting
from alerts.life.events import Acknowledge, Act, AddNote, RecordOutcome, Shelve, Unshelve
from alerts.life.timing import RESTART_S, TIMINGS
from devices.vitals import Vital
from streams.engine.condition import Condition, Phase, Priority
from tests.alerts.life.in_memory import Patient

START = 1_800_000_000
HIGH, MEDIUM, LOW = Priority.HIGH, Priority.MEDIUM, Priority.LOW
PULSE, SPO2, PRESSURE, GATEWAY, SCORE = "heart_rate.high", "spo2.low", "systolic.low", "gateway_offline", "news2"
VITAL_OF = {PULSE: Vital.HEART_RATE, SPO2: Vital.SPO2, PRESSURE: Vital.SYSTOLIC}


def condition(rule: str, phase: Phase, priority: Priority, second: float, value: float = 90.0) -> Condition:
    return Condition(
        partition=5, second=START + int(second), subject=5, rule=rule, source=0, phase=phase, priority=priority,
        category="technical" if rule == GATEWAY else "physiological", vital=VITAL_OF.get(rule), value=value,
    )  # fmt: skip


def ms(second: float) -> int:
    return int((START + second) * 1000)


class Scene(Patient):
    """A patient whose time passes between what happens."""

    def at(self, second: float, rule: str, phase: Phase, priority: Priority = MEDIUM, value: float = 90.0) -> None:
        self.run_until(ms(second))
        self.conditions(condition(rule, phase, priority, second, value))

    def acts(self, second: float, act: Act, *rules: str) -> None:
        self.run_until(ms(second))
        self.act(act, [one.alarm for one in self.alarms if not rules or one.rule in rules])

    def called(self) -> list[tuple[float, str]]:
        return [(call.at / 1000 - START, call.reason) for call in self.calls]


def acknowledge(second: float, by: int = 1) -> Acknowledge:
    return Acknowledge(by, ms(second))


def test_what_begins_together_calls_once_for_the_gravest() -> None:
    one = Patient()
    one.conditions(
        condition(PULSE, "onset", MEDIUM, 0), condition(SPO2, "onset", HIGH, 0), condition(GATEWAY, "onset", HIGH, 0)
    )
    (call,) = one.calls
    assert call.lead[2] == SPO2
    assert one.episode
    assert (one.episode.step, one.episode.called) == (1, Level(HIGH, (GATEWAY, "spo2")))


def test_what_joins_a_patient_whom_somebody_has_is_silent_unless_it_is_worse() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", MEDIUM)
    scene.acts(20, acknowledge(20))
    scene.at(40, PRESSURE, "onset", MEDIUM)
    scene.run_until(ms(1800))
    assert scene.called() == [(0, "onset")]
    scene.at(1900, SPO2, "onset", HIGH)
    assert scene.called()[1:] == [(1900, "worse")]


def test_a_parameter_that_was_not_taken_at_high_calls_beside_one_that_was() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", HIGH)
    scene.acts(20, acknowledge(20))
    scene.at(30, SPO2, "onset", MEDIUM)
    scene.at(50, SPO2, "worse", HIGH)
    assert scene.called() == [(0, "onset"), (50, "worse")]


def test_what_rises_by_two_points_calls_beside_a_graver_one_that_was_taken() -> None:
    scene = Scene()
    scene.at(0, SCORE, "onset", MEDIUM, 3)
    scene.at(5, PULSE, "onset", HIGH)
    scene.acts(20, acknowledge(20))
    scene.at(100, SCORE, "worse", MEDIUM, 5)
    assert scene.called() == [(0, "onset"), (5, "worse"), (100, "worse")]


def test_a_score_two_points_above_the_one_that_was_taken_calls() -> None:
    scene = Scene()
    scene.at(0, SCORE, "onset", HIGH, 7)
    scene.acts(20, acknowledge(20))
    scene.at(300, SCORE, "worse", HIGH, 8)
    scene.at(400, SCORE, "worse", HIGH, 9)
    assert scene.called() == [(0, "onset"), (400, "worse")]


def test_who_takes_one_alarm_leaves_the_others_calling() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", HIGH)
    scene.at(5, SPO2, "onset", HIGH)
    scene.acts(10, acknowledge(10), PULSE)
    scene.run_until(ms(70))
    assert scene.called() == [(0, "onset"), (5, "worse"), (65, "repeat")]
    assert scene.stops == 0


def test_taking_all_of_them_stops_what_is_not_sent() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", HIGH)
    scene.at(5, SPO2, "onset", HIGH)
    scene.acts(10, acknowledge(10))
    assert scene.stops == 1
    scene.run_until(ms(1799))
    assert len(scene.calls) == 2


def test_once_the_work_has_its_outcome_what_nobody_has_taken_calls() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", MEDIUM)
    scene.acts(20, acknowledge(20))
    scene.at(40, PRESSURE, "onset", MEDIUM)
    scene.acts(600, RecordOutcome(1, ms(600), "called"), PULSE)
    assert scene.called() == [(0, "onset"), (600, "repeat")]


def test_an_episode_without_outcome_comes_back() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", HIGH)
    scene.acts(20, acknowledge(20))
    scene.run_until(ms(1820))
    assert scene.called() == [(0, "onset"), (1820, "repeat")]


def test_latched_and_recovered_does_not_repeat_and_stays_until_somebody_acts() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", HIGH)
    scene.at(30, PULSE, "end", HIGH)
    scene.run_until(ms(7200))
    assert scene.called() == [(0, "onset")]
    assert [one.state for one in scene.alarms] == ["latched"]
    scene.acts(7300, acknowledge(7300))
    assert (scene.alarms, len(scene.over)) == ([], 1)


@pytest.mark.parametrize("every", [120, 180, 240, 290])
@pytest.mark.parametrize("acknowledged", [False, True])
def test_an_alarm_that_flaps_for_six_hours_calls_from_the_first_unanswered_onset(every: int, acknowledged: bool) -> None:
    scene = Scene()
    for begin in range(0, 6 * 3600, every):
        scene.at(begin, PULSE, "onset", MEDIUM)
        if acknowledged and begin == 0:
            scene.acts(30, acknowledge(30))
        scene.at(begin + 60, PULSE, "end", MEDIUM)
    calls = [at for at, _ in scene.called()]
    if acknowledged:
        assert [at for at in calls if at < 2 * 3600] == [0]  # after two hours without an outcome it comes back
        return
    assert {one.onsets for one in scene.alarms} == {len(range(0, 6 * 3600, every))}
    gaps = [after - before for before, after in itertools.pairwise(calls)]
    assert min(gaps) >= 300
    assert max(gaps) < 300 + every  # each repeat at the first moment at which it stands


def test_an_alarm_that_somebody_has_and_that_begins_again_soon_is_the_same_alarm_and_silent() -> None:
    scene = Scene()
    scene.at(0, PULSE, "onset", HIGH)
    scene.acts(20, acknowledge(20))
    scene.at(60, PULSE, "end", HIGH)
    scene.at(60 + RESTART_S - 1, PULSE, "onset", HIGH)
    (alarm,) = scene.alarms
    assert (alarm.state, alarm.onsets, len(scene.calls)) == ("acknowledged", 2, 1)


def test_what_begins_after_an_alarm_should_have_closed_is_another_one_though_no_tick_came() -> None:
    one = Patient()
    one.conditions(condition(PULSE, "onset", HIGH, 0))
    one.act(acknowledge(20))
    one.conditions(condition(PULSE, "end", HIGH, 60))
    one.conditions(condition(PULSE, "onset", HIGH, 60 + RESTART_S))
    assert [alarm.state for alarm in (*one.closed, *one.alarms)] == ["closed", "active"]
    assert [call.reason for call in one.calls] == ["onset", "repeat"]


def test_a_pulse_is_one_parameter_whoever_measures_it() -> None:
    heart, pulse = Patient(), Patient()
    heart.conditions(condition(PULSE, "onset", HIGH, 0))
    pulse.conditions(Condition(5, START, 5, "pulse_rate.high", 3, "onset", HIGH, "physiological", vital=Vital.PULSE_RATE))
    assert level_of(heart.alarms) == level_of(pulse.alarms)


# Any history ----------------------------------------------------------------------

RULES = (PULSE, SPO2, SCORE, GATEWAY)
GAPS = st.sampled_from([1, 5, 20, 59, 60, 61, 119, 299, 300, 301, 900, 1800, 7200])
CHANGES = st.lists(
    st.tuples(
        GAPS, st.sampled_from(RULES), st.sampled_from(["onset", "end", "medium", "high"]), st.sampled_from([5, 6, 7, 9])
    ),
    min_size=1, max_size=14,
)  # fmt: skip
ACTS = st.lists(st.tuples(st.integers(0, 15), st.sampled_from([1, 10, 40, 200]), st.sampled_from(
    ["acknowledge", "outcome", "shelve", "unshelve", "one"])), max_size=6)  # fmt: skip


def conditions_of(changes: list[tuple[int, str, str, int]]) -> list[Condition]:
    """A possible history of conditions: onsets where nothing stands, ends and changes where something does."""
    second, standing, found = 0, dict[str, Priority](), list[Condition]()
    for gap, name, kind, score in changes:
        second += gap
        now = standing.get(name)
        priority = {"medium": MEDIUM, "high": HIGH}.get(kind, MEDIUM)
        if kind == "end" and now is not None:
            found.append(condition(name, "end", now, second))
            del standing[name]
        elif kind != "end" and now is None:
            found.append(condition(name, "onset", priority, second, score))
            standing[name] = priority
        elif kind in ("medium", "high") and now is not None and priority != now:
            found.append(condition(name, "worse" if priority > now else "better", priority, second, score))
            standing[name] = priority
    return found


def calls_with(conditions: list[Condition], acts: list[tuple[int, int, str]], until: int) -> list[int]:
    one = Patient()
    todo: list[tuple[int, int, Any]] = [((c.second - START) * 1000, 0, c) for c in conditions]
    for place, delay, kind in acts:
        if place < len(conditions):
            todo.append((conditions[place].second * 1000 - START * 1000 + delay * 1000 + 500, 1, kind))
    for at, _, what in sorted(todo, key=lambda one: one[:2]):
        now = ms(0) + at
        one.run_until(now)
        if isinstance(what, Condition):
            one.conditions(what)
            continue
        only = [alarm.alarm for alarm in one.alarms][:1] if what == "one" else None
        possible: dict[str, Act] = {
            "acknowledge": Acknowledge(1, now), "one": Acknowledge(1, now), "outcome": RecordOutcome(1, now, "called"),
            "shelve": Shelve(1, now, now + 300_000, "bath"), "unshelve": Unshelve(1, now),
        }  # fmt: skip
        one.act(possible[what], only)
    one.run_until(ms(until))
    return [call.at for call in one.calls]


@settings(max_examples=200, deadline=None)
@given(CHANGES, ACTS)
def test_acting_never_costs_more_calls_than_ignoring(
    changes: list[tuple[int, str, str, int]], acts: list[tuple[int, int, str]]
) -> None:
    conditions = conditions_of(changes)
    until = sum(gap for gap, *_ in changes) + 3600
    ignored, acted = calls_with(conditions, [], until), calls_with(conditions, acts, until)
    for number, at in enumerate(acted):
        assert len([one for one in ignored if one <= at]) > number, (acted, ignored)


class Worked(RuleBasedStateMachine):
    """Alarms and episodes of one patient, walked by conditions, people and time."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.now = Patient(), 0
        self.high_at: dict[str, int] = {}

    @rule(gap=GAPS)
    def time_passes(self, gap: int) -> None:
        self.now += gap
        self.one.run_until(ms(self.now))

    @rule(name=st.sampled_from(RULES), phase=st.sampled_from(["onset", "worse", "better", "end"]),
          priority=st.sampled_from(list(Priority)), score=st.sampled_from([3, 5, 7, 9]))  # fmt: skip
    def engine(self, name: str, phase: Phase, priority: Priority, score: int) -> None:
        before = len(self.one.calls)
        self.one.run_until(ms(self.now))
        taken, known = self.one.taken, self.one.episode.called if self.one.episode else None
        self.one.conditions(condition(name, phase, priority, self.now, score))
        level = level_of(waiting(self.one.alarms))
        if level and (taken is None or level.worse_than(taken)) and (known is None or level.worse_than(known)):
            assert len(self.one.calls) == before + 1, "what is worse than anything before calls at once"
        assert len(self.one.calls) <= before + 1

    @rule(kind=st.sampled_from(["acknowledge", "outcome", "false_alarm", "note", "shelve", "unshelve"]),
          by=st.integers(1, 2), some=st.booleans())  # fmt: skip
    def person(self, kind: str, by: int, some: bool) -> None:
        now = ms(self.now)
        acts: dict[str, Act] = {
            "acknowledge": Acknowledge(by, now), "outcome": RecordOutcome(by, now, "called"),
            "false_alarm": RecordOutcome(by, now, "false_alarm", "motion"), "note": AddNote(by, now, "seen"),
            "shelve": Shelve(by, now, now + 600_000, "bath"), "unshelve": Unshelve(by, now),
        }  # fmt: skip
        only = [one.alarm for one in self.one.alarms if not some or one.alarm % 2]
        try:
            self.one.act(acts[kind], only)
        except RefusedError:
            return
        if kind in ("acknowledge", "outcome", "false_alarm"):
            assert not [one for one in waiting(self.one.alarms) if one.alarm in only]

    @invariant()
    def there_is_an_episode_while_there_is_an_alarm(self) -> None:
        assert (self.one.episode is None) == (not self.one.alarms)
        keys = [one.rule for one in self.one.alarms]
        assert len(set(keys)) == len(keys)

    @invariant()
    def nobody_is_silent_by_accident(self) -> None:
        calling, taken = level_of(waiting(self.one.alarms)), self.one.taken
        if calling is None:
            return
        assert self.one.episode
        held = taken is not None and not calling.worse_than(taken)
        repeat_s = TIMINGS[calling.priority].repeat_s
        assert repeat_s
        if held:
            assert any(one.life == "acknowledged" and one.due is not None for one in self.one.alarms)
        else:
            assert self.one.episode.due is not None
            assert self.one.episode.due <= ms(self.now) + repeat_s * 1000

    @invariant()
    def each_alarm_is_sound(self) -> None:
        for one in (*self.one.alarms, *self.one.closed):
            assert_sound(one)

    @invariant()
    def calls_keep_their_distance(self) -> None:
        steps = [call.step for call in self.one.calls]
        assert all(after == 0 or after == before + 1 for before, after in itertools.pairwise(steps))


def assert_sound(alarm: Alarm) -> None:
    assert alarm.active == (alarm.ended is None)
    assert (alarm.life == "closed") == (alarm.closed is not None)
    assert (alarm.life == "shelved") == (alarm.shelved_until is not None) == (alarm.shelf_reason is not None)
    assert alarm.life != "acknowledged" or alarm.owner is not None
    if alarm.state in {"cleared", "recovered", "shelved"}:
        assert alarm.due is not None
    if alarm.state == "acknowledged":
        assert (alarm.due is None) == (alarm.outcome is not None)
    if alarm.state in {"active", "latched", "closed"}:
        assert alarm.due is None


TestWorked = Worked.TestCase
TestWorked.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
