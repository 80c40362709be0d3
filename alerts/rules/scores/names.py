"""The names of rules about scores."""

from __future__ import annotations

from typing import Final

from devices.wire.control import Mews, Qsofa, Score, ScoreMean, ScoreRise

KINDS: Final[tuple[type[Score], ...]] = (ScoreMean, ScoreRise, Mews, Qsofa)
MEAN, RISE, MEWS, QSOFA = range(len(KINDS))
NAMES: Final = tuple(str(kind.__struct_config__.tag) for kind in KINDS)


def score_name(one: Score) -> str:
    """As "news2_mean"."""
    return NAMES[KINDS.index(type(one))]


def score_rule(score: int) -> str:
    """The rule of a place in :data:`KINDS`."""
    return NAMES[score]
