"""The result of a run of the demo: the JSON of ``--summary``, and the promises that did not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

AlarmKey = tuple[int, str, int]
"""(patient, rule, source): one alarm while open."""


class Samples(msgspec.Struct, frozen=True):
    """Counts of samples.  ``acknowledged``: committed by a gateway's outbox, so that the device may forget them."""

    measured: int
    acknowledged: int
    stored: int
    duplicated: int
    lost: int


class Alarms(msgspec.Struct, frozen=True):
    expected: int
    raised: int
    notified: int
    acknowledged: int
    missed: int
    extra: int
    doubled: int = 0


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds; None where nothing was measured."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Latency(msgspec.Struct, frozen=True):
    sample_to_committed: Quantiles
    onset_to_desk: Quantiles


class Summary(msgspec.Struct, frozen=True):
    samples: Samples
    alarms: Alarms
    latency_ms: Latency
    ready_s: float
    memory_mb: dict[str, float]
    missed_alarms: list[str] = []
    extra_alarms: list[str] = []


def quantiles(milliseconds: Sequence[float]) -> Quantiles:
    """Median, 99th percentile and maximum, to a tenth of a millisecond."""
    if not len(milliseconds):
        return Quantiles()
    p50, p99, top = np.percentile(np.asarray(milliseconds, np.float64), [50, 99, 100])
    return Quantiles(round(float(p50), 1), round(float(p99), 1), round(float(top), 1))


def count_alarms(
    expected: Iterable[AlarmKey], raised: Sequence[AlarmKey], notified: int, acknowledged: int, *, whole: bool = True
) -> tuple[Alarms, list[str], list[str]]:
    """The counts, and the names of the alarms that were missed and of those that were not expected.

    ``raised`` has an entry for each alarm row.  A second row of an expected alarm is a double: one episode, one alarm.
    A run that ended before the ``whole`` story was told has missed nothing.
    """
    wanted, got = set(expected), Counter(raised)
    missed, extra = sorted(wanted - got.keys()) if whole else [], sorted(got.keys() - wanted)
    doubled = sum(got[key] - 1 for key in wanted if got[key] > 1)
    counts = Alarms(len(wanted), len(raised), notified, acknowledged, len(missed), len(extra), doubled)
    return counts, [_name(key) for key in missed], [_name(key) for key in extra]


def failures(summary: Summary) -> list[str]:
    """One sentence for each broken promise; empty when all held."""
    found = []
    if summary.samples.lost:
        found.append(f"{summary.samples.lost} acknowledged samples are not stored.")
    if summary.samples.duplicated:
        found.append(f"{summary.samples.duplicated} samples are stored twice.")
    if summary.alarms.missed:
        found.append(f"Expected alarms were missed: {', '.join(summary.missed_alarms)}.")
    if summary.alarms.doubled:
        found.append(f"{summary.alarms.doubled} expected alarms were raised twice.")
    return found


def _name(key: AlarmKey) -> str:
    patient, rule, source = key
    return f"{rule} of patient {patient}" + (f" (source {source})" if source else "")
