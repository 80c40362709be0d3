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
"""

from __future__ import annotations

from typing import Final

from devices.vitals import Vital
from devices.wire.control import Change, Level, Limit, RuleSet, Side, Trend

_HIGH_S: Final = 15
_NOISY: Final = 2


def default_rule_set(version: int = 1) -> RuleSet:
    """The rule set of a new installation; times and factors as :class:`devices.wire.control.RuleSet` says."""
    return RuleSet(version=version, limits=DEFAULT_LIMITS, trends=DEFAULT_TRENDS, news2_hysteresis=2)


def _held(vital: Vital, side: Side, high: float, back: float, noisy: int = 1) -> Limit:
    """The limit of a continuous vital that is one of NEWS2's bands."""
    return Limit(vital, side, None, Level(high, _HIGH_S * noisy), back, chart=True)


def _single(vital: Vital, side: Side, medium: float | None, high: float | None, back: float) -> Limit:
    """Limits of a vital measured now and then."""
    first, second = (None if one is None else Level(one) for one in (medium, high))
    return Limit(vital, side, first, second, back, chart=True)


DEFAULT_LIMITS: Final[tuple[Limit, ...]] = (
    _held(Vital.HEART_RATE, "low", 41, 5),
    _held(Vital.HEART_RATE, "high", 130, 5),
    _held(Vital.SPO2, "low", 92, 1),
    _held(Vital.RESPIRATORY_RATE, "low", 9, 1, _NOISY),
    _held(Vital.RESPIRATORY_RATE, "high", 24, 2, _NOISY),
    _single(Vital.SYSTOLIC, "low", None, 91, 5),
    _single(Vital.SYSTOLIC, "high", None, 219, 5),
    _single(Vital.DIASTOLIC, "high", 110, None, 5),
    _single(Vital.TEMPERATURE, "low", None, 35.1, 0.3),
    _single(Vital.GLUCOSE, "low", 70, 54, 5),
    _single(Vital.GLUCOSE, "high", None, 250, 10),
)

DEFAULT_TRENDS: Final[tuple[Trend, ...]] = (Change(Vital.WEIGHT, "high", 1.0, 72, 0.2, "low"),)
