"""The names of the rules that a set holds: what alarms and pauses call them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from alerts.rules.limits.bounds import SIDES
from alerts.rules.parameters import parameter_of
from alerts.rules.rolling.figures import FIGURES, WINDOWS
from alerts.rules.rolling.figures import rule_name as rolling_name
from alerts.rules.scores.names import score_name
from alerts.rules.trends.trend_table import KIND_OF
from alerts.rules.trends.trend_table import rule_name as trend_name
from devices.vitals import VITALS
from devices.wire.control import Drift, Layer, Limit, Rolling, RuleSet, Trend

NEWS2: Final = "news2"
COMBINED: Final = "combined."
T = TypeVar("T", bound=Limit | Trend | Rolling)


def limit_name(one: Limit) -> str:
    """As "spo2.low"; a limit of the pulse is one of the heart rate."""
    return f"{VITALS[parameter_of(one.vital)].column}.{one.side}"


def trend_names(one: Trend) -> tuple[str, ...]:
    """As "weight.gain"; a drift may have two sides."""
    sides = one.sides if isinstance(one, Drift) else (one.side,)
    return tuple(trend_name(one.vital, KIND_OF[type(one)], SIDES.index(side)) for side in sides)


def name_of_rolling(one: Rolling) -> str:
    """As "spo2.low_mean_5min"."""
    side, figure = SIDES.index(one.side), FIGURES.index(one.figure)
    return rolling_name(int(parameter_of(one.vital)), side, figure, list(WINDOWS).index(one.window_s))


def combined_name(combination: str) -> str:
    """As "combined.sepsis"."""
    return f"{COMBINED}{combination}"


def names_of(rules: RuleSet | Layer) -> set[str]:
    """The names of all rules that a set or a layer raises; the technical ones are the installation's."""
    found = {limit_name(one) for one in known(rules.limits)}
    found |= {name for one in known(rules.trends) for name in trend_names(one)}
    found |= {name_of_rolling(one) for one in known(rules.rolling)}
    found |= {score_name(one) for one in rules.scores} | {combined_name(one.name) for one in rules.combined}
    return found | ({NEWS2} if isinstance(rules, RuleSet) or rules.news2 else set())


def known(rules: Iterable[T]) -> list[T]:
    """The rules of vitals that this version knows."""
    return [one for one in rules if one.vital in VITALS]
