"""The life of an alarm as one pure function.

``active → acknowledged → cleared``, and beside it latched (high, over, nobody acted) and shelved.  Called by three: the
worker folds conditions, the desk what people do, the notifier the passing of time, each over the locked row as it stands.

Base: ISA-18.2 life cycle, IEC 60601-1-8 priorities; `docs/decisions/0031` says what was chosen where they leave it open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, overload

from msgspec.structs import replace

from alerts.errors import RefusedError
from alerts.life.alarm import Alarm, Life
from alerts.life.events import (
    Acknowledge,
    AddNote,
    Closed,
    Effect,
    Happened,
    Happening,
    LifeEvent,
    Notify,
    RecordOutcome,
    Shelve,
    StopNotifications,
    Tick,
    Unshelve,
    Why,
)
from alerts.life.timing import TIMINGS
from streams.engine.condition import Condition, Priority

LONGEST_TEXT: Final = 2000
"""Characters of a reason or a note."""
_CALLS_AGAIN: Final[frozenset[Happening]] = frozenset({"onset", "worse", "returned", "shelf_ended"})
_TAKES_OVER: Final[frozenset[Happening]] = frozenset({"acknowledge", "outcome", "shelve", "unshelve"})

Changed = tuple[Alarm, tuple[Effect, ...]]


@overload
def transition(alarm: Alarm, event: LifeEvent) -> Changed: ...
@overload
def transition(alarm: None, event: Condition) -> tuple[Alarm | None, tuple[Effect, ...]]: ...
def transition(alarm: Alarm | None, event: LifeEvent) -> tuple[Alarm | None, tuple[Effect, ...]]:
    """The alarm after ``event``, and what follows.

    An event that changes nothing (a repeated onset, an end of what has ended, the owner's second acknowledgement, a tick
    before anything is due) returns the very same alarm and no effect.  Every change grows ``version`` by one and its first
    effect is :class:`Happened`.  ``alarm`` is ``None`` where none is open: then only a condition makes one.

    Raises:
        RefusedError: a person's act that is not possible on this alarm as it stands.
    """
    if alarm is None:
        assert isinstance(event, Condition)
        return (None, ()) if event.phase == "end" else _opened(event)
    match event:
        case Condition():
            return _condition(alarm, event)
        case Tick():
            return _tick(alarm, event.at)
        case RecordOutcome():
            return _outcome(alarm, event)
        case AddNote():
            note = _text(event.note, "A note")
            return _changed(replace(alarm, note=note), Happened("note", event.at, event.by, {"note": note}))
    if alarm.life == "closed":
        raise RefusedError("This alarm is closed: read the list again.")
    match event:
        case Acknowledge():
            return _acknowledge(alarm, event)
        case Shelve():
            return _shelve(alarm, event)
        case Unshelve():
            if alarm.life != "shelved":
                return alarm, ()
            return _off_the_shelf(alarm, event.at, Happened("unshelve", event.at, event.by), "unshelved")


def in_the_way(since: Iterable[tuple[Happening, int]], by: int) -> int | None:
    """The position of the first of these events (kind, actor) that person ``by`` must look at before acting on what they
    saw before it: what somebody else did, or the alarm beginning to call again.  ``None``: repeats, ends, betterment and
    notes do not make an act wrong.
    """
    for position, (kind, actor) in enumerate(since):
        if kind in _CALLS_AGAIN or (kind in _TAKES_OVER and actor != by):
            return position
    return None


# Conditions ------------------------------------------------------------------


def _opened(c: Condition) -> Changed:
    at = c.second * 1000
    alarm = Alarm(
        subject_kind=c.of,
        subject=c.subject,
        rule=c.rule,
        source=c.source,
        category=c.category,
        active=True,
        priority=c.priority,
        worst=c.priority,
        onset=at,
        vital=c.vital,
        value=c.value,
        limit_value=c.limit,
        measured=c.measured,
        detail=c.detail,
        version=0,
    )
    happened = Happened("onset", at, 0, _said(c))
    repeat = TIMINGS[c.priority].repeat_s
    if repeat is None:
        return _changed(alarm, happened)
    return _changed(replace(alarm, due=at + repeat * 1000), happened, Notify(0, "onset", at))


def _condition(alarm: Alarm, c: Condition) -> Changed:
    """By what is true after it, not by the word: so a repeated or a missed condition does no harm."""
    if alarm.life == "closed":
        return alarm, ()
    at = c.second * 1000
    if found_late(c.detail) and not found_late(alarm.detail):
        # an episode of the past says nothing about now: it must not better or end what stands
        return (alarm, ()) if c.phase == "end" else _changed(alarm, Happened("late", at, 0, _said(c)))
    if c.phase == "end":
        return _ended(alarm, c) if alarm.active else (alarm, ())
    if alarm.active and c.priority == alarm.priority:
        return alarm, ()
    kind: Literal["onset", "worse", "better"]
    kind = "onset" if not alarm.active else "worse" if c.priority > alarm.priority else "better"
    after = replace(
        alarm,
        active=True,
        ended=None,
        onsets=alarm.onsets + (kind == "onset"),
        priority=c.priority,
        worst=max(alarm.worst, c.priority),
        vital=c.vital,
        value=c.value,
        limit_value=c.limit,
        measured=c.measured,
        detail=c.detail,
    )
    happened = Happened(kind, at, 0, _said(c))
    if kind == "better":
        return _changed(after, happened)
    if c.priority > alarm.priority:
        return _calls(after, at, happened, "worse")
    if kind == "onset" and after.life == "unacknowledged" and not alarm.latched:
        repeat = TIMINGS[after.worst].repeat_s  # it was silent since its end; flapping calls no sooner than a repeat would
        after = replace(after, due=None if repeat is None else at + repeat * 1000)
    return _changed(after, happened)


def _ended(alarm: Alarm, c: Condition) -> Changed:
    at = c.second * 1000
    after = replace(alarm, active=False, ended=at)
    happened = Happened("end", at, 0, _said(c))
    if alarm.life == "acknowledged":
        return _closed(after, at, happened)
    if alarm.life == "shelved" or after.latched:
        return _changed(after, happened)
    linger = TIMINGS[alarm.worst].linger_s
    assert linger is not None
    return _changed(replace(after, due=at + linger * 1000), happened, StopNotifications())


# People ----------------------------------------------------------------------


def _acknowledge(alarm: Alarm, event: Acknowledge) -> Changed:
    if alarm.life == "acknowledged" and alarm.owner == event.by:
        return alarm, ()
    after = replace(_owned(alarm, event.by, event.at, "acknowledged"), acknowledged=event.at)
    happened = Happened("acknowledge", event.at, event.by)
    if not alarm.active:
        return _closed(after, event.at, happened, StopNotifications())
    forgotten = TIMINGS[alarm.priority].forgotten_s
    due = None if alarm.outcome else event.at + forgotten * 1000
    return _changed(replace(after, due=due), happened, StopNotifications())


def _outcome(alarm: Alarm, event: RecordOutcome) -> Changed:
    reason, note = event.reason.strip(), event.note.strip()
    if event.outcome == "false_alarm" and not reason:
        raise RefusedError("A false alarm needs a reason: say what made it false.")
    if max(len(reason), len(note)) > LONGEST_TEXT:
        raise RefusedError(f"A reason or note has at most {LONGEST_TEXT} characters: shorten it.")
    if alarm.life == "closed" and alarm.outcome:
        raise RefusedError("This alarm is closed and has its outcome: write a note instead.")
    content: dict[str, object] = {"outcome": event.outcome, "reason": reason, "note": note}
    happened = Happened("outcome", event.at, event.by, content)
    after = replace(
        alarm,
        outcome=event.outcome,
        outcome_reason=reason or None,
        outcome_at=event.at,
        note=note or alarm.note,
    )
    if alarm.life in {"closed", "shelved"}:
        return _changed(after, happened)
    if alarm.life == "acknowledged":
        return _changed(replace(after, due=None), happened)
    after = replace(_owned(after, event.by, event.at, "acknowledged"), acknowledged=event.at)
    if not alarm.active:
        return _closed(after, event.at, happened, StopNotifications())
    return _changed(after, happened, StopNotifications())


def _shelve(alarm: Alarm, event: Shelve) -> Changed:
    reason = _text(event.reason, "A shelf")
    longest = TIMINGS[alarm.priority].shelf_s
    if not event.at < event.until <= event.at + longest * 1000:
        name = alarm.priority.name.lower()
        raise RefusedError(f"A {name} alarm is shelved for at most {longest // 60} min: choose an end.")
    after = replace(
        _owned(alarm, event.by, event.at, "shelved"),
        shelved_until=event.until,
        shelf_reason=reason,
        due=event.until,
    )
    happened = Happened("shelve", event.at, event.by, {"until": event.until, "reason": reason})
    return _changed(after, happened, StopNotifications())


# Time ------------------------------------------------------------------------


def _tick(alarm: Alarm, at: int) -> Changed:
    if alarm.due is None or at < alarm.due:
        return alarm, ()
    if alarm.life == "shelved":
        return _off_the_shelf(alarm, at, Happened("shelf_ended", at), "shelf_ended")
    if alarm.life == "acknowledged":
        return _calls(alarm, at, Happened("returned", at, 0, {"owner": alarm.owner}), "returned")
    if alarm.active or alarm.latched:
        return _calls(alarm, at, Happened("repeat", at), "repeat")
    return _closed(alarm, at, Happened("closed", at))


def _off_the_shelf(alarm: Alarm, at: int, happened: Happened, why: Why) -> Changed:
    if alarm.active:
        return _calls(alarm, at, happened, why)
    return _closed(replace(alarm, shelved_until=None, shelf_reason=None), at, happened)


# What they share -------------------------------------------------------------


def _calls(alarm: Alarm, at: int, happened: Happened, why: Why) -> Changed:
    """It is nobody's again, and tells people at once."""
    after = _unowned(alarm) if why != "repeat" else alarm
    repeat = TIMINGS[after.worst].repeat_s
    if repeat is None:
        return _changed(replace(after, due=None), happened)
    after = replace(after, step=alarm.step + 1, due=at + repeat * 1000)
    return _changed(after, happened, Notify(after.step, why, at))


def _owned(alarm: Alarm, by: int, at: int, life: Life) -> Alarm:
    """Somebody has acted: from here on the worst is what they saw."""
    return replace(
        alarm, life=life, owner=by, worst=alarm.priority, acknowledged=None, shelved_until=None, shelf_reason=None, due=None
    )


def _unowned(alarm: Alarm) -> Alarm:
    return replace(
        alarm,
        life="unacknowledged",
        worst=alarm.worst if alarm.life == "unacknowledged" else alarm.priority,
        owner=None,
        acknowledged=None,
        shelved_until=None,
        shelf_reason=None,
        outcome=None,
        outcome_reason=None,
        outcome_at=None,
    )


def _closed(alarm: Alarm, at: int, happened: Happened, *others: Effect) -> Changed:
    at = max(at, alarm.acknowledged or 0)  # the engine's clock may stand a little behind the desk's
    return _changed(replace(alarm, life="closed", due=None, closed=at), happened, *others, Closed(at))


def _changed(alarm: Alarm, *effects: Effect) -> Changed:
    return replace(alarm, version=alarm.version + 1), effects


def _said(c: Condition) -> dict[str, object]:
    said = {"priority": int(c.priority), "value": c.value, "limit": c.limit, "measured": c.measured}
    return {name: value for name, value in said.items() if value is not None}


def found_late(detail: dict[str, object]) -> bool:
    """Whether a condition began and ended within late data (the engine says so in its detail)."""
    return detail.get("late") is True


def _text(text: str, what: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= LONGEST_TEXT:
        raise RefusedError(f"{what} needs a text of at most {LONGEST_TEXT} characters: write why.")
    return text


assert all((TIMINGS[p].linger_s is None) == (p is Priority.HIGH) for p in Priority)  # only a high one latches
