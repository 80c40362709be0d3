"""The rules that a combination may name: those of values, trends, rolling figures and scores."""

from __future__ import annotations

from typing import Final

from alerts.rules.layers.named import NEWS2
from alerts.rules.limits.bounds import SIDES
from alerts.rules.parameters import parameter_of
from alerts.rules.rolling.figures import FIGURES, WINDOWS
from alerts.rules.rolling.figures import rule_name as rolling_name
from alerts.rules.scores.names import NAMES as SCORES
from alerts.rules.trends.trend_table import KIND_OF
from alerts.rules.trends.trend_table import rule_name as trend_name
from devices.vitals import VITALS

_PARAMETERS: Final = sorted({int(parameter_of(vital)) for vital in VITALS})


def _names() -> list[str]:
    found = [NEWS2, *SCORES]
    for code in _PARAMETERS:
        spec = VITALS[parameter_of(code)]
        found += [f"{spec.column}.{side}" for side in SIDES]
        if spec.continuous:
            found += [
                rolling_name(code, side, figure, window)
                for side in range(len(SIDES))
                for figure in range(len(FIGURES))
                for window in range(len(WINDOWS))
            ]
    for vital in VITALS:
        found += [trend_name(vital, kind, side) for kind in KIND_OF.values() for side in range(len(SIDES))]
    return found


PLACE: Final = {name: place for place, name in enumerate(_names())}
"""The place of each rule in :class:`alerts.rules.combined.combinations.Standing`."""
