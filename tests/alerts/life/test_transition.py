"""The life of an alarm: scenarios that read as its specification, and what must hold after any sequence of events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from _pytest.mark import ParameterSet
from msgspec.structs import replace

from alerts.errors import RefusedError
from alerts.life.alarm import Alarm, Outcome, State
from alerts.life.events import (
    Acknowledge,
    AddNote,
    Closed,
    HistoryEntry,
    LifeEvent,
    Reassign,
    RecordOutcome,
    Shelve,
    TakeBack,
    Tick,
    Unshelve,
)
from alerts.life.table import LIFE, MEANING, as_markdown
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
        case ["reassign", to, "by", who]:
            return Reassign(int(who), at, int(to))
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
        assert ("closes" in follows) == any(isinstance(effect, Closed) for effect in effects), line
        for word in set(follows) - {"closes"}:
            check(word, alarm, line)


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


# The table ---------------------------------------------------------------------------

STATES: dict[State, dict[str, Any]] = {
    "active": {},
    "cleared": {"active": False, "worst": Priority.MEDIUM, "ended": START * 1000},
    "latched": {"active": False, "worst": Priority.HIGH, "ended": START * 1000},
    "acknowledged": {"life": "acknowledged", "owner": 1, "acknowledged": START * 1000},
    "recovered": {"life": "acknowledged", "owner": 1, "active": False, "ended": START * 1000},
    "shelved": {"life": "shelved", "owner": 1, "shelved_until": START * 1000 + 1, "shelf_reason": "bath"},
    "closed": {"life": "closed", "active": False, "closed": START * 1000, "ended": START * 1000},
}


def test_the_table_knows_every_state() -> None:
    assert set(LIFE) == set(MEANING) == set(STATES) == set(get_args(State))
    for name, fields in STATES.items():
        assert replace(opened(Priority.MEDIUM), **fields).state == name


@pytest.mark.parametrize("state", list(LIFE))
def test_what_the_table_does_not_name_changes_nothing_or_is_refused(state: State) -> None:
    at = START * 1000 + 1000
    acts: dict[str, Any] = {
        "acknowledge": Acknowledge(2, at), "outcome": RecordOutcome(2, at, "called"), "note": AddNote(2, at, "seen"),
        "shelve": Shelve(2, at, at + 60_000, "bath"), "unshelve": Unshelve(2, at),
        "worse": condition("worse", Priority.HIGH, START + 1), "ends": condition("end", Priority.MEDIUM, START + 1),
        "due": Tick(at),
    }  # fmt: skip
    alarm = replace(opened(Priority.MEDIUM), due=at, **STATES[state])
    for name, event in acts.items():
        if name in LIFE[state] or (name == "worse" and "begins" in LIFE[state]):
            after_it, _ = transition(alarm, event)
            branches = LIFE[state].get(cast("Any", name)) or LIFE[state]["begins"]
            assert after_it.state in {target for _, target in branches}, (state, name)
            assert after_it is not alarm, (state, name)
        else:
            try:
                assert transition(replace(alarm, due=None), event)[0] is not None
                assert transition(replace(alarm, due=None), event)[0].state == state
            except RefusedError:
                assert state == "closed"


def test_the_page_of_alarms_shows_the_table_of_the_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "alarms.md").read_text()
    assert as_markdown() in page, "run: python -m alerts.life.table, and put it into docs/alarms.md"


@pytest.mark.parametrize("act", [
    Acknowledge(7, START * 1000 + 5000),
    Shelve(7, START * 1000 + 5000, START * 1000 + 600_000, "care at the bedside"),
    RecordOutcome(7, START * 1000 + 5000, "called", note="daughter informed"),
    AddNote(7, START * 1000 + 5000, "a note"),
])  # fmt: skip
def test_an_act_that_is_taken_back_leaves_what_was_decided_before_it(act: Any) -> None:
    alarm = opened(Priority.HIGH)
    done, _ = transition(alarm, act)
    back, effects = transition(done, TakeBack(7, act.at + 3000, alarm.decided))
    assert replace(back, version=alarm.version) == alarm
    assert effects == (HistoryEntry("taken_back", act.at + 3000, 7),)


def test_what_got_worse_meanwhile_stays_worse_when_an_act_is_taken_back() -> None:
    alarm = opened(Priority.MEDIUM)
    taken, _ = transition(alarm, Acknowledge(7, START * 1000 + 1000))
    over, _ = transition(taken, condition("end", Priority.MEDIUM, START + 2))
    back, _ = transition(over, TakeBack(7, START * 1000 + 3000, alarm.decided))
    assert (back.state, back.due is not None) == ("cleared", True)
    worse, _ = transition(taken, condition("worse", Priority.MEDIUM, START + 2))
    back, _ = transition(replace(worse, priority=Priority.HIGH), TakeBack(7, START * 1000 + 3000, alarm.decided))
    assert back.worst is Priority.HIGH
