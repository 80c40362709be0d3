"""The history of the limits that a patient is judged by: what each change of their own and of the unit's limits changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from psycopg import AsyncConnection

from alerts.care.limits import BySide, by_side, rule_set_of
from alerts.database import epoch_ms
from alerts.desk.pages.limits.limit_form import Change, changes_between, rows
from alerts.desk.worklist.rows import decoded
from devices.wire.control import Limits, RuleSet

# of the unit's limits one row each: they took effect once for each partition
_HISTORY: Final = f"""
SELECT o.sequence, o.kind, o.payload::text, {epoch_ms("o.created")}, {epoch_ms("o.sent")},
       (SELECT (extract(epoch FROM min(c.took_effect)) * 1000)::int8 FROM control c
        WHERE c.patient = o.patient AND c.kind = o.kind AND c.sequence >= o.sequence
        AND o.sent IS NOT NULL AND c.epoch >= coalesce(o.epoch, 0)),
       p.name, coalesce(l.reason, ''), coalesce(l.note, '')
FROM control_outbox o LEFT JOIN person p ON p.person = o.by_person LEFT JOIN limit_change l USING (sequence)
WHERE (o.patient = %s AND o.kind = 'limits') OR (o.patient = 0 AND o.kind = 'rule_set') ORDER BY o.sequence"""

LimitState = Literal["waiting", "sent", "effective"]


@dataclass(frozen=True, slots=True)
class Version:
    """A saved state of a patient's own limits, or (``unit``) of those of all; ``changes`` as this patient has them."""

    sequence: int
    created: int
    sent: int | None
    effective: int | None
    by: str
    reason: str
    note: str
    changes: tuple[Change, ...]
    unit: bool = False

    @property
    def state(self) -> LimitState:
        """``waiting`` for the relay, ``sent`` to the log, ``effective`` once the worker says so."""
        return "effective" if self.effective is not None else "sent" if self.sent is not None else "waiting"


@dataclass(frozen=True, slots=True)
class LimitHistory:
    """``versions`` newest first, each compared with what stood before; ``own``: the patient's own limits as last saved.

    ``standing``: (ms from which they were in effect, limits), oldest first; the first ones have stood since ever.
    """

    versions: tuple[Version, ...]
    own: BySide
    standing: tuple[tuple[int, BySide], ...]


async def read_limit_history(connection: AsyncConnection[Any], patient: int) -> LimitHistory:
    """All saved limits that this patient was or will be judged by."""
    saved = await (await connection.execute(_HISTORY, (patient,))).fetchall()
    defaults, own = by_side(rule_set_of(None).limits), dict[tuple[int, str], Any]()
    versions: list[Version] = []
    standing: list[tuple[int, BySide]] = [(0, defaults)]
    first = True
    for sequence, kind, payload, created, sent, effective, name, reason, note in saved:
        before = rows(defaults, own)
        unit = kind == "rule_set"
        control = decoded(payload, RuleSet) if unit else decoded(payload, Limits)
        if control is None:  # a damaged row: the worklist's reader names it, the others are shown
            continue
        limits = by_side(control.limits)
        defaults, own = (limits, own) if unit else (defaults, limits)
        if effective is not None:
            standing.append((0 if first and unit else effective, {**defaults, **own}))
        changes = tuple(changes_between(before, rows(defaults, own)))
        author = name or "the system"
        if not unit or (changes and not first):  # the first set of an installation changed nothing of anybody
            at = created or effective or 0  # 0: a damaged time
            versions.append(Version(sequence, at, sent, effective, author, reason, note, changes, unit))
        first = first and not unit
    return LimitHistory(tuple(reversed(versions)), own, tuple(standing))
