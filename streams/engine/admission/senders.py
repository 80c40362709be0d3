"""Admission of senders: the control records of the log decide which later records are accepted.

Control records (consent, enrolment with its revoked keys) take effect in the order of the log; all other records between two
of them are judged at once.  A refused record has a reason; nothing is dropped silently but a control record that was seen
before (the desk sends again after a crash).  A reading measured outside its device's enrolment goes to quarantine: it
belongs to somebody else (docs/decisions/0017-admission.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from devices.errors import BatchError
from devices.wire.batch import Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, RuleSet, decode_control, encode_control
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints, Rows
from streams.engine.columns.axis import Columns, array
from streams.engine.columns.keyed_axis import keys
from streams.engine.round import Rejection, Round
from streams.engine.series.layout import Layout

ACCEPTED: Final = 0
_REASONS: Final = (
    "",
    "sender not enrolled",
    "consent withdrawn",
    "key revoked",
    "not from the desk",
    "unknown kind of record",
    "control record with a number out of range",
    "control record of the wrong patient: a rule set has patient 0, everything else a patient",
)
_NOT_ENROLLED, _WITHDRAWN, _REVOKED, _NOT_DESK, _UNKNOWN_KIND, _OUT_OF_RANGE, _WRONG_PATIENT = range(1, 8)
_GIVEN, _TAKEN_BACK = 1, 2
_CONTROL_FIELDS: Final = ["partition", "patient", "gateway", "epoch", "first", "append"]
_LARGEST: Final = (1 << 31) - 1
"""The largest number of a patient, device or gateway: the database has int4."""
ALWAYS: Final = 1 << 62
"""ms: the end of an enrolment without end."""


class Grants(Columns):
    """Per sender (patient, device): the number of ``enrolments`` int32; ``gateway`` int64, ``since`` and ``until`` int64 ms
    of the newest one.
    """

    enrolments: Cells = array(np.int32)
    gateway: Ints = array(np.int64, -1)
    since: Ints = array(np.int64, ALWAYS)
    until: Ints = array(np.int64)


class Allowed(Columns):
    """Per link (patient, gateway): ``allowed`` bool: it may send heartbeats and manual observations."""

    allowed: Bools = array(np.bool_)


_SPELLS: Final = 4
"""Withdrawals of consent that are kept; of more the oldest count as one."""


class Agreed(Columns):
    """Per patient: ``consent`` uint8 (0: none known, 1: given, 2: taken back), ``revoked`` bool: some keys are;
    ``away_since`` and ``away_until`` int64 ms: the last withdrawals, the newest one first (0: none).
    """

    consent: Bytes = array(np.uint8)
    revoked: Bools = array(np.bool_)
    away_since: Ints = array(np.int64, 0, (_SPELLS,))
    away_until: Ints = array(np.int64, 0, (_SPELLS,))


@dataclass
class Admitted:
    """The admission of one round: ``good`` bool [n records]: accepted; ``sender`` int64 [n]: the column of the sender of
    each good sample record, else -1; ``since``, ``until`` int64 [n]: its enrolment (ms) behind the record's gateway;
    ``several``: its enrolments by position of the record, where there are more; ``away``: the withdrawals of consent (since,
    until, ms) of its patient, likewise; ``controls`` that are new.
    """

    good: Bools
    sender: Ints
    since: Ints
    until: Ints
    controls: list[tuple[int, Control]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    several: dict[int, tuple[Enrolled, ...]] = field(default_factory=dict)
    away: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def reject(self, record: int, reason: int) -> None:
        self.rejected.append(Rejection(record, -1, _REASONS[reason]))


class Admission:
    """The consent and the enrolments in force, for all partitions held.  ``enrolled`` by patient; ``seen``: the last
    sequence of control records, by partition and epoch of the desk.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.grants = Grants(layout.senders, "grants")
        self.allowed = Allowed(layout.links, "allowed")
        self.agreed = Agreed(layout.patients, "agreed")
        self.enrolled: dict[int, Enrolment] = {}
        self.seen: dict[int, dict[int, int]] = {}

    def drop(self, partition: int) -> None:
        self.seen.pop(partition, None)
        for patient in self._layout.patients.people(self._layout.patients.of(partition)).tolist():
            self.enrolled.pop(patient, None)

    def admit(self, batch: Round) -> Admitted:
        """Judge the records of a round, in order."""
        records, n = batch.records, len(batch.records)
        out = Admitted(np.zeros(n, np.bool_), np.full(n, -1, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64))
        data = np.flatnonzero((records["kind"] == Kind.SAMPLES) | (records["kind"] == Kind.EVENT))
        begin = 0
        heads = records[_CONTROL_FIELDS][np.array([at for at, _ in batch.controls], np.int64)].tolist()
        for (at, control), (partition, patient, gateway, epoch, sequence, append) in zip(batch.controls, heads, strict=True):
            if gateway != 0:
                out.reject(at, _NOT_DESK)
                continue
            if not self._is_new(partition, epoch, sequence):
                continue
            fault = _fault(patient, control)
            if fault:
                out.reject(at, fault)
                continue
            out.controls.append((at, control))
            if isinstance(control, Consent | Enrolment):
                end = int(np.searchsorted(data, at))
                self._judge(records, data[begin:end], out)
                begin = end
            # of the other kinds too: facts may come before the enrolment, and rows may not depend on where the log is cut
            self._learn(patient, control, append)
        self._judge(records, data[begin:], out)
        self._find_senders(records, out)
        for at in np.flatnonzero(records["kind"] > Kind.CLOCK).tolist():
            out.reject(at, _UNKNOWN_KIND)
        return out

    def _is_new(self, partition: int, epoch: int, sequence: int) -> bool:
        seen = self.seen.setdefault(partition, {})
        if seen.get(epoch, -1) >= sequence:
            return False
        seen[epoch] = sequence
        return True

    def _learn(self, patient: int, control: Control, append: int) -> None:
        """Put a control record, appended at ``append`` (ms), into effect."""
        if isinstance(control, Consent):
            self._agree(self._layout.patients.ensure(patient), control, append)
        elif isinstance(control, Enrolment):
            self._enrol(patient, control)
        elif not isinstance(control, RuleSet):
            self._layout.patients.ensure(patient)

    def _agree(self, row: int, control: Consent, append: int) -> None:
        """Values measured between a withdrawal and the next consent never enter, whenever they come.  Either counts from
        the time at which it was said; where that cannot be, from its record.
        """
        agreed, was = self.agreed, int(self.agreed.consent[row])
        decided_at = control.at if 0 < control.at <= append else append
        since, until = agreed.away_since[:, row], agreed.away_until[:, row]
        if not control.given and was != _TAKEN_BACK:
            since[-1], until[-1] = min(since[-1], since[-2]) or since[-2], max(until[-1], until[-2])
            since[1:-1], until[1:-1] = since[:-2].copy(), until[:-2].copy()
            since[0], until[0] = decided_at, ALWAYS
        elif control.given and was == _TAKEN_BACK:
            until[0] = max(decided_at, int(since[0]))
        agreed.consent[row] = _GIVEN if control.given else _TAKEN_BACK

    def _enrol(self, patient: int, control: Enrolment) -> None:
        row = self._layout.patients.ensure(patient)
        self.agreed.revoked[row] = bool(control.revoked_keys)
        former = self.enrolled.get(patient, Enrolment())
        self.enrolled[patient] = control
        for gateway in {*former.gateways, *control.gateways, *(one.gateway for one in control.devices)}:
            link = self._layout.links.ensure(patient, gateway)  # may move the columns
            self.allowed.allowed[link] = gateway in control.gateways
        for one in former.devices:
            self.grants.enrolments[self._layout.senders.at(patient, one.device)] = 0
        for one in sorted(control.devices, key=lambda each: each.since):
            column = self._layout.ensure_sender(patient, one.device)
            self.grants.enrolments[column] += 1
            self.grants.gateway[column], self.grants.since[column] = one.gateway, max(one.since, -ALWAYS)
            self.grants.until[column] = end_of(one)

    def _judge(self, records: Rows, at: Ints, out: Admitted) -> None:
        """Judge records between two control records; ``at`` int64 [k]: their positions, ascending."""
        if not at.size:
            return
        judged = records[at]
        patient, device, gateway = judged["patient"], judged["device"], judged["gateway"].astype(np.int64)
        grants, sender = self.grants, self._layout.senders.find(keys(patient, device))
        enrolments = np.where(sender >= 0, grants.enrolments[sender], 0)
        fits = (enrolments == 1) & ((grants.gateway[sender] == gateway) | (gateway == 0))
        out.since[at] = np.where(fits, grants.since[sender], 0)
        out.until[at] = np.where(fits, grants.until[sender], ALWAYS)
        for k in np.flatnonzero(enrolments > 1).tolist():
            several = self._enrolments(int(patient[k]), int(device[k]), int(gateway[k]))
            if several:
                fits[k] = True
                out.since[at[k]], out.until[at[k]] = several[0].since, end_of(several[-1])
                out.several[int(at[k])] = several
        own = np.flatnonzero(device == 0)
        link = self._layout.links.find(keys(patient[own], gateway[own]))
        fits[own] = self.allowed.allowed[link] & (link >= 0) | (gateway[own] == 0)
        reason = np.where(fits, ACCEPTED, _NOT_ENROLLED)
        row = self._layout.patients.find(keys(patient, np.zeros(len(at), np.uint32)))
        consent = np.where(row >= 0, self.agreed.consent[row], 0)
        reason[consent == 0] = _NOT_ENROLLED
        reason[consent == _TAKEN_BACK] = _WITHDRAWN
        if self.agreed.revoked.any():
            for k in np.flatnonzero(self.agreed.revoked[row] & (consent == _GIVEN)).tolist():
                if int(judged["key"][k]) in self.enrolled[int(patient[k])].revoked_keys:
                    reason[k] = _REVOKED
        out.good[at] = reason == ACCEPTED
        if self.agreed.away_since.any():
            for k in np.flatnonzero(out.good[at] & (self.agreed.away_since[0, row] > 0)).tolist():
                spells = zip(
                    self.agreed.away_since[:, row[k]].tolist(), self.agreed.away_until[:, row[k]].tolist(), strict=True
                )
                out.away[int(at[k])] = [one for one in spells if one[0]]
        for k in np.flatnonzero(reason).tolist():
            out.reject(int(at[k]), int(reason[k]))

    def _find_senders(self, records: Rows, out: Admitted) -> None:
        """Find the columns of the senders of all good sample records, once no control record can move them any more."""
        at = np.flatnonzero(out.good & (records["kind"] == Kind.SAMPLES))
        names = keys(records["patient"][at], records["device"][at])
        found = self._layout.senders.find(names)
        if (found < 0).any():  # device 0 has no enrolment of its own
            for one in np.unique(names[found < 0]).tolist():
                self._layout.ensure_sender(one >> 32, one & 0xFFFFFFFF)
            found = self._layout.senders.find(names)
        out.sender[at] = found

    def _enrolments(self, patient: int, device: int, gateway: int) -> tuple[Enrolled, ...]:
        """The enrolments of one device for one patient behind a gateway (0: any), by time."""
        found = [one for one in self.enrolled[patient].devices if one.device == device and (gateway in (0, one.gateway))]
        return tuple(sorted(found, key=lambda one: one.since))


def end_of(enrolled: Enrolled) -> int:
    return ALWAYS if enrolled.until is None else min(max(enrolled.until, -ALWAYS), ALWAYS)


def _fault(patient: int, control: Control) -> int:
    """The reason for which a control record cannot take effect, ``ACCEPTED`` where there is none: a number that a table, a
    key or a snapshot cannot hold.
    """
    if isinstance(control, RuleSet) is (patient != 0):
        return _WRONG_PATIENT
    numbers = [patient]
    if isinstance(control, Enrolment):
        numbers += control.gateways
        for one in control.devices:
            numbers += one.device, one.gateway
    if not all(0 <= number <= _LARGEST for number in numbers):
        return _OUT_OF_RANGE
    try:
        decode_control(encode_control(control))
    except (BatchError, OverflowError):
        return _OUT_OF_RANGE
    return ACCEPTED
