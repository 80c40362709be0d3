"""The rule sets that every evaluation compares: a score alone, limits at the bands of a chart, and what is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from alerts.rules.defaults import default_rule_set
from devices.vitals import Vital
from devices.wire.control import Level, Limit, RuleSet

BASELINE: Final = "NEWS2 >= 5"
_MINUTE_S: Final = 60
_TWOS: Final = {
    (Vital.HEART_RATE, "high"): 110.0,
    (Vital.SPO2, "low"): 94.0,
    (Vital.RESPIRATORY_RATE, "high"): 20.0,
}
"""Values beyond these score 2 on NEWS2's chart 1."""


def score_alone() -> RuleSet:
    """The score as it is published: nothing held, nothing that ends late, no limits."""
    return RuleSet(1, news2_hold_s=0, agree=())


def bands() -> RuleSet:
    """Limits at all bands of the chart that score 2 or 3, each held for a minute."""
    held = tuple(_held(one) for one in default_rule_set().limits if one.vital <= Vital.RESPIRATORY_RATE and one.high)
    return replace(default_rule_set(), limits=held)


def _held(one: Limit) -> Limit:
    limit = _TWOS.get((Vital(one.vital), one.side), one.high.limit if one.high else 0.0)
    return replace(one, high=Level(limit, _MINUTE_S), medium=None)


def charted(asked: Mapping[str, RuleSet]) -> dict[str, RuleSet]:
    """The candidates of a charted data set."""
    return {BASELINE: score_alone(), "general": default_rule_set(), **asked}


def continuous(asked: Mapping[str, RuleSet]) -> dict[str, RuleSet]:
    """The candidates of a recording of every second."""
    return {"general": default_rule_set(), "bands of 2 and 3 for 60 s": bands(), **asked}
