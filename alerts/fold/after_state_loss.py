"""What a lost state means for open alarms: the engine has forgotten which conditions were true, and will not end them.

So they end here, in the transaction that says ``state_lost``.  Who is still beyond a limit, silent or scored high is told
again by the engine after the hold, and the same alarm calls again; a high one that nobody has acted on stays until somebody
has (docs/decisions/0095).  Trends are left as they stand: a baseline takes hours to learn, and ending them would say that
all is well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.database import Tx
from alerts.fold.alarm_rows import lock_active
from alerts.life.alarm import Alarm
from alerts.rules.trends.trend_table import is_trend
from devices.wire.batch import partition_of
from streams.engine.condition import Condition

STATE_LOST: Final = "state_lost"
ENGINES_OWN: Final = "pipeline_stopped"
"""The one condition of a partition that the engine decides; the others are its owner's to say and to end."""


def ends_of_forgotten(tx: Tx, conditions: Sequence[Condition]) -> list[Condition]:
    """The ends of what stood in partitions whose state these conditions say was lost; the alarms are locked."""
    lost = {c.partition: c.second for c in conditions if c.rule == STATE_LOST and c.phase == "onset"}
    if not lost:
        return []
    return [_end(alarm, lost) for alarm in lock_active(tx, sorted(lost)) if _decided_anew(alarm)]


def _decided_anew(alarm: Alarm) -> bool:
    return not is_trend(alarm.rule) if alarm.subject_kind == "patient" else alarm.rule == ENGINES_OWN


def _end(alarm: Alarm, lost: dict[int, int]) -> Condition:
    partition = partition_of(alarm.subject) if alarm.subject_kind == "patient" else alarm.subject
    return Condition(
        partition, lost[partition], alarm.subject, alarm.rule, alarm.source, "end", alarm.priority, alarm.category,
        of=alarm.subject_kind, vital=alarm.vital,
    )  # fmt: skip
