"""Limits chosen at the desk: those of the rule set, and a patient's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from psycopg.types.json import Jsonb

from alerts.care.limits_check import check_limits
from alerts.control.outbox import WHOLE_PARTITION, send, take_turn
from alerts.database import Tx, scalar
from alerts.errors import InvalidLimitsError
from alerts.rules.defaults import default_rule_set
from alerts.rules.layers.merged import layers_of
from alerts.rules.layers.merged import merged as layered
from alerts.rules.parameters import parameter_of
from devices.vitals import VITALS, Vital
from devices.wire.control import Layer, Level, Limit, Limits, OwnRules, RuleSet

BySide = Mapping[tuple[int, str], Limit]
"""Limits by (parameter, side)."""
SENT: Final = """
SELECT (SELECT payload -> 'sets' FROM control_outbox WHERE patient = 0 AND kind = 'rule_set' ORDER BY sequence DESC LIMIT 1),
    (SELECT payload FROM control_outbox WHERE patient = %s AND kind = 'own_rules' ORDER BY sequence DESC LIMIT 1)"""
"""The records that were sent last: the layers of programmes and wards, and which of them a patient has."""
RULE_SET: Final = "SELECT content FROM rule_set ORDER BY version DESC LIMIT 1"


def set_limits(tx: Tx, patient: int, limits: Limits, by: int) -> None:
    """Replace all of a patient's own limits from now on; sides that are not named follow the rule set.

    Raises:
        InvalidLimitsError: they contradict each other, or those of the rule set on the other side.
    """
    take_turn(tx)
    check_limits(limits.limits)
    rules = rules_of_patient(chosen_rule_set(tx), *(tx.execute(SENT, [patient]).fetchone() or (None, None)))
    check_limits(merged(rules.limits, limits.limits))
    send(tx, patient, limits, by)


def set_rule_set(tx: Tx, rule_set: RuleSet, by: int, *, reason: str = "", source: str = "") -> None:
    """Replace the defaults of all patients from now on; ``source``: the text of the file that it came from.

    Raises:
        InvalidLimitsError: the limits contradict each other, or this version exists already.
    """
    take_turn(tx)
    check_limits(rule_set.limits)
    stored = tx.execute(
        "INSERT INTO rule_set (version, content, by_person, reason, source) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [rule_set.version, Jsonb(msgspec.to_builtins(rule_set)), by, reason, source],
    )
    if not stored.rowcount:
        raise InvalidLimitsError(f"Rule set {rule_set.version} exists already: give the next number.")
    send(tx, WHOLE_PARTITION, msgspec.structs.replace(rule_set, sets=sent_layers(tx)), by)


def rules_of_patient(rules: RuleSet, shared: object, own: object) -> RuleSet:
    """The rule set of a patient: ``rules`` with the layers in the result of :data:`SENT`."""
    sets = msgspec.convert(shared or [], tuple[Layer, ...])
    mine = None if own is None else msgspec.convert(own, OwnRules)
    whole = msgspec.structs.replace(rules, sets=sets)
    return layered(whole, layers_of(whole, mine))


def sent_layers(tx: Tx) -> tuple[Layer, ...]:
    """The layers of programmes and wards that were sent last: a record is the whole state of its kind."""
    newest = scalar(tx, "SELECT max(sequence) FROM control_outbox WHERE patient = 0 AND kind = 'rule_set'")
    if newest is None:
        return ()
    sets = scalar(tx, "SELECT payload -> 'sets' FROM control_outbox WHERE sequence = %s", [newest])
    return msgspec.convert(sets or [], tuple[Layer, ...])


def chosen_rule_set(tx: Tx) -> RuleSet:
    """The newest rule set of the desk; the default one if none was ever set."""
    return rule_set_of(scalar(tx, RULE_SET))


def own_limits(tx: Tx, patient: int) -> Limits:
    """A patient's own limits as last sent; none if none ever were."""
    query = "SELECT payload FROM control_outbox WHERE patient = %s AND kind = 'limits' ORDER BY sequence DESC LIMIT 1"
    content = scalar(tx, query, [patient])
    return Limits() if content is None else msgspec.convert(content, Limits)


def rule_set_of(content: object) -> RuleSet:
    """The rule set in the result of :data:`RULE_SET`; the default one for ``None``."""
    return default_rule_set() if content is None else msgspec.convert(content, RuleSet)


def by_side(limits: Iterable[Limit]) -> dict[tuple[int, str], Limit]:
    """Limits by parameter and side: a limit of the pulse is one of the heart rate, whose own counts where there are both."""
    ordered = sorted(limits, key=lambda limit: _own(limit.vital))
    found = [
        limit if _own(limit.vital) else msgspec.structs.replace(limit, vital=_parameter(limit.vital)) for limit in ordered
    ]
    return {(limit.vital, limit.side): limit for limit in found}


def _parameter(vital: int) -> int:
    return int(parameter_of(vital)) if vital in VITALS else vital


def _own(vital: int) -> bool:
    return _parameter(vital) == vital


def level_at(limits: BySide, vital: int, side: str, priority: str) -> Level | None:
    """The level of ``priority`` ("high", "medium") of one side of a vital; ``None`` if there is none."""
    limit = limits.get((_parameter(vital), side))
    return None if limit is None else limit.high if priority == "high" else limit.medium


def charted(limits: BySide, vital: int, side: str, value: float) -> float:
    """A value as the limit of its side judges it: rounded as a chart shows it, where the limit says so."""
    limit = limits.get((_parameter(vital), side))
    return round(value, VITALS[Vital(vital)].decimals) if limit is not None and limit.chart else value


def merged(rules: Iterable[Limit], own: Iterable[Limit]) -> tuple[Limit, ...]:
    """The rule set's limits, replaced by a patient's own on the same (vital, side); limits without levels are left out."""
    sides = {**by_side(rules), **by_side(own)}
    return tuple(limit for _, limit in sorted(sides.items()) if limit.medium or limit.high)
