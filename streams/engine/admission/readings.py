"""Admission of readings: which ones of admitted records are stored, with which status, and which may decide anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from devices.sample import HIGHEST, LOWEST, Status
from devices.vitals import VITALS
from devices.wire.batch import ClockQuality
from devices.wire.event import Event
from streams.engine.admission.senders import Admitted, end_of
from streams.engine.columns.arrays import Bools, Bytes, Cells, Halves, Ints
from streams.engine.round import Rejection, Round
from streams.engine.series.ring import AHEAD

HORIZON: Final = 30 * 86_400_000
"""ms: an older reading is refused."""
FUTURE: Final = 86_400_000
"""ms: a reading further ahead of the clock is refused; a nearer one is stored as of unsure clock."""
TRANSFER: Final = 86_400_000
"""ms around the ends of an enrolment: a reading of unsure clock in it may be somebody else's."""
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
class AdmittedReadings:
    """``accepted`` bool, ``status`` uint8 [m samples]; ``usable`` int64: positions of the samples that are accepted and
    whose time is sure; ``quarantined`` (record, reason).
    """

    accepted: Bools
    status: Bytes
    usable: Ints
    rejected: list[Rejection]
    quarantined: list[tuple[int, str]]


def admit_readings(batch: Round, admitted: Admitted, clocks: Ints) -> AdmittedReadings:
    """Judge the readings of a round; ``clocks`` int64 [n records]: ms of the partition's clock at each record."""
    samples, record = batch.samples, batch.record
    accepted = admitted.good[record]
    vital, status = samples["vital"], samples["status"].copy()
    value, ahead = samples["value"], samples["time"] - clocks[record]
    ok = status == Status.OK
    reason = np.zeros(len(samples), np.uint8)
    for code, bad in (
        (6, ahead > FUTURE),
        (5, ahead < -HORIZON),
        (4, samples["reading"] >= batch.records["count"][record]),
        (3, ok & ~np.isfinite(value)),
        (2, status > _LAST_STATUS),
        (1, ~_KNOWN[vital]),
    ):
        if bad.any():
            reason[bad] = code
    rejected = _refuse(samples["reading"], record, reason, accepted) if reason.any() else []
    quarantined = _quarantine(batch, admitted, accepted)
    status[ok & ~((value >= LOWEST[vital]) & (value <= HIGHEST[vital]))] = Status.OUT_OF_RANGE
    status[ahead > AHEAD * 1000] = Status.CLOCK_UNSURE
    unsure = batch.records["clock"] == ClockQuality.UNSURE
    if unsure.any():
        status[unsure[record]] = Status.CLOCK_UNSURE
    usable = np.flatnonzero(accepted & (status != Status.CLOCK_UNSURE))
    return AdmittedReadings(accepted, status, usable, rejected, quarantined)


def admit_events(batch: Round, admitted: Admitted, clocks: Ints) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    """(accepted events of a round, rejections of the events that are too old or too far ahead)."""
    at = np.array([record for record, _ in batch.events], np.int64)
    good, ahead = admitted.good[at], np.array([event.at for _, event in batch.events], np.int64) - clocks[at]
    timely = (ahead >= -HORIZON) & (ahead <= FUTURE)
    accepted = good & timely
    if accepted.all():
        return batch.events, []
    refused = np.flatnonzero(good & ~timely).tolist()
    return (
        [batch.events[k] for k in np.flatnonzero(accepted).tolist()],
        [Rejection(int(at[k]), -1, _REASONS[5 if ahead[k] < 0 else 6]) for k in refused],
    )


def _refuse(reading: Halves, record: Cells, reason: Bytes, accepted: Bools) -> list[Rejection]:
    """Refuse each reading with a bad sample whole; changes ``accepted`` in place."""
    name = record.astype(np.int64) << 16 | reading
    bad = np.flatnonzero((reason > 0) & accepted)
    worst: dict[int, int] = {}
    for one, code in zip(name[bad].tolist(), reason[bad].tolist(), strict=True):
        worst[one] = min(code, worst.get(one, code))
    accepted &= ~np.isin(name, list(worst))
    return [Rejection(one >> 16, one & 0xFFFF, _REASONS[code]) for one, code in sorted(worst.items())]


def _quarantine(batch: Round, admitted: Admitted, accepted: Bools) -> list[tuple[int, str]]:
    """(record, reason) of readings from outside the enrolment, or of unsure clock near one of its ends; changes ``accepted``
    in place.
    """
    record, time = batch.record, batch.samples["time"]
    since, until = admitted.since[record], admitted.until[record]
    outside = accepted & ((time < since) | (time >= until))
    for at, several in admitted.several.items():
        inside = np.zeros(len(time), np.bool_)
        for one in several:
            inside |= (time >= one.since) & (time < end_of(one))
        outside = np.where((record == at) & accepted, ~inside, outside)
    found = {}
    if outside.any():
        accepted &= ~outside
        found = dict.fromkeys(np.unique(record[outside]).tolist(), _ELSEWHERE)
    unsure = (batch.records["clock"] == ClockQuality.UNSURE) & admitted.good
    if unsure.any():
        near = (time < since + TRANSFER) | (time >= until - TRANSFER)
        near &= accepted & unsure[record] & (batch.records["device"] > 0)[record]
        accepted &= ~near
        found |= dict.fromkeys(np.unique(record[near]).tolist(), _UNSURE)
    return sorted(found.items())
