"""A healthy adult's vitals as a pure function of (seed, time): plausible, correlated, and the same on every run.

A slow state of arousal (walking about, resting) moves heart rate, respiration and pressure together; breathing moves the
heart rate (respiratory sinus arrhythmia); saturation dips a little when breathing is shallow; temperature follows the hour
of the day.  All values stay inside NEWS2's band of 0 points, so that a steady patient raises no alarm.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Final

from devices.vitals import Vital

_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Vitals:
    """The vitals of a body at one instant, not rounded: /min, %, /min, mm[Hg], mm[Hg], Cel, kg, mg/dL."""

    heart_rate: float
    spo2: float
    respiratory_rate: float
    systolic: float
    diastolic: float
    temperature: float
    weight: float
    glucose: float

    @property
    def mean_arterial(self) -> float:
        """The usual estimate: a third of the pulse pressure above the diastolic."""
        return self.diastolic + (self.systolic - self.diastolic) / 3

    def of(self, vital: Vital) -> float:
        """The value of one vital; pulse rate is the heart rate; ``KeyError`` for one a body here does not have."""
        if vital is Vital.PULSE_RATE:
            return self.heart_rate
        name = vital.name.lower()
        if name not in _NAMES:
            raise KeyError(name)
        return float(getattr(self, name))


_NAMES: Final = (*Vitals.__slots__, "mean_arterial")


class Physiology:
    """One body; equal seeds give equal bodies."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.rest = Vitals(
            heart_rate=draw.uniform(62, 76),
            spo2=draw.uniform(97.4, 98.6),
            respiratory_rate=draw.uniform(14.2, 16.8),
            systolic=draw.uniform(118, 132),
            diastolic=draw.uniform(70, 80),
            temperature=draw.uniform(36.5, 36.9),
            weight=0.0,
            glucose=0.0,
        )
        # Waves of unrelated periods: minutes for arousal, tens of seconds for the drift of respiration and saturation.
        self._arousal = _Waves(draw, (210.0, 97.0, 53.0))
        self._breath = _Waves(draw, (41.0, 17.0))
        self._air = _Waves(draw, (73.0, 29.0))
        self._phase = draw.uniform(0, math.tau)
        # Drawn last: the numbers before them are those of bodies without weight and glucose.
        self.rest = replace(self.rest, weight=draw.uniform(55, 95), glucose=draw.uniform(95, 115))

    def at(self, seconds: float) -> Vitals:
        """The body ``seconds`` after any fixed instant (the epoch, say)."""
        rest = self.rest
        arousal, breath, air = self._arousal.at(seconds), self._breath.at(seconds), self._air.at(seconds)
        respiratory_rate = rest.respiratory_rate + 1.2 * arousal + 0.6 * breath
        in_and_out = math.sin(math.tau * seconds * rest.respiratory_rate / 60 + self._phase)
        return Vitals(
            heart_rate=rest.heart_rate + 7.0 * arousal + 1.5 * in_and_out,
            spo2=rest.spo2 + 0.4 * air + 0.3 * breath,
            respiratory_rate=respiratory_rate,
            systolic=rest.systolic + 6.0 * arousal + 2.0 * breath,
            diastolic=rest.diastolic + 3.0 * arousal + 1.0 * breath,
            temperature=rest.temperature + 0.25 * math.sin(math.tau * seconds / _DAY_S + self._phase),
            weight=rest.weight + 0.4 * math.sin(math.tau * seconds / _DAY_S + self._phase),
            glucose=rest.glucose + 10.0 * math.sin(3 * math.tau * seconds / _DAY_S + self._phase),
        )


class _Waves:
    """A smooth curve within -1 and 1: sines of the given periods (s), with amplitudes and phases drawn."""

    def __init__(self, draw: random.Random, periods: tuple[float, ...]) -> None:
        weights = [draw.uniform(0.5, 1.0) for _ in periods]
        total = sum(weights)
        self._waves = [
            (weight / total, math.tau / (period * draw.uniform(0.8, 1.25)), draw.uniform(0, math.tau))
            for weight, period in zip(weights, periods, strict=True)
        ]

    def at(self, seconds: float) -> float:
        return sum(weight * math.sin(rate * seconds + phase) for weight, rate, phase in self._waves)
