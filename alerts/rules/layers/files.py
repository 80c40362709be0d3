"""Layers from rule files, and the programmes that Vigil has sets for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from alerts.rules.errors import Fault, RuleFileError
from alerts.rules.sets.places import line_of
from alerts.rules.sets.rule_file import RuleFile, read_rule_file
from devices.wire.control import Layer, ScoreLevels

_SETS: Final = Path(__file__).parents[1] / "sets"
PROGRAMMES: Final = ("heart-failure", "copd", "post-operative", "diabetes")
_INSTALLATION: Final = ("technical", "prefer", "agree")


@cache
def programme_files() -> Mapping[str, RuleFile]:
    """The sets of the programmes that Vigil knows."""
    return {name: read_rule_file(text_of(name)) for name in PROGRAMMES}


def text_of(programme: str) -> str:
    """The text of the file of a programme that Vigil knows."""
    return (_SETS / f"{programme}.toml").read_text(encoding="utf-8")


def layer_of(found: RuleFile, name: str) -> Layer:
    """The layer that a file makes over the set of the installation; ``name``: whose it is, in words.

    Raises:
        RuleFileError: it has parts that only the set of the whole installation may have.
    """
    faults = [
        Fault(line_of(dict(found.places), (part,)), f"[{part}] belongs to the set of the whole installation: take it out")
        for part in _INSTALLATION
        if part in found.given
    ]
    if faults:
        raise RuleFileError(faults)
    rules = found.rule_set
    levels = ScoreLevels(rules.news2_medium, rules.news2_high, rules.news2_hold_s, rules.news2_hysteresis)
    return Layer(
        name,
        rules.limits,
        levels if "news2" in found.given else None,
        rules.trends,
        rules.rolling,
        rules.scores,
        rules.combined,
        found.off,
    )
