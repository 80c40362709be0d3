"""An escalation asks of an episode if somebody has still to be called, and notes that its call was the episode's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from alerts.life.alarm import Alarm
from alerts.life.episode import Episode, in_hand, level_of, waiting
from alerts.life.timing import TIMINGS


def lead_of(episode: Episode, alarms: Sequence[Alarm]) -> tuple[Alarm, bool] | None:
    """The alarm that heads the next step's call, and True if the policy goes through but once: what it calls for is
    over, was high, and nobody has acted.  ``None``: nobody is called.
    """
    calling = waiting(alarms) if episode.due is not None else []
    latched = [] if in_hand(alarms) else [one for one in alarms if one.latched]
    if not calling and not latched:
        return None
    lead = max(calling or latched, key=lambda one: (one.priority, one.category == "physiological", one.onset))
    return lead, not calling


def after_step(episode: Episode, alarms: Sequence[Alarm], at: int) -> Episode:
    """The episode after the next step was called at ``at``: if it calls, this was its call, and its repeat counts from
    here.
    """
    after = replace(episode, step=episode.step + 1, version=episode.version + 1)
    level = level_of(waiting(alarms)) if episode.due is not None else None
    if level is None or (repeat_s := TIMINGS[level.priority].repeat_s) is None:
        return after
    return replace(after, called_at=at, due=at + repeat_s * 1000)
