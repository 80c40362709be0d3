"""Admission of readings: which ones of admitted records are stored, with which status, and which may decide anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from devices.sample import HIGHEST, LOWEST, Status
from devices.vitals import VITALS
from devices.wire.batch import ClockQuality
from devices.wire.event import Event
from streams.engine.admission.senders import ALWAYS, Admitted, end_of
from streams.engine.columns.arrays import NO_INTS, Bools, Bytes, Cells, Halves, Ints
from streams.engine.round import Rejection, Round
from streams.engine.series.ring import AHEAD

HORIZON: Final = 30 * 86_400_000
"""ms: an older reading is refused."""
FUTURE: Final = 86_400_000
"""ms: a reading further ahead of the clock is refused; a nearer one is stored as of unsure clock."""
TRANSFER: Final = 86_400_000
"""ms around the ends of an enrolment: a reading of unsure clock in it may be somebody else's."""


class Doubt(IntEnum):
    """The reason for which a reading cannot decide anything for its time."""

    UNKNOWN = 1
    AHEAD = 2
    OLD = 3


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
    "measured while consent was withdrawn",
)
_OLD, _AHEAD, _AWAY = 5, 6, 7
_ELSEWHERE: Final = "measured outside the enrolment of its device"
_UNSURE: Final = "clock unsure at a transfer"


@dataclass(frozen=True, slots=True)
class AdmittedReadings:
    """``accepted`` bool, ``status`` uint8 [m samples]; ``usable`` int64: positions of the samples that are accepted and
    whose time is sure; ``unsure`` int64 [u]: positions of those that decide nothing for their time, refused ones too, and
    the ``doubt`` uint8 [u]; ``quarantined`` (record, reason).
    """

    accepted: Bools
    status: Bytes
    usable: Ints
    unsure: Ints
    doubt: Bytes
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
    away = _while_withdrawn(samples["time"], record, admitted)
    for code, bad in (
        *(((_AWAY, away),) if away is not None else ()),
        (6, ahead > FUTURE),
        (5, ahead < -HORIZON),
        (4, samples["reading"] >= batch.records["count"][record]),
        (3, ok & ~np.isfinite(value)),
        (2, status > _LAST_STATUS),
        (1, ~_KNOWN[vital]),
    ):
        if bad.any():
            reason[bad] = code
    refused = np.flatnonzero(accepted & ((reason == _OLD) | (reason == _AHEAD))) if reason.any() else NO_INTS
    rejected = _refuse(samples["reading"], record, reason, accepted) if reason.any() else []
    quarantined = _quarantine(batch, admitted, accepted)
    status[ok & ~((value >= LOWEST[vital]) & (value <= HIGHEST[vital]))] = Status.OUT_OF_RANGE
    status[ahead > AHEAD * 1000] = Status.CLOCK_UNSURE
    unsure = batch.records["clock"] == ClockQuality.UNSURE
    if unsure.any():
        status[unsure[record]] = Status.CLOCK_UNSURE
    sure = status != Status.CLOCK_UNSURE
    usable, doubted = np.flatnonzero(accepted & sure), refused
    doubt = np.where(reason[refused] == _OLD, Doubt.OLD, Doubt.AHEAD).astype(np.uint8)
    if not sure.all():
        stored = np.flatnonzero(accepted & ~sure)
        doubted = np.append(refused, stored)
        kinds = np.where(ahead[stored] > AHEAD * 1000, Doubt.AHEAD, Doubt.UNKNOWN).astype(np.uint8)
        doubt = np.append(doubt, kinds)
    order = np.argsort(record[doubted], kind="stable")
    return AdmittedReadings(accepted, status, usable, doubted[order], doubt[order], rejected, quarantined)


def admit_events(batch: Round, admitted: Admitted, clocks: Ints) -> tuple[list[tuple[int, Event]], list[Rejection]]:
    """(accepted events of a round, rejections of the events that are too old or too far ahead)."""
    at = np.array([record for record, _ in batch.events], np.int64)
    good, ahead = admitted.good[at], np.array([bounded(event.at) for _, event in batch.events], np.int64) - clocks[at]
    ahead[batch.records["clock"][at] == ClockQuality.UNSURE] = 0  # of a clock that is not set: heard now, whatever it says
    reason = np.where(ahead > FUTURE, _AHEAD, np.where(ahead < -HORIZON, _OLD, 0))
    away = _while_withdrawn(np.array([bounded(event.at) for _, event in batch.events], np.int64), at, admitted)
    if away is not None:
        reason[away & (reason == 0)] = _AWAY
    accepted = good & (reason == 0)
    if accepted.all():
        return batch.events, []
    refused = np.flatnonzero(good & (reason > 0)).tolist()
    return (
        [batch.events[k] for k in np.flatnonzero(accepted).tolist()],
        [Rejection(int(at[k]), -1, _REASONS[reason[k]]) for k in refused],
    )


def bounded(ms: int) -> int:
    """A time in ms as int64 holds it, far enough from its ends to be added and subtracted."""
    return min(max(ms, -ALWAYS), ALWAYS)


def _while_withdrawn(time: Ints, record: Ints | Cells, admitted: Admitted) -> Bools | None:
    """Which times (ms, int64 [n], of ascending records) lie in a withdrawal of consent; None where none can."""
    if not admitted.away:
        return None
    found = np.zeros(len(time), np.bool_)
    for at, spells in admitted.away.items():
        here = slice(*np.searchsorted(record, [at, at + 1]).tolist())
        for since, until in spells:
            found[here] |= (time[here] >= since) & (time[here] < until)
    return found


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
