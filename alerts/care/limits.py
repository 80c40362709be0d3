"""Limits: the rule set's and a patient's own, as chosen at the desk and as in effect in the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from alerts.care.limits_check import check_limits
from alerts.control.outbox import WHOLE_PARTITION, send, take_turn
from alerts.database import Tx
from alerts.errors import InvalidLimitsError
from alerts.rules.defaults import default_rule_set
from devices.wire.batch import partition_of
from devices.wire.control import Limit, Limits, RuleSet

State = Literal["waiting", "sent", "in effect"]


@dataclass(frozen=True, slots=True)
class CurrentLimits:
    """``own``: what the desk chose for this patient; ``effective``: that over the rule set, by (vital, side);
    ``in_effect``: the same as the log says the engine has it.  ``state`` is that of the newest change of either:
    waiting for the relay, sent to the log, in effect; ``changed`` and ``by`` say when and by whom it was made.
    """

    own: Limits
    rule_set: RuleSet
    effective: tuple[Limit, ...]
    in_effect: tuple[Limit, ...]
    state: State
    changed: datetime | None
    by: int | None
    took_effect: datetime | None


def set_limits(tx: Tx, patient: int, limits: Limits, by: int) -> None:
    """A patient's own limits from now on, all of them; sides not named follow the rule set.

    Raises:
        InvalidLimitsError: they contradict themselves, or the rule set's on the other side.
    """
    take_turn(tx)
    check_limits(limits.limits)
    check_limits(merged(chosen_rule_set(tx).limits, limits.limits))
    send(tx, patient, limits, by)


def set_rule_set(tx: Tx, rule_set: RuleSet, by: int) -> None:
    """The defaults of all patients from now on.

    Raises:
        InvalidLimitsError: the limits contradict themselves, or this version exists already.
    """
    take_turn(tx)
    check_limits(rule_set.limits)
    try:
        with tx.transaction():
            tx.execute(
                "INSERT INTO rule_set (version, content, by_person) VALUES (%s, %s, %s)",
                [rule_set.version, Jsonb(msgspec.to_builtins(rule_set)), by],
            )
    except UniqueViolation:
        raise InvalidLimitsError(f"Rule set {rule_set.version} exists already: give the next number.") from None
    send(tx, WHOLE_PARTITION, rule_set, by)


def chosen_rule_set(tx: Tx) -> RuleSet:
    """The newest rule set of the desk; the default one where none was ever set."""
    row = tx.execute("SELECT content FROM rule_set ORDER BY version DESC LIMIT 1").fetchone()
    return msgspec.convert(row[0], RuleSet) if row else default_rule_set()


def current_limits(tx: Tx, patient: int) -> CurrentLimits:
    """What limits a patient has, and how far the newest change has come."""
    own, rule_set = _chosen_own(tx, patient), chosen_rule_set(tx)
    there = _in_effect(tx, patient, partition_of(patient))
    newest = tx.execute(
        "SELECT sequence, patient, created, by_person, sent IS NOT NULL FROM control_outbox "
        "WHERE (patient, kind) IN ((%s, 'limits'), (0, 'rule_set')) ORDER BY sequence DESC LIMIT 1",
        [patient],
    ).fetchone()
    own_there, rules_there = there.get("limits"), there.get("rule_set")
    in_effect = merged(
        msgspec.convert(rules_there[0], RuleSet).limits if rules_there else (),
        msgspec.convert(own_there[0], Limits).limits if own_there else (),
    )
    effective = merged(rule_set.limits, own.limits)
    if newest is None:
        return CurrentLimits(own, rule_set, effective, in_effect, "waiting", None, None, None)
    sequence, of, changed, by, sent = newest
    arrived = there.get("limits" if of else "rule_set")
    took_effect = arrived[2] if arrived and arrived[1] >= sequence else None
    state: State = "in effect" if took_effect else "sent" if sent else "waiting"
    return CurrentLimits(own, rule_set, effective, in_effect, state, changed, by, took_effect)


def merged(rules: Iterable[Limit], own: Iterable[Limit]) -> tuple[Limit, ...]:
    """A patient's own limits over the rule set's, by (vital, side); those without levels are switched off and left out."""
    sides = {(limit.vital, limit.side): limit for limit in (*rules, *own)}
    return tuple(limit for _, limit in sorted(sides.items()) if limit.medium or limit.high)


def _chosen_own(tx: Tx, patient: int) -> Limits:
    row = tx.execute(
        "SELECT payload FROM control_outbox WHERE patient = %s AND kind = 'limits' ORDER BY sequence DESC LIMIT 1", [patient]
    ).fetchone()
    return msgspec.convert(row[0], Limits) if row else Limits()


def _in_effect(tx: Tx, patient: int, partition: int) -> dict[str, tuple[object, int, datetime]]:
    """(payload, sequence, took effect) by kind, as the worker wrote them."""
    rows = tx.execute(
        "SELECT DISTINCT ON (kind) kind, payload, sequence, took_effect FROM control "
        "WHERE partition = %s AND ((patient = %s AND kind = 'limits') OR (patient = 0 AND kind = 'rule_set')) "
        "ORDER BY kind, at_offset DESC",
        [partition, patient],
    )
    return {kind: (payload, sequence, at) for kind, payload, sequence, at in rows}
