"""Several layers as one rule set: of each rule the most specific layer that names it counts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from alerts.rules.layers.named import (
    NEWS2,
    combined_name,
    known,
    limit_name,
    name_of_rolling,
    names_of,
    trend_names,
)
from alerts.rules.scores.names import score_name
from devices.wire.control import Layer, OwnRules, RuleSet

_NO_SCORE = 1_000
"""Points that no score reaches."""


def merged(base: RuleSet, layers: Sequence[Layer]) -> RuleSet:
    """``base`` with the rules of ``layers``, the more specific later, in place of those of the same names."""
    return _merged(base, tuple(layers)) if layers else base


def layers_of(base: RuleSet, own: OwnRules | None) -> tuple[Layer, ...]:
    """The layers that hold for a patient, the most specific last."""
    if own is None:
        return ()
    by_name = {one.name: one for one in base.sets}
    found = tuple(by_name[name] for name in own.sets if name in by_name)
    return found if own.rules is None else (*found, own.rules)


def origin(layers: Sequence[Layer], rule: str) -> str:
    """The name of the layer from which a rule comes; empty: from the set of the installation."""
    found = [one.name for one in layers if rule in names_of(one)]
    return found[-1] if found else ""


@lru_cache(1 << 12)
def _merged(base: RuleSet, layers: tuple[Layer, ...]) -> RuleSet:
    rules = base
    for layer in layers:
        gone = names_of(layer) | set(layer.off)
        limits = [one for one in known(rules.limits) if limit_name(one) not in gone]
        trends = [one for one in known(rules.trends) if gone.isdisjoint(trend_names(one))]
        rolling = [one for one in known(rules.rolling) if name_of_rolling(one) not in gone]
        scores = [one for one in rules.scores if score_name(one) not in gone]
        combined = [one for one in rules.combined if combined_name(one.name) not in gone]
        levels = {} if layer.news2 is None else msgspec.structs.asdict(layer.news2)
        if NEWS2 in layer.off:
            levels = {"medium": _NO_SCORE, "high": _NO_SCORE}
        rules = msgspec.structs.replace(
            rules,
            limits=(*limits, *layer.limits),
            trends=(*trends, *layer.trends),
            rolling=(*rolling, *layer.rolling),
            scores=(*scores, *layer.scores),
            combined=(*combined, *layer.combined),
            sets=(),
            **{f"news2_{key}": value for key, value in levels.items()},
        )
    return rules
