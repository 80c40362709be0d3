"""When an episode calls people: one pure function of the episode and of its alarms after a change.

An episode wants to call while an alarm of it stands that nobody has taken, and, where somebody has taken others, only if
those that nobody has are *worse* than what was taken.  It calls at once if they are worse than what it last called for,
otherwise no sooner than the repeat of their priority after its last call.

Both together make that acting never costs more calls than ignoring: who acts only takes wishes to call away, and the times
between calls are the same (`docs/decisions/0190`).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from alerts.life.alarm import Alarm
from alerts.life.episode import Episode, Level, level_of, taken_level, waiting
from alerts.life.events import Call, CallEffect, CallReason, StopCalls
from alerts.life.timing import TIMINGS
from streams.engine.condition import Priority

Called = tuple[Episode | None, tuple[CallEffect, ...]]


def after_change(episode: Episode | None, alarms: Sequence[Alarm], at: int, *, acted: bool = False) -> Called:
    """The episode after its alarms became ``alarms`` (all that are open) at ``at``, and whom to call.

    ``episode`` is ``None`` if none is open.  The very same episode comes back if nothing changes.

    Args:
        episode: the open episode of the subject.
        alarms: its open alarms after the change.
        at: the time of the change, ms.
        acted: a person has acted: messages that wait are stopped unless the episode wants to call on.
    """
    if not alarms:
        if episode is None:
            return None, ()
        return _changed(replace(episode, due=None, closed=at)), (StopCalls(),)
    first = alarms[0]
    before = episode or Episode(subject_kind=first.subject_kind, subject=first.subject, opened=at)
    calling, taken = waiting(alarms), taken_level(alarms)
    if taken is not None:  # what broke out of it, or is over meanwhile, was taken too
        taken = taken.joined(before.taken)
    before = replace(before, taken=taken)
    level = level_of(calling)
    effects: tuple[CallEffect, ...] = ()
    if level is None or (taken is not None and not level.worse_than(taken)):
        after = replace(before, due=None)
        effects = (StopCalls(),) if acted and not _unanswered(alarms, taken) else ()
    elif (reason := _reason(before, level, at)) is not None:
        lead = max(calling, key=lambda one: (one.priority, one.category == "physiological", one.onset))
        # known is what stands, whoever has it: its coming back is no worse; and what came just before: two parameters that
        # turn about must not call at each turn
        recent = before.called_at is not None and at < before.called_at + _repeat_ms(level)
        known = level.joined(level_of(one for one in alarms if one.active)).joined(before.called if recent else None)
        after = replace(before, step=before.step + 1, called=known, called_at=at, due=at + _repeat_ms(level))
        key = (lead.subject_kind, lead.subject, lead.rule, lead.source)
        effects = (Call(before.step, reason, at, key, level.priority),)
    else:
        assert before.called_at is not None
        after = replace(before, due=before.called_at + _repeat_ms(level))
    return (after, effects) if after == episode else (_changed(after), effects)


def _reason(episode: Episode, level: Level, at: int) -> CallReason | None:
    """Why the episode calls now; ``None``: it waits."""
    if episode.called is None or episode.called_at is None:
        return "onset"
    if level.worse_than(episode.called):
        return "worse"
    return "repeat" if at >= episode.called_at + _repeat_ms(level) else None


def _repeat_ms(level: Level) -> int:
    repeat_s = TIMINGS[level.priority].repeat_s
    assert repeat_s is not None, "low alarms call nobody"
    return repeat_s * 1000


def _unanswered(alarms: Sequence[Alarm], taken: Level | None) -> bool:
    """True if somebody must still hear of an alarm that nobody has taken, though it may be over for the moment."""
    left = [one for one in alarms if one.life == "unacknowledged" and one.worst > Priority.LOW]
    level = level_of(left, worst=True)
    return level is not None and (taken is None or level.worse_than(taken))


def _changed(episode: Episode) -> Episode:
    return replace(episode, version=episode.version + 1)
