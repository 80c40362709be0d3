"""Admission: what of the log may count at all, decided by what the log itself said before.

Control records (consent, enrolment with its revoked keys) are taken in the order of the log; between two of them all other
records are judged at once.  A refused record or reading is named with its reason; nothing is dropped silently but a control
record that was seen before (the desk sends again after a crash).  Readings of another time than their device's enrolment go
to quarantine: they belong to somebody else (docs/decisions/0017-admission.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from devices.wire.batch import Kind
from devices.wire.control import Consent, Control, Enrolled, Enrolment, RuleSet
from streams.engine.columns.arrays import Bools, Bytes, Cells, Ints, Rows
from streams.engine.columns.axis import Columns, Field
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
)
_NOT_ENROLLED, _WITHDRAWN, _REVOKED, _NOT_DESK, _UNKNOWN_KIND = range(1, 6)
_GIVEN, _TAKEN_BACK = 1, 2
_STANDS: Final = ["partition", "patient", "gateway", "epoch", "first"]
ALWAYS: Final = 1 << 62
"""ms: an end that does not come."""


class Grants(Columns):
    """Per sender (patient, device): ``enrolments`` int32, how many there were; of the only or newest one ``gateway`` int64,
    ``since`` and ``until`` int64 ms.
    """

    FIELDS: ClassVar = {
        "enrolments": Field(np.int32, 0),
        "gateway": Field(np.int64, -1),
        "since": Field(np.int64, ALWAYS),
        "until": Field(np.int64, 0),
    }
    enrolments: Cells
    gateway: Ints
    since: Ints
    until: Ints


class Allowed(Columns):
    """Per link (patient, gateway): may it send heartbeats and manual observations?"""

    FIELDS: ClassVar = {"allowed": Field(np.bool_, False)}
    allowed: Bools


class Agreed(Columns):
    """Per patient: ``consent`` uint8 (0: nothing known), ``revoked`` bool: some keys are."""

    FIELDS: ClassVar = {"consent": Field(np.uint8, 0), "revoked": Field(np.bool_, False)}
    consent: Bytes
    revoked: Bools


@dataclass
class Admitted:
    """Of one round: ``good`` bool [n records]; ``sender`` int64 [n]: the column of each good sample record's sender, else
    -1; ``since``, ``until`` int64 [n]: its enrolment (ms) behind the record's gateway, its ``several`` ones where there
    are more; ``controls`` that are new.
    """

    good: Bools
    sender: Ints
    since: Ints
    until: Ints
    controls: list[tuple[int, Control]]
    rejected: list[Rejection]
    several: dict[int, tuple[Enrolled, ...]] = field(default_factory=dict)


class Admission:
    """What the control records said so far, for all partitions held."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.grants = Grants(layout.senders, "grants")
        self.allowed = Allowed(layout.links, "allowed")
        self.agreed = Agreed(layout.patients, "agreed")
        self.enrolled: dict[int, Enrolment] = {}  # by patient
        self.seen: dict[int, dict[int, int]] = {}  # by partition and desk epoch: the last sequence

    def drop(self, partition: int) -> None:
        self.seen.pop(partition, None)
        for patient in self._layout.patients.people(self._layout.patients.of(partition)).tolist():
            self.enrolled.pop(patient, None)

    def admit(self, batch: Round) -> Admitted:
        """Judge the records of a round, in order."""
        n = len(batch.records)
        out = Admitted(np.zeros(n, bool), np.full(n, -1, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), [], [])
        data = np.flatnonzero((batch.records["kind"] == Kind.SAMPLES) | (batch.records["kind"] == Kind.EVENT))
        begin = 0
        stands = batch.records[_STANDS][np.array([at for at, _ in batch.controls], np.int64)].tolist()
        for (at, control), (partition, patient, gateway, epoch, sequence) in zip(batch.controls, stands, strict=True):
            if gateway != 0:
                out.rejected.append(Rejection(at, -1, _REASONS[_NOT_DESK]))
                continue
            if not self._is_new(partition, epoch, sequence):
                continue
            out.controls.append((at, control))
            if isinstance(control, Consent | Enrolment):
                end = int(np.searchsorted(data, at))
                self._judge(batch.records, data[begin:end], out)
                begin = end
            # of the other kinds too: facts may come before the enrolment, and rows may not depend on where the log is cut
            self.learn(patient, control)
        self._judge(batch.records, data[begin:], out)
        self._find_senders(batch.records, out)
        unknown = np.flatnonzero(batch.records["kind"] > Kind.CLOCK)
        out.rejected += [Rejection(at, -1, _REASONS[_UNKNOWN_KIND]) for at in unknown.tolist()]
        return out

    def _is_new(self, partition: int, epoch: int, sequence: int) -> bool:
        seen = self.seen.setdefault(partition, {})
        if seen.get(epoch, -1) >= sequence:
            return False
        seen[epoch] = sequence
        return True

    def learn(self, patient: int, control: Control) -> None:
        """A control record about who may speak for a patient."""
        if isinstance(control, Consent):
            row = self._layout.patients.ensure(patient)
            self.agreed.consent[row] = _GIVEN if control.given else _TAKEN_BACK
        elif isinstance(control, Enrolment):
            self._enrol(patient, control)
        elif not isinstance(control, RuleSet):
            self._layout.patients.ensure(patient)

    def _enrol(self, patient: int, control: Enrolment) -> None:
        row = self._layout.patients.ensure(patient)
        self.agreed.revoked[row] = bool(control.revoked_keys)
        former = self.enrolled.get(patient, Enrolment())
        self.enrolled[patient] = control
        for gateway in {*former.gateways, *control.gateways, *(one.gateway for one in control.devices)}:
            link = self._layout.links.ensure(patient, gateway)  # may move the table
            self.allowed.allowed[link] = gateway in control.gateways
        for one in former.devices:
            self.grants.enrolments[self._layout.senders.at(patient, one.device)] = 0
        for one in sorted(control.devices, key=lambda each: each.since):
            column = self._layout.ensure_sender(patient, one.device)
            self.grants.enrolments[column] += 1
            self.grants.gateway[column], self.grants.since[column] = one.gateway, one.since
            self.grants.until[column] = ALWAYS if one.until is None else one.until

    def _judge(self, records: Rows, at: Ints, out: Admitted) -> None:
        """Records that stand between two control records: at int64 [k], ascending."""
        if not at.size:
            return
        of = records[at]
        patient, device, gateway = of["patient"], of["device"], of["gateway"].astype(np.int64)
        row = self._layout.patients.find(keys(patient, np.zeros(len(at), np.uint32)))
        consent = np.where(row >= 0, self.agreed.consent[row], 0) if self._layout.patients.width else np.zeros(len(at))
        sender = self._layout.senders.find(keys(patient, device))
        grants = self.grants
        count = np.where(sender >= 0, grants.enrolments[sender], 0) if len(grants.gateway) else np.zeros(len(at), np.int32)
        fits = count == 1
        since, until = np.zeros(len(at), np.int64), np.full(len(at), ALWAYS, np.int64)
        if fits.any():
            only = sender[fits]
            fits[fits] = (grants.gateway[only] == gateway[fits]) | (gateway[fits] == 0)
            only = sender[fits]
            since[fits], until[fits] = grants.since[only], grants.until[only]
        for k in np.flatnonzero(count > 1).tolist():
            spells = self._spells(int(patient[k]), int(device[k]), int(gateway[k]))
            if spells:
                fits[k] = True
                since[k], until[k] = spells[0].since, ALWAYS if spells[-1].until is None else spells[-1].until
                out.several[int(at[k])] = spells
        itself = device == 0
        if itself.any():
            link = self._layout.links.find(keys(patient[itself], of["gateway"][itself]))
            free = self.allowed.allowed[link] if len(self.allowed.allowed) else np.zeros(len(link), bool)
            fits[itself] = (free & (link >= 0)) | (gateway[itself] == 0)
        why = np.where(fits, ACCEPTED, _NOT_ENROLLED)
        why[consent == 0] = _NOT_ENROLLED
        why[consent == _TAKEN_BACK] = _WITHDRAWN
        self._check_keys(of, row, consent, why)
        good = why == ACCEPTED
        out.good[at] = good
        out.since[at], out.until[at] = since, until
        out.rejected += [Rejection(int(at[k]), -1, _REASONS[why[k]]) for k in np.flatnonzero(~good).tolist()]

    def _check_keys(self, of: Rows, row: Ints, consent: npt.NDArray[np.generic], why: Ints) -> None:
        if not self.agreed.revoked.any():
            return
        for k in np.flatnonzero((row >= 0) & self.agreed.revoked[row] & (consent == _GIVEN)).tolist():
            if int(of["key"][k]) in self.enrolled[int(of["patient"][k])].revoked_keys:
                why[k] = _REVOKED

    def _find_senders(self, records: Rows, out: Admitted) -> None:
        """The columns of the senders of all good sample records, once no control record can move them any more."""
        at = np.flatnonzero(out.good & (records["kind"] == Kind.SAMPLES))
        names = keys(records["patient"][at], records["device"][at])
        found = self._layout.senders.find(names)
        if (found < 0).any():  # device 0 has no enrolment of its own
            for one in np.unique(names[found < 0]).tolist():
                self._layout.ensure_sender(one >> 32, one & 0xFFFFFFFF)
            found = self._layout.senders.find(names)
        out.sender[at] = found

    def _spells(self, patient: int, device: int, gateway: int) -> tuple[Enrolled, ...]:
        """The enrolments of one device for one patient behind a gateway (0: any), by time."""
        found = [one for one in self.enrolled[patient].devices if one.device == device and (gateway in (0, one.gateway))]
        return tuple(sorted(found, key=lambda one: one.since))
