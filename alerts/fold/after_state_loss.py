"""Open alarms after a partition has lost its state: the engine no longer knows which conditions were true.

It will not end them, so they end here, in the transaction that stores ``state_lost``.  If a patient is still beyond a limit,
silent or scored high, the engine emits the condition again after its hold, and the same alarm calls again; a high alarm that
nobody has acted on stays until somebody has (docs/decisions/0095).  Trends stay as they are: a baseline takes hours to
learn, and their end would say that all is well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.database import Tx
from alerts.fold.alarm_rows import active_of
from alerts.life.alarm import Alarm
from alerts.rules.trends.trend_table import is_trend
from devices.wire.batch import partition_of
from streams.engine.condition import CALL_BACK, KEY_DAMAGED, Condition

STATE_LOST: Final = "state_lost"
_HOURS: Final = ("_1h", "_4h", "_24h", "news2_mean", "news2_rise")
PIPELINE_STOPPED: Final = "pipeline_stopped"
"""The one condition of a partition that the engine decides; the others begin and end in its owner."""


def ends_after_state_loss(tx: Tx, conditions: Sequence[Condition]) -> list[Condition]:
    """The ends of what was true in partitions that lost their state, by these conditions."""
    lost = {c.partition: c.second for c in conditions if c.rule == STATE_LOST and c.phase == "onset"}
    if not lost:
        return []
    return [_end(alarm, lost) for alarm in active_of(tx, sorted(lost)) if _decided_again(alarm)]


def _decided_again(alarm: Alarm) -> bool:
    if alarm.subject_kind == "patient":
        return not (is_trend(alarm.rule) or alarm.rule.endswith(_HOURS) or alarm.rule in {KEY_DAMAGED, CALL_BACK})
    return alarm.rule == PIPELINE_STOPPED


def _end(alarm: Alarm, lost: dict[int, int]) -> Condition:
    partition = partition_of(alarm.subject) if alarm.subject_kind == "patient" else alarm.subject
    return Condition(
        partition, lost[partition], alarm.subject, alarm.rule, alarm.source, "end", alarm.priority, alarm.category,
        of=alarm.subject_kind, vital=alarm.vital,
    )  # fmt: skip
