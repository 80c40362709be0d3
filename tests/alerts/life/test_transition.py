"""The life of an alarm: scenarios that read as its specification, and what must hold after any sequence of events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from _pytest.mark import ParameterSet
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.errors import RefusedError
from alerts.life.alarm import Alarm, Outcome
from alerts.life.events import (
    Acknowledge,
    AddNote,
    Closed,
    Effect,
    HistoryEntry,
    LifeEvent,
    Notify,
    RecordOutcome,
    Shelve,
    StopNotifications,
    Tick,
    Unshelve,
)
from alerts.life.timing import TIMINGS
from alerts.life.transition import Change, transition
from streams.engine.condition import Condition, Phase, Priority

START = 1_800_000_000


def condition(phase: Phase, priority: Priority, second: int, **others: Any) -> Condition:
    return Condition(
        partition=5, second=second, subject=5, rule="spo2.low", source=7, phase=phase, priority=priority,
        category="physiological", vital=3, value=88.0, limit=92.0, measured=second * 1000 - 400, **others,
    )  # fmt: skip


def opened(priority: Priority) -> Alarm:
    alarm, _ = transition(None, condition("onset", priority, START))
    assert alarm
    return alarm


def after(alarm: Alarm | None, event: LifeEvent) -> Change:
    if alarm:
        return transition(alarm, event)
    assert isinstance(event, Condition)
    made, effects = transition(None, event)
    assert made
    return made, effects


def scenarios() -> Iterator[ParameterSet]:
    for file in sorted((Path(__file__).parent / "scenarios").glob("*.txt")):
        text = re.sub(r"(?m)^#.*\n", "", file.read_text())
        for block in text.strip().split("\n\n"):
            title, *lines = block.strip().split("\n")
            yield pytest.param(lines, id=title)


def event_of(words: list[str], alarm: Alarm | None, second: int) -> LifeEvent:
    at = second * 1000
    match words:
        case ["tick"]:
            return Tick(at)
        case ["onset" | "worse" | "better" as phase, priority]:
            return condition(phase, Priority[priority.upper()], second)
        case ["end"]:
            assert alarm
            return condition("end", alarm.priority, second)
        case ["late", "onset" | "end" as phase]:
            return condition(phase, Priority.LOW, second, detail={"late": True})
        case ["acknowledge", "by", who]:
            return Acknowledge(int(who), at)
        case ["note", "by", who]:
            return AddNote(int(who), at, "seen")
        case ["outcome", outcome, "by", who, *reason]:
            return RecordOutcome(int(who), at, cast("Outcome", outcome), reason=" ".join(reason))
        case ["shelve", minutes, "by", who, *reason]:
            return Shelve(int(who), at, at + int(minutes) * 60_000, " ".join(reason))
        case ["unshelve", "by", who]:
            return Unshelve(int(who), at)
    raise AssertionError(words)


@pytest.mark.parametrize("lines", list(scenarios()))
def test_scenario(lines: list[str]) -> None:
    alarm: Alarm | None = None
    for line in lines:
        left, expected = (part.strip() for part in line.split("->"))
        clock, *words = left.split()
        minutes, seconds = map(int, clock.split(":"))
        event = event_of(words, alarm, START + minutes * 60 + seconds)
        if expected.startswith("refused:"):
            with pytest.raises(RefusedError, match=expected.split(": ", 1)[1]):
                after(alarm, event)
            continue
        before, (alarm, effects) = alarm, after(alarm, event)
        if expected == "nothing":
            assert alarm is before, line
            assert effects == (), line
            continue
        state, *follows = expected.split(", ")
        assert alarm.state == state, line
        wanted = {word for word in follows if word.split()[0] in {"calls", "stops", "closes"}}
        assert wanted == set(filter(None, map(in_words, effects))), line
        for word in set(follows) - wanted:
            check(word, alarm, line)


def in_words(effect: Effect) -> str | None:
    match effect:
        case Notify(step=step):
            return f"calls {step}"
        case StopNotifications():
            return "stops"
        case Closed():
            return "closes"
    return None


def check(word: str, alarm: Alarm, line: str) -> None:
    match word.split():
        case ["onsets", count]:
            assert alarm.onsets == int(count), line
        case ["owner", who]:
            assert alarm.owner == int(who), line
        case ["unowned"]:
            assert alarm.owner is None, line
        case ["outcome", outcome]:
            assert alarm.outcome == outcome, line
        case ["no", "outcome"]:
            assert (alarm.outcome, alarm.outcome_at) == (None, None), line
        case _:
            raise AssertionError(line)


def test_where_no_alarm_is_open_an_end_makes_none() -> None:
    assert transition(None, condition("end", Priority.HIGH, START)) == (None, ())


def test_a_history_entry_holds_the_actor_and_the_values() -> None:
    alarm, (entry, *_) = transition(None, condition("onset", Priority.HIGH, START))
    assert entry == HistoryEntry(
        "onset", START * 1000, 0, {"priority": 3, "value": 88.0, "limit": 92.0, "measured": START * 1000 - 400}
    )
    assert alarm
    _, (entry, *_) = transition(alarm, Shelve(9, START * 1000, START * 1000 + 60_000, " bath "))
    assert entry == HistoryEntry("shelve", START * 1000, 9, {"until": START * 1000 + 60_000, "reason": "bath"})


# Any sequence of events -----------------------------------------------------------

PRIORITIES = st.sampled_from(list(Priority))
STEPS = st.one_of(
    st.tuples(st.sampled_from(["onset", "worse", "better", "end"]), PRIORITIES),
    st.tuples(st.sampled_from(["acknowledge", "called", "false_alarm", "note", "unshelve"]), st.integers(1, 3)),
    st.tuples(st.just("shelve"), st.integers(1, 3), st.integers(-10, 90_000)),
    st.tuples(st.just("late"), st.sampled_from(["onset", "end"])),
    st.tuples(st.just("tick")),
)


def made(step: tuple[Any, ...], at: int) -> LifeEvent:
    match step:
        case ("onset" | "worse" | "better" | "end" as phase, priority):
            return condition(phase, priority, at // 1000)
        case ("late", phase):
            return condition(phase, Priority.LOW, at // 1000, detail={"late": True})
        case ("acknowledge", by):
            return Acknowledge(by, at)
        case ("called" | "false_alarm" as outcome, by):
            return RecordOutcome(by, at, outcome, reason="motion")
        case ("note", by):
            return AddNote(by, at, "seen")
        case ("unshelve", by):
            return Unshelve(by, at)
        case ("shelve", by, seconds):
            return Shelve(by, at, at + seconds * 1000, "asleep")
    return Tick(at)


@settings(max_examples=300, deadline=None)
@given(PRIORITIES, st.lists(st.tuples(st.sampled_from([0, 1, 59, 60, 300, 1800, 40_000]), STEPS), max_size=25))
def test_whatever_happens_these_hold(priority: Priority, steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    at = START * 1000
    alarm, effects = after(None, condition("onset", priority, START))
    last_step = -1
    for gap, step in [(0, None), *steps]:
        at += gap * 1000
        before = alarm
        if step is not None:
            try:
                alarm, effects = transition(alarm, made(step, at))
            except RefusedError:
                continue
            assert (alarm is before) == (effects == ())
            if step[0] == "shelve":
                assert alarm.shelved_until
                assert at < alarm.shelved_until <= at + TIMINGS[before.priority].shelf_s * 1000
        if effects:
            assert alarm.version == (before.version + 1 if step else 1)
            assert isinstance(effects[0], HistoryEntry)
        for effect in effects:
            if isinstance(effect, Notify):
                assert effect.step > last_step
                last_step = effect.step
                assert alarm.life == "unacknowledged"
        assert_sound(alarm, before)


def assert_sound(alarm: Alarm, before: Alarm) -> None:
    assert alarm.worst >= alarm.priority
    assert alarm.active == (alarm.ended is None)
    assert (alarm.life == "closed") == (alarm.closed is not None)
    assert (alarm.life == "shelved") == (alarm.shelved_until is not None) == (alarm.shelf_reason is not None)
    assert alarm.life != "closed" or (not alarm.active and alarm.due is None)
    assert alarm.life != "acknowledged" or (alarm.active and alarm.owner is not None)
    # nobody silent by accident: what people should know of and have not acted on has a next call
    if alarm.life == "unacknowledged" and (alarm.worst is Priority.HIGH or (alarm.active and alarm.priority > 1)):
        assert alarm.due is not None
    # silence that somebody asked for has an end, unless they said what came of it
    if alarm.life == "shelved":
        assert alarm.due == alarm.shelved_until
    if alarm.life == "acknowledged":
        assert (alarm.due is None) == (alarm.outcome is not None)
    # a closed alarm stays as it closed; only what people say of it may follow
    if before.life == "closed":
        fields = ("active", "priority", "onset", "ended", "onsets", "life", "owner", "step", "closed", "due")
        assert [getattr(alarm, f) for f in fields] == [getattr(before, f) for f in fields]
        assert before.outcome in (None, alarm.outcome)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["onset", "worse", "better", "end"]), PRIORITIES)))
def test_what_was_high_calls_every_minute_until_somebody_acts(changes: list[tuple[int, Phase, Priority]]) -> None:
    alarm = opened(Priority.HIGH)
    changes = sorted(changes)
    called = 0
    for second in range(60, 3600, 60):
        while changes and changes[0][0] <= second:
            delay, phase, priority = changes.pop(0)
            alarm, effects = transition(alarm, condition(phase, priority, START + delay))
            called = delay if any(isinstance(effect, Notify) for effect in effects) else called
        alarm, effects = transition(alarm, Tick((START + second) * 1000))
        called = second if any(isinstance(effect, Notify) for effect in effects) else called
        assert second - called < 60
        assert alarm.closed is None
