"""The life of an alarm as one pure function over the table :data:`alerts.life.table.LIFE`.

There are three callers, each over the locked row: the worker folds conditions, the desk folds acts of people, the notifier
folds the passing of time.  When people are called is decided for all alarms of a patient together, in
:mod:`alerts.life.calling`.

Base: ISA-18.2 life cycle, IEC 60601-1-8 priorities; `docs/decisions/0031` and `0190` give the choices where these leave it
open.
"""

from __future__ import annotations

from typing import Any, Final, overload

from msgspec import structs
from msgspec.structs import replace

from alerts.errors import RefusedError
from alerts.life.alarm import Alarm, State, found_late, score_of
from alerts.life.events import (
    Acknowledge,
    Act,
    AddNote,
    Closed,
    Effect,
    HistoryEntry,
    HistoryKind,
    LifeEvent,
    Reassign,
    RecordOutcome,
    Shelve,
    TakeBack,
    Tick,
    Unshelve,
)
from alerts.life.table import LIFE, Event, Guard
from alerts.life.text import is_storable
from alerts.life.timing import RESTART_S, TIMINGS
from streams.engine.condition import Condition, Priority

LONGEST_TEXT: Final = 2000
"""Characters of a reason or a note."""
SCORE_RISE: Final = 2
"""Points by which a score is worse though its priority is the same (`docs/decisions/0190`)."""

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
    if isinstance(event, Condition):
        return _after_condition(alarm, event)
    if isinstance(event, Tick):
        return _after_tick(alarm, event.at)
    return _after_act(alarm, event)


def _opened(c: Condition) -> Change:
    at = c.second * 1000
    alarm = Alarm(
        subject_kind=c.of,
        subject=c.subject,
        rule=c.rule,
        source=c.source,
        category=c.category,
        worst=c.priority,
        worst_score=score_of(c.rule, c.value),
        onset=at,
        version=0,
        **_state(c),
    )
    return _changed(alarm, HistoryEntry("onset", at, 0, _values(c)))


def _after_condition(alarm: Alarm, c: Condition) -> Change:
    """Compares with the stored condition, whatever the phase says: a repeated or a missed condition does no harm."""
    if alarm.life == "closed":
        return alarm, ()
    at = c.second * 1000
    if found_late(c.detail) and not found_late(alarm.detail):
        # an episode of the past says nothing about now: it must neither better nor end the present condition
        return (alarm, ()) if c.phase == "end" else _changed(alarm, HistoryEntry("late", at, 0, _values(c)))
    if c.phase == "end":
        return _ended(alarm, c) if alarm.active else (alarm, ())
    kind = _kind(alarm, c)
    if kind is None:
        return alarm, ()
    state = _next(alarm, "begins" if kind == "onset" else kind, at, c)
    after = replace(alarm, ended=None, onsets=alarm.onsets + (kind == "onset"), **_state(c))
    entry = HistoryEntry(kind, at, 0, _values(c))
    if state == "active" and alarm.life != "unacknowledged":
        return _changed(_unowned(after), entry)
    after = replace(
        after, worst=max(after.worst, c.priority), worst_score=_highest(after.worst_score, score_of(c.rule, c.value))
    )
    return _changed(replace(after, due=_due(after)), entry)


def _kind(alarm: Alarm, c: Condition) -> Any:
    """The meaning of a condition that is true for an alarm: ``onset``, ``worse``, ``better``; ``None``: nothing."""
    if not alarm.active:
        return "onset"
    if c.priority != alarm.priority:
        return "worse" if c.priority > alarm.priority else "better"
    score = score_of(c.rule, c.value)
    return "worse" if score is not None and score >= (alarm.score or 0) + SCORE_RISE else None


def _ended(alarm: Alarm, c: Condition) -> Change:
    at = c.second * 1000
    assert _next(alarm, "ends", at) is not None
    after = replace(alarm, active=False, ended=at)
    return _changed(replace(after, due=_due(after)), HistoryEntry("end", at, 0, _values(c)))


def _after_tick(alarm: Alarm, at: int) -> Change:
    if alarm.due is None or at < alarm.due:
        return alarm, ()
    match _next(alarm, "due", at):
        case "active":
            kind: HistoryKind = "shelf_ended" if alarm.life == "shelved" else "returned"
            content: dict[str, object] = {} if kind == "shelf_ended" else {"owner": alarm.owner}
            return _changed(_unowned(alarm), HistoryEntry(kind, at, 0, content))
        case "recovered":
            return _changed(_acknowledged(alarm, alarm.owner, at), HistoryEntry("shelf_ended", at))
        case "closed":
            return _closed(alarm, at, HistoryEntry("shelf_ended" if alarm.life == "shelved" else "closed", at))
    return alarm, ()


def _after_act(alarm: Alarm, event: Act) -> Change:
    match event:
        case AddNote():
            note = _checked_text(event.note, "A note")
            return _changed(replace(alarm, note=note), HistoryEntry("note", event.at, event.by, {"note": note}))
        case RecordOutcome():
            return _with_outcome(alarm, event)
        case _ if alarm.life == "closed":
            raise RefusedError("This alarm is closed: update the list.")
        case Acknowledge():
            if alarm.life == "acknowledged" and alarm.owner == event.by:
                return alarm, ()
            return _taken(alarm, alarm, "acknowledge", event, HistoryEntry("acknowledge", event.at, event.by))
        case Shelve():
            return _shelved(alarm, event)
        case Reassign():
            return _reassigned(alarm, event)
        case TakeBack():
            return _taken_back(alarm, event)
        case Unshelve():
            return _unshelved(alarm, event)


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
        return _changed(replace(after, due=_due(after)), entry)
    return _taken(alarm, after, "outcome", event, entry)


def _taken(before: Alarm, after: Alarm, name: Event, event: Act, entry: HistoryEntry) -> Change:
    after = _acknowledged(after, event.by, event.at)
    return _closed(after, event.at, entry) if _next(before, name, event.at) == "closed" else _changed(after, entry)


def _shelved(alarm: Alarm, event: Shelve) -> Change:
    reason = _checked_text(event.reason, "A snooze")
    longest = TIMINGS[alarm.priority].shelf_s
    if not event.at < event.until <= event.at + longest * 1000:
        raise RefusedError(f"Snooze a {alarm.priority.word} alarm for at most {longest // 60} min: choose an end.")
    after = replace(
        _seen(alarm), life=_life("shelved"), owner=event.by, acknowledged=None, shelved_until=event.until,
        shelf_reason=reason, due=event.until,
    )  # fmt: skip
    return _changed(after, HistoryEntry("shelve", event.at, event.by, {"until": event.until, "reason": reason}))


def _reassigned(alarm: Alarm, event: Reassign) -> Change:
    if alarm.owner is None:
        raise RefusedError("Nobody has this alarm: acknowledge it instead.")
    entry = HistoryEntry("reassign", event.at, event.by, {"from": alarm.owner, "to": event.to})
    return (alarm, ()) if alarm.owner == event.to else _changed(replace(alarm, owner=event.to), entry)


def _unshelved(alarm: Alarm, event: Unshelve) -> Change:
    if alarm.life != "shelved":
        return alarm, ()
    entry, state = HistoryEntry("unshelve", event.at, event.by), _next(alarm, "unshelve", event.at)
    if state == "active":
        return _changed(_unowned(alarm), entry)
    after = _acknowledged(alarm, alarm.owner, event.at)
    return _changed(after, entry) if state == "recovered" else _closed(after, event.at, entry)


def _taken_back(alarm: Alarm, event: TakeBack) -> Change:
    """The decisions of people before the act, and the condition as it is now: what got worse since is part of the worst."""
    after = replace(alarm, **structs.asdict(event.before))
    if alarm.active and after.life == "unacknowledged":
        worst, score = max(after.worst, alarm.priority), _highest(after.worst_score, alarm.score)
        after = replace(after, worst=worst, worst_score=score)
    return _changed(replace(after, due=_due(after)), HistoryEntry("taken_back", event.at, event.by))


def _next(alarm: Alarm, event: Event, at: int, c: Condition | None = None) -> State | None:
    """The state that the table gives; ``None`` if this event has no place there."""
    for guard, state in LIFE[alarm.state].get(event, ()):
        if _holds(guard, alarm, at, c):
            return state
    return None


def _holds(guard: Guard, alarm: Alarm, at: int, c: Condition | None) -> bool:
    match guard:
        case "was high":
            return alarm.worst is Priority.HIGH
        case "worse than taken":
            assert c is not None
            score = score_of(c.rule, c.value)
            risen = score is not None and alarm.worst_score is not None and score >= alarm.worst_score + SCORE_RISE
            return c.priority > alarm.worst or risen
        case "stands":
            return alarm.active
        case "ended lately":
            return not alarm.active and at < (alarm.ended or 0) + RESTART_S * 1000
    return True


def _life(state: State) -> Any:
    if state in {"active", "cleared", "latched"}:
        return "unacknowledged"
    return "acknowledged" if state == "recovered" else state


def _due(alarm: Alarm) -> int | None:
    """When time acts on the alarm next, of itself."""
    match alarm.state:
        case "cleared":
            linger = TIMINGS[alarm.worst].linger_s
            return None if linger is None else (alarm.ended or 0) + linger * 1000
        case "recovered":
            return (alarm.ended or 0) + RESTART_S * 1000
        case "acknowledged" if alarm.outcome is None:
            return (alarm.acknowledged or 0) + TIMINGS[alarm.priority].return_s * 1000
        case "shelved":
            return alarm.shelved_until
    return None


def _seen(alarm: Alarm) -> Alarm:
    """Somebody has acted: from here on ``worst`` is the priority that they saw."""
    return replace(alarm, worst=alarm.priority, worst_score=alarm.score)


def _acknowledged(alarm: Alarm, by: int | None, at: int) -> Alarm:
    after = replace(
        _seen(alarm), life=_life("acknowledged"), owner=by, acknowledged=at, shelved_until=None, shelf_reason=None
    )
    return replace(after, due=_due(after))


def _unowned(alarm: Alarm) -> Alarm:
    """Nobody has the alarm any more: what calls now is its present priority."""
    return replace(
        _seen(alarm),
        life=_life("active"),
        owner=None,
        acknowledged=None,
        shelved_until=None,
        shelf_reason=None,
        outcome=None,
        outcome_reason=None,
        outcome_at=None,
        due=None,
    )


def _closed(alarm: Alarm, at: int, entry: HistoryEntry) -> Change:
    at = max(at, alarm.acknowledged or 0)  # the engine's clock may be a little behind the desk's
    after = replace(alarm, life="closed", due=None, closed=at, shelved_until=None, shelf_reason=None)
    return _changed(after, entry, Closed(at))


def _changed(alarm: Alarm, *effects: Effect) -> Change:
    return replace(alarm, version=alarm.version + 1), effects


def _highest(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


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
