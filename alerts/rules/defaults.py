"""The default rule set: limits for every patient until somebody adjusts them.

Sources (reference: clinical):

- Cut-offs: what scores 3 on NEWS2's chart 1 (RCP 2017) is *high*.  A limit is crossed beyond it, and values are rounded as
  the chart does first: "below 92" is "91 or less", and 91.6 is 92.  What scores 2 alone asks a nurse to assess; as a limit
  it made about half of all calls in an evaluation and found little: it is context, in the score's panel at the patient, and
  no alarm.  Diastolic: TIHM (110; below 50 carried no signal).  Glucose: CGM consensus, out of range below 70, urgent below
  54 and above 250 mg/dL; above 180 is for reviews, not for alarms.
- Holds: 15 s is one of the delays that halved ineffective alarms (Görges 2009: 14 s -50 %, 19 s -67 %).  Respiration, the
  noisiest continuous vital, gets twice as long.  A vital measured now and then has no hold: one reading is all there is.
- Hysteresis on the clearing side keeps a value near its limit from flapping; its sizes are Vigil's own choice, about the
  error of the sensors.  A level of the score stands until the score is more than 2 below it: an alarm that ends late calls
  less often.
- Weight and mean pressure have no absolute default: weight counts by its change, mean pressure by its parts.
- Weight: +1 kg in 3 d (TELBIL), ended below +0.8 kg.  Such a rule of thumb finds 58-65 % of the events at 54-58 % false
  alerts (Zhang 2009), so it is low.  No other trend has a source for its limits: none is on.

A limit of the heart rate is that of the pulse as well, whoever measures it (:mod:`alerts.rules.parameters`).

The set itself is a file that a hospital can copy and change: ``alerts/rules/sets/general.toml``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from alerts.rules.sets.rule_file import RuleFile, read_rule_file
from devices.wire.control import Limit, RuleSet, Trend

GENERAL: Final = Path(__file__).with_name("sets") / "general.toml"


@cache
def default_rule_file() -> RuleFile:
    """The file of the default set."""
    return read_rule_file(GENERAL.read_text(encoding="utf-8"))


def default_rule_set(version: int = 1) -> RuleSet:
    """The rule set of a new installation; times and factors as :class:`devices.wire.control.RuleSet` says."""
    return msgspec.structs.replace(default_rule_file().rule_set, version=version)


DEFAULT_LIMITS: Final[tuple[Limit, ...]] = default_rule_set().limits
DEFAULT_TRENDS: Final[tuple[Trend, ...]] = default_rule_set().trends
