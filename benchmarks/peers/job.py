"""The two jobs of every contender, and their results.  This text is the contract; Java follows it too.

**Job "sample"**: a message is one sample as a JSON object of about 180 bytes (:class:`benchmarks.peers.sample_job.Sample`),
key = patient.  Values have one decimal and count in tenths (rounded half-even), ``v``.  A series is (patient, vital).  For
each message: the rolling mean of its series over the samples measured in (time - 60 s, time], in thousandths of a tenth,
rounded down: ``mean = 1000 * sum(v) // n``; and whether that mean is above the vital's limit.  Within a series messages come
in order of time.  Checked: ``samples``, ``means`` (sum of all means) and ``crossings`` (means above the limit whose
predecessor was not).

**Job "batch"**: a message is a header (:data:`devices.wire.batch.HEADER`) and the packed samples
(:data:`devices.sample.SAMPLE`) of sixty readings of one device, four vitals each; *unsealed*, so that what is compared is
the work on samples: AES-256-GCM costs every contender the same few ns a sample and would only draw the ratios towards one.
Four vitals, because Vigil knows four continuous ones; 1,250 patients then have 5,000 series.  Every ten seconds a partition
holds a clock record (kind 4, header only), which peers pass over.  Time is the record's Kafka timestamp, as in Vigil's own
log: a record stands in second ``a = timestamp // 1000``.  Values of status 0 count, in tenths (rounded half-even); the
others count nowhere.

- *Windows*: at each second ``s`` of the clock from the one after a series' first batch on, up to and with the second in
  which its last one stands: figures over the samples measured in [s - W, s) that stand in the log before ``s``, for W = 60
  and 300 s: n, mean, min, max, standard deviation (n - 1) and slope (least squares, a second).  A sample's second is
  ``time // 1000``; no series has two in one second.  Checked, for each W: the sum of all n, and over those with n >= 2 the
  sums of mean, min, max and std, and of the square of the slope (tenths); counts exactly, the others to 1e-9.  Whoever
  computes a patient's seconds only when the next batch is there does so: it is quicker, and CPU is measured, not delay.
- *Limits with hold*: a run is an unbroken row of usable samples of a series beyond its limit with no more than 60 s between
  two.  An episode is a run whose last sample is at least ``HOLD_S`` after its first.  Checked: ``episodes``.

CPU is what the process of the contender spends with all its threads, from the first message it is given to the last.  A JVM
is measured on the second half of the log: by then its compiler has seen everything.  Nobody starts a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from devices.vitals import Vital

SAMPLE: Final = "sample"
BATCH: Final = "batch"

PARTITIONS: Final = 8
"""The partitions of both topics.  Vigil holds these 8 of its 64: bytewax opens a consumer for each partition it reads."""
WINDOWS_S: Final = (60, 300)
HOLD_S: Final = 10
HOLE_S: Final = 60
READINGS: Final = 60
CLOCK_S: Final = 10

VITALS: Final = (Vital.HEART_RATE, Vital.PULSE_RATE, Vital.SPO2, Vital.RESPIRATORY_RATE)
SIGN: Final = (1, 1, -1, 1)
"""1: the limit is an upper one; -1: a lower one."""
LIMIT: Final = (1300, 32_000, 880, 300)
"""In tenths, for the batch job, by vital.  Nothing lies beyond that of the pulse: for Vigil it is one parameter with the
heart rate, and only one of them may decide."""

NAMES: Final = ("heart_rate", "pulse_rate", "spo2", "respiratory_rate", "temperature")
MEAN_LIMIT: Final[Mapping[str, int]] = {
    "heart_rate": 801_500, "pulse_rate": 801_500, "spo2": 970_500, "respiratory_rate": 161_500, "temperature": 371_500,
}  # fmt: skip
"""In thousandths of a tenth, for the sample job."""
_TOLERANCE: Final = 1e-9


def figures_of(samples: int, episodes: int, sums: npt.NDArray[np.float64]) -> dict[str, float]:
    """The result of a contender in the batch job; ``sums`` [window, 6]: n, mean, min, max, std, slope²."""
    found: dict[str, float] = {"samples": samples, "episodes": episodes}
    for window, (n, *others) in zip(WINDOWS_S, sums.tolist(), strict=True):
        found[f"n {window}"] = int(n)  # far below 2**53
        found |= {f"{name} {window}": value for name, value in zip(_FIGURES, others, strict=True)}
    return found


_FIGURES: Final = ("mean", "min", "max", "std", "slope²")


def same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Return whether two contenders found the same: counts exactly, sums of figures to 1e-9."""
    return one.keys() == other.keys() and all(
        math.isclose(one[name], other[name], rel_tol=0 if isinstance(one[name], int) else _TOLERANCE) for name in one
    )
