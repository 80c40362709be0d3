"""The life of an alarm as one pure function.

``active → acknowledged → cleared``; beside it latched (high, over, nobody acted) and shelved.  There are three callers, each
over the locked row: the worker folds conditions, the desk folds acts of people, the notifier folds the passing of time.

Base: ISA-18.2 life cycle, IEC 60601-1-8 priorities; `docs/decisions/0031` gives the choices where these leave it open.
"""

from __future__ import annotations

from typing import Any, Final, Literal, overload

from msgspec.structs import replace

from alerts.errors import RefusedError
from alerts.life.alarm import Alarm, Life, found_late
from alerts.life.events import (
    Acknowledge,
    AddNote,
    CallReason,
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
from alerts.life.text import is_storable
from alerts.life.timing import TIMINGS
from streams.engine.condition import Condition, Priority

LONGEST_TEXT: Final = 2000
"""Characters of a reason or a note."""

Change = tuple[Alarm, tuple[Effect, ...]]
"""The alarm after an event, and the effects."""


@overload
def transition(alarm: Alarm, event: LifeEvent) -> Change: ...
@overload
def transition(alarm: None, event: Condition) -> tuple[Alarm | None, tuple[Effect, ...]]: ...
def transition(alarm: Alarm | None, event: LifeEvent) -> tuple[Alarm | None, tuple[Effect, ...]]:
    """The alarm after ``event``, and the effects.

    An event that changes nothing (a repeated onset, an end of an ended condition, the owner's second acknowledgement, a tick
    before anything is due) returns the very same alarm and no effect.  Every change increases ``version`` by one, and its
    first effect is a :class:`HistoryEntry`.  ``alarm`` is ``None`` if none is open: then only a condition makes one.

    Raises:
        RefusedError: this alarm does not allow the person's act now.
    """
    if alarm is None:
        assert isinstance(event, Condition)
        return (None, ()) if event.phase == "end" else _opened(event)
    match event:
        case Condition():
            return _after_condition(alarm, event)
        case Tick():
            return _after_tick(alarm, event.at)
        case RecordOutcome():
            return _with_outcome(alarm, event)
        case AddNote():
            note = _checked_text(event.note, "A note")
            return _changed(replace(alarm, note=note), HistoryEntry("note", event.at, event.by, {"note": note}))
        case _ if alarm.life == "closed":
            raise RefusedError("This alarm is closed: update the list.")
        case Acknowledge():
            return _acknowledged(alarm, event)
        case Shelve():
            return _shelved(alarm, event)
        case Unshelve():
            if alarm.life != "shelved":
                return alarm, ()
            return _unshelved(alarm, event.at, HistoryEntry("unshelve", event.at, event.by), "unshelved")


def _opened(c: Condition) -> Change:
    at = c.second * 1000
    alarm = Alarm(
        subject_kind=c.of,
        subject=c.subject,
        rule=c.rule,
        source=c.source,
        category=c.category,
        worst=c.priority,
        onset=at,
        due=_next_call(c.priority, at),
        version=0,
        **_state(c),
    )
    entry = HistoryEntry("onset", at, 0, _values(c))
    return _changed(alarm, entry) if alarm.due is None else _changed(alarm, entry, Notify(0, "onset", at))


def _after_condition(alarm: Alarm, c: Condition) -> Change:
    """Compares with the stored condition, whatever the phase says: a repeated or a missed condition does no harm."""
    if alarm.life == "closed":
        return alarm, ()
    at = c.second * 1000
    if found_late(c.detail) and not found_late(alarm.detail):
        # an episode of the past says nothing about now: it must neither better nor end the present condition
        return (alarm, ()) if c.phase == "end" else _changed(alarm, HistoryEntry("late", at, 0, _values(c)))
    if c.phase == "end":
        return _ended(alarm, at, HistoryEntry("end", at, 0, _values(c))) if alarm.active else (alarm, ())
    if alarm.active and c.priority == alarm.priority:
        return alarm, ()
    kind: Literal["onset", "worse", "better"]
    kind = "onset" if not alarm.active else "worse" if c.priority > alarm.priority else "better"
    after = replace(
        alarm, ended=None, onsets=alarm.onsets + (kind == "onset"), worst=max(alarm.worst, c.priority), **_state(c)
    )
    entry = HistoryEntry(kind, at, 0, _values(c))
    if c.priority > alarm.priority:
        return _calling(after, at, entry, "worse")
    if kind == "onset" and after.life == "unacknowledged" and not alarm.latched:
        # it was silent since its end; a flapping alarm calls no sooner than a repeat would
        after = replace(after, due=_next_call(after.worst, at))
    return _changed(after, entry)


def _ended(alarm: Alarm, at: int, entry: HistoryEntry) -> Change:
    after = replace(alarm, active=False, ended=at)
    if alarm.life == "acknowledged":
        return _closed(after, at, entry)
    if alarm.life == "shelved" or after.latched:
        return _changed(after, entry)
    linger = TIMINGS[alarm.worst].linger_s
    assert linger is not None
    return _changed(replace(after, due=at + linger * 1000), entry, StopNotifications())


def _acknowledged(alarm: Alarm, event: Acknowledge) -> Change:
    if alarm.life == "acknowledged" and alarm.owner == event.by:
        return alarm, ()
    after = _owned(alarm, event.by, event.at, "acknowledged")
    entry = HistoryEntry("acknowledge", event.at, event.by)
    if not alarm.active:
        return _closed(after, event.at, entry, StopNotifications())
    returns = event.at + TIMINGS[alarm.priority].return_s * 1000
    return _changed(replace(after, due=None if alarm.outcome else returns), entry, StopNotifications())


def _with_outcome(alarm: Alarm, event: RecordOutcome) -> Change:
    reason, note = _storable(event.reason.strip()), _storable(event.note.strip())
    if event.outcome == "false_alarm" and not reason:
        raise RefusedError("A false alarm needs a reason: say what made it false.")
    if max(len(reason), len(note)) > LONGEST_TEXT:
        raise RefusedError(f"A reason or note has at most {LONGEST_TEXT} characters: shorten it.")
    if alarm.life == "closed" and alarm.outcome:
        raise RefusedError("This alarm is closed and has its outcome: write a note instead.")
    content: dict[str, object] = {"outcome": event.outcome, "reason": reason, "note": note}
    entry = HistoryEntry("outcome", event.at, event.by, content)
    after = replace(
        alarm, outcome=event.outcome, outcome_reason=reason or None, outcome_at=event.at, note=note or alarm.note
    )
    if alarm.life in {"closed", "shelved"}:
        return _changed(after, entry)
    if alarm.life == "acknowledged":
        return _changed(replace(after, due=None), entry)
    after = _owned(after, event.by, event.at, "acknowledged")
    if not alarm.active:
        return _closed(after, event.at, entry, StopNotifications())
    return _changed(after, entry, StopNotifications())


def _shelved(alarm: Alarm, event: Shelve) -> Change:
    reason = _checked_text(event.reason, "A snooze")
    longest = TIMINGS[alarm.priority].shelf_s
    if not event.at < event.until <= event.at + longest * 1000:
        raise RefusedError(f"Snooze a {alarm.priority.word} alarm for at most {longest // 60} min: choose an end.")
    after = replace(
        _owned(alarm, event.by, event.at, "shelved"), shelved_until=event.until, shelf_reason=reason, due=event.until
    )
    entry = HistoryEntry("shelve", event.at, event.by, {"until": event.until, "reason": reason})
    return _changed(after, entry, StopNotifications())


def _unshelved(alarm: Alarm, at: int, entry: HistoryEntry, reason: CallReason) -> Change:
    if alarm.active:
        return _calling(alarm, at, entry, reason)
    return _closed(replace(alarm, shelved_until=None, shelf_reason=None), at, entry)


def _after_tick(alarm: Alarm, at: int) -> Change:
    if alarm.due is None or at < alarm.due:
        return alarm, ()
    if alarm.life == "shelved":
        return _unshelved(alarm, at, HistoryEntry("shelf_ended", at), "shelf_ended")
    if alarm.life == "acknowledged":
        return _calling(alarm, at, HistoryEntry("returned", at, 0, {"owner": alarm.owner}), "returned")
    if alarm.active or alarm.latched:
        return _calling(alarm, at, HistoryEntry("repeat", at), "repeat")
    return _closed(alarm, at, HistoryEntry("closed", at))


def _calling(alarm: Alarm, at: int, entry: HistoryEntry, reason: CallReason) -> Change:
    """The alarm has no owner any more, and notifies people at once."""
    after = alarm if reason == "repeat" else _without_owner(alarm)
    due = _next_call(after.worst, at)
    if due is None:
        return _changed(replace(after, due=None), entry)
    after = replace(after, step=alarm.step + 1, due=due)
    return _changed(after, entry, Notify(after.step, reason, at))


def _next_call(priority: Priority, at: int) -> int | None:
    repeat = TIMINGS[priority].repeat_s
    return None if repeat is None else at + repeat * 1000


def _owned(alarm: Alarm, by: int, at: int, life: Life) -> Alarm:
    """Somebody has acted: from here on ``worst`` is the priority that they saw."""
    return replace(
        alarm,
        life=life,
        owner=by,
        worst=alarm.priority,
        acknowledged=at if life == "acknowledged" else None,
        shelved_until=None,
        shelf_reason=None,
        due=None,
    )


def _without_owner(alarm: Alarm) -> Alarm:
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


def _closed(alarm: Alarm, at: int, entry: HistoryEntry, *others: Effect) -> Change:
    at = max(at, alarm.acknowledged or 0)  # the engine's clock may be a little behind the desk's
    return _changed(replace(alarm, life="closed", due=None, closed=at), entry, *others, Closed(at))


def _changed(alarm: Alarm, *effects: Effect) -> Change:
    return replace(alarm, version=alarm.version + 1), effects


def _state(c: Condition) -> dict[str, Any]:
    """The fields of an alarm that its newest condition decides."""
    return {
        "active": True,
        "priority": c.priority,
        "vital": c.vital,
        "value": c.value,
        "limit_value": c.limit,
        "measured": c.measured,
        "detail": c.detail,
    }


def _values(c: Condition) -> dict[str, object]:
    values = {"priority": int(c.priority), "value": c.value, "limit": c.limit, "measured": c.measured}
    return {name: value for name, value in values.items() if value is not None}


def _checked_text(text: str, name: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= LONGEST_TEXT:
        raise RefusedError(f"{name} needs a text of at most {LONGEST_TEXT} characters: write why.")
    return _storable(text)


def _storable(text: str) -> str:
    if not is_storable(text):
        raise RefusedError("A reason or note holds characters that cannot be stored: type it again.")
    return text


assert all((TIMINGS[p].linger_s is None) == (p is Priority.HIGH) for p in Priority)  # only a high alarm latches
