"""Vetting: which readings of admitted records are stored, with which status, and which may decide anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from devices.sample import HIGHEST, LOWEST, Status
from devices.vitals import VITALS
from devices.wire.batch import ClockQuality
from devices.wire.event import Event
from streams.engine.admission.senders import ALWAYS, Admitted
from streams.engine.columns.arrays import Bools, Bytes, Cells, Halves, Ints
from streams.engine.round import Rejection, Round
from streams.engine.series.ring import AHEAD

HORIZON: Final = 30 * 86_400_000
"""ms: older readings are refused."""
FUTURE: Final = 86_400_000
"""ms: a reading further ahead of the clock is refused, a nearer one stored as of unsure clock."""
TRANSFER: Final = 86_400_000
"""ms around the ends of an enrolment in which a reading of unsure clock could be somebody else's."""
_KNOWN: Final[Bools] = np.isin(np.arange(256), list(VITALS))
_LAST_STATUS: Final = max(Status)
_REASONS: Final = (
    "",
    "unknown vital",
    "unknown status",
    "no number, though its status is ok",
    "reading beyond the count in the header",
    "older than 30 days",
    "more than a day ahead of the clock",
)
_ELSEWHERE: Final = "measured outside the enrolment of its device"
_UNSURE: Final = "clock unsure at a transfer"


@dataclass(frozen=True, slots=True)
class Vetted:
    """``keep`` bool, ``status`` uint8 [m samples]; ``usable`` int64: positions of the samples that are kept and whose
    time is sure; ``quarantined`` (record, reason).
    """

    keep: Bools
    status: Bytes
    usable: Ints
    rejected: list[Rejection]
    quarantined: list[tuple[int, str]]


def vet(batch: Round, admitted: Admitted, clocks: Ints) -> Vetted:
    """Judge the readings of a round; ``clocks`` int64 [n records]: ms of the partition's clock at each record."""
    samples, record = batch.samples, batch.record
    keep = admitted.good[record]
    vital, status = samples["vital"], samples["status"].copy()
    value, ahead = samples["value"], samples["time"] - clocks[record]
    ok = status == Status.OK
    why = np.zeros(len(samples), np.uint8)
    for reason, bad in (
        (6, ahead > FUTURE),
        (5, ahead < -HORIZON),
        (4, samples["reading"] >= batch.records["count"][record]),
        (3, ok & ~np.isfinite(value)),
        (2, status > _LAST_STATUS),
        (1, ~_KNOWN[vital]),
    ):
        if bad.any():
            why[bad] = reason
    rejected = _refuse(samples["reading"], record, why, keep) if why.any() else []
    quarantined = _quarantine(batch, admitted, keep)
    status[ok & ~((value >= LOWEST[vital]) & (value <= HIGHEST[vital]))] = Status.OUT_OF_RANGE
    status[ahead > AHEAD * 1000] = Status.CLOCK_UNSURE
    loose = batch.records["clock"] == ClockQuality.UNSURE
    if loose.any():
        status[loose[record]] = Status.CLOCK_UNSURE
    return Vetted(keep, status, np.flatnonzero(keep & (status != Status.CLOCK_UNSURE)), rejected, quarantined)


def vet_events(batch: Round, admitted: Admitted, clocks: Ints) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    """The events that count, and the others."""
    n = len(batch.events)
    at = np.fromiter((record for record, _ in batch.events), np.int64, n)
    good, ahead = admitted.good[at], np.fromiter((event.at for _, event in batch.events), np.int64, n) - clocks[at]
    timely = (ahead >= -HORIZON) & (ahead <= FUTURE)
    if (good & timely).all():
        return batch.events, []
    kept = [batch.events[k] for k in np.flatnonzero(good & timely).tolist()]
    refused = np.flatnonzero(good & ~timely).tolist()
    return kept, [Rejection(int(at[k]), -1, _REASONS[5 if ahead[k] < 0 else 6]) for k in refused]


def _refuse(reading: Halves, record: Cells, why: Bytes, keep: Bools) -> list[Rejection]:
    """A reading with a bad sample is refused whole; ``keep`` is changed in place."""
    name = record.astype(np.int64) << 16 | reading
    bad = np.flatnonzero((why > 0) & keep)
    worst: dict[int, int] = {}
    for one, reason in zip(name[bad].tolist(), why[bad].tolist(), strict=True):
        worst[one] = min(reason, worst.get(one, reason))
    keep &= ~np.isin(name, list(worst))
    return [Rejection(one >> 16, one & 0xFFFF, _REASONS[reason]) for one, reason in sorted(worst.items())]


def _quarantine(batch: Round, admitted: Admitted, keep: Bools) -> list[tuple[int, str]]:
    """Readings from outside the enrolment, or of unsure clock near one of its ends; ``keep`` is changed in place."""
    record, time = batch.record, batch.samples["time"]
    since, until = admitted.since[record], admitted.until[record]
    outside = keep & ((time < since) | (time >= until))
    for at, spells in admitted.several.items():
        mine = (record == at) & keep
        inside = np.zeros(len(time), bool)
        for one in spells:
            inside |= (time >= one.since) & (time < (ALWAYS if one.until is None else one.until))
        outside = np.where(mine, ~inside, outside)
    found = {}
    if outside.any():
        keep &= ~outside
        found = dict.fromkeys(np.unique(record[outside]).tolist(), _ELSEWHERE)
    loose = (batch.records["clock"] == ClockQuality.UNSURE) & admitted.good
    if loose.any():
        near = (time < since + TRANSFER) | (time >= until - TRANSFER)
        near &= keep & loose[record] & (batch.records["device"] > 0)[record]
        keep &= ~near
        found |= dict.fromkeys(np.unique(record[near]).tolist(), _UNSURE)
    return sorted(found.items())
