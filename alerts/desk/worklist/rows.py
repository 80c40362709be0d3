"""Rows of the worklist's queries become patients, devices and values; a damaged row becomes a fault of its patient alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from alerts.care.identity import Identity
from alerts.care.limits import by_side
from alerts.desk.worklist.snapshot import Device, Fault, Patient, Value
from alerts.errors import CareError
from alerts.life.typed_number import whole_number
from alerts.rules.layers.merged import layers_of, merged
from alerts.rules.limits.scale2 import for_scale
from devices.errors import BatchError, MalformedBatchError
from devices.sample import Status
from devices.vitals import Vital
from devices.wire.control import Control, Facts, Limits, OwnRules, RuleSet, decode_control, is_birth_date

OpenIdentity = Callable[[int, bytes], Identity]
"""(patient, sealed) -> identity."""
Payloads = Mapping[tuple[int, str], str]
"""The JSON of the newest control by (patient, kind)."""
C = TypeVar("C", bound=Control)

EVERYBODY: Final = 0
"""The patient number of a fault that concerns all patients."""
_VITALS: Final = frozenset(Vital)
_STATUSES: Final = frozenset(Status)
_LARGEST: Final = 1e9
_PERCENT: Final = (0, 100)
_DBM: Final = (-128, 127)
_TRUTH: Final = {"true": True, "false": False, None: None}


@dataclass(slots=True)
class Faults:
    """The faults found in one read, in the order of the rows."""

    found: dict[Fault, None] = field(default_factory=dict)

    def add(self, patient: int, what: str) -> None:
        self.found[Fault(patient, what)] = None


def value_of(row: Sequence[Any]) -> Value | None:
    """The value of a row of ``latest``; ``None`` if it cannot be read."""
    patient, vital, device, at, value, status, arrived = row
    if vital not in _VITALS or status not in _STATUSES or at is None or arrived is None:
        return None
    if value is not None and not -_LARGEST < value < _LARGEST:
        return None
    return Value(patient, vital, device, at, value, status, arrived)


def device_of(row: Sequence[Any], faults: Faults) -> Device:
    """The device of a row, whose battery and link come as text."""
    patient, device, name, gateway, gateway_name, interval_s, percent, rssi, up = row
    battery, dbm = _whole(percent, _PERCENT), _whole(rssi, _DBM)
    if battery is None and percent is not None:
        faults.add(patient, "battery")
    if (dbm is None and rssi is not None) or up not in _TRUTH:
        faults.add(patient, "signal")
    return Device(device, name, gateway, gateway_name, max(0, interval_s), battery, dbm, _TRUTH.get(up))


def patient_of(
    row: Sequence[Any],
    devices: Iterable[Device],
    payloads: Payloads,
    rule_set: RuleSet,
    open_identity: Callable[[int, bytes], Identity],
    faults: Faults,
) -> Patient:
    """The patient of a row, always: what cannot be read is a fault, and is shown as not known."""
    patient, team, sealed, admitted = row
    if admitted is None:
        faults.add(patient, "admission")
    try:
        person = open_identity(patient, sealed)
        name = person.name
    except (BatchError, CareError):
        faults.add(patient, "identity")
        person, name = Identity(family="", given="", born=""), f"patient {patient}"
    born = person.born or None
    if born and not is_birth_date(born):
        faults.add(patient, "date of birth")
        born = None
    facts = control_of(payloads, patient, "facts", Facts, faults)
    limits = control_of(payloads, patient, "limits", Limits, faults)
    rules = merged(rule_set, layers_of(rule_set, control_of(payloads, patient, "own_rules", OwnRules, faults)))
    return Patient(
        patient=patient,
        team=team,
        name=name,
        born=born,
        sex=person.sex,
        record=person.record_number,
        phone=person.phone,
        admitted=admitted or 0,
        facts=facts or Facts(),
        devices=tuple(devices),
        limits={**by_side(for_scale(rules.limits, facts)), **by_side(limits.limits if limits else ())},
    )


def control_of(payloads: Payloads, patient: int, kind: str, of: type[C], faults: Faults) -> C | None:
    """The control of a patient in effect; ``None`` without one, or, with a fault, if it cannot be read."""
    payload = payloads.get((patient, kind))
    if payload is None:
        return None
    control = decoded(payload, of)
    if control is None:
        faults.add(patient, kind)
    return control


def decoded(payload: str, of: type[C]) -> C | None:
    """The control in a payload of the table ``control``; ``None`` if it is none of this kind."""
    try:
        control = decode_control(payload.encode())
    except MalformedBatchError:
        return None
    return control if isinstance(control, of) else None


def _whole(text: str | None, bounds: tuple[int, int]) -> int | None:
    number = whole_number(text or "")
    return number if number is not None and bounds[0] <= number <= bounds[1] else None
