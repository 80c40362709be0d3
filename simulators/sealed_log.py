"""Sealed records as gateways, the desk and a partition's owner would append them, made from :mod:`devices` alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from devices.sample import SAMPLE
from devices.vitals import Vital
from devices.wire.batch import ClockQuality, Kind, Lane, header, key_of, partition_of
from devices.wire.control import Consent, Control, Enrolled, Enrolment, RuleSet, encode_control
from devices.wire.event import Event, encode_event
from devices.wire.sealing import new_key, new_nonce, seal

DESK_EPOCH: Final = 7
OUTBOX_EPOCH: Final = 1234


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Record:
    """One record to append."""

    partition: int
    key: bytes
    value: bytes


@dataclass
class World:
    """Patients 1..n (or those named), each with one gateway (100 + patient) and one device (1000 + patient)."""

    patients: Sequence[int]
    master: bytes = field(default_factory=new_key)
    secrets: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)  # key -> patient, gateway, secret
    sequence: dict[int, int] = field(default_factory=dict)  # device (or -gateway) -> next
    control_sequence: int = 0

    def __post_init__(self) -> None:
        owners = [(0, 0)]
        for patient in self.patients:
            owners += [(patient, 0), (patient, self.gateway(patient))]
        self.secrets = {n + 1: (*owner, new_key()) for n, owner in enumerate(owners)}
        self._key_of = {(p, g): key for key, (p, g, _) in self.secrets.items()}

    @staticmethod
    def gateway(patient: int) -> int:
        return 100 + patient

    @staticmethod
    def device(patient: int) -> int:
        return 1000 + patient

    def write_master(self, folder: Path) -> Path:
        path = folder / "master.key"
        path.touch(mode=0o600)
        path.write_bytes(self.master)
        return path

    def record(
        self,
        kind: Kind,
        payload: bytes,
        *,
        patient: int,
        device: int = 0,
        gateway: int = 0,
        count: int = 1,
        first: int = 0,
        epoch: int = OUTBOX_EPOCH,
        lane: Lane = Lane.LIVE,
        clock: ClockQuality = ClockQuality.SURE,
        key: int | None = None,
        partition: int | None = None,
    ) -> Record:
        """A sealed record; ``key`` and ``partition`` may be set wrong on purpose."""
        key = self._key_of[patient, gateway] if key is None else key
        head = header(
            kind, patient=patient, device=device, gateway=gateway, key=key, count=count, first=first, epoch=epoch,
            received=now_ms(), lane=lane, clock=clock, nonce=new_nonce(),
        )  # fmt: skip
        secret = self.secrets[key][2] if key in self.secrets else new_key()
        partition = partition_of(patient) if partition is None else partition
        return Record(partition, key_of(patient), seal(head, payload, secret))

    def batch(
        self, patient: int, readings: Sequence[tuple[int, dict[Vital, float]]], *, first: int | None = None, **options: Any
    ) -> Record:
        """Readings (time in ms, values) of the patient's device as one batch, numbered on."""
        device = options.pop("device", self.device(patient))
        if first is None:
            first = self.sequence.get(device, 0)
            self.sequence[device] = first + len(readings)
        rows = [(t, value, vital, 0, n) for n, (t, values) in enumerate(readings) for vital, value in values.items()]
        payload = np.array(rows, SAMPLE).tobytes()
        return self.record(
            Kind.SAMPLES, payload, patient=patient, device=device, gateway=self.gateway(patient),
            count=len(readings), first=first, **options,
        )  # fmt: skip

    def event(self, patient: int, event: Event, *, device: int = 0) -> Record:
        counter = device or -self.gateway(patient)
        first = self.sequence.get(counter, 0)
        self.sequence[counter] = first + 1
        return self.record(
            Kind.EVENT, encode_event(event), patient=patient, device=device, gateway=self.gateway(patient), first=first
        )

    def control(self, patient: int, control: Control, *, partition: int | None = None) -> Record:
        self.control_sequence += 1
        return self.record(
            Kind.CONTROL, encode_control(control), patient=patient, first=self.control_sequence, epoch=DESK_EPOCH,
            partition=partition,
        )  # fmt: skip

    def admission(
        self, patients: Iterable[int] | None = None, interval_s: int = 0, since: int = 1_577_836_800_000
    ) -> list[Record]:
        """Consent and enrolment of ``patients`` (default all), since 2020."""
        records = []
        for patient in self.patients if patients is None else patients:
            device, gateway = self.device(patient), self.gateway(patient)
            enrolment = Enrolment((Enrolled(device, gateway, since, interval_s=interval_s),), (gateway,))
            records += [self.control(patient, Consent(given=True, at=since)), self.control(patient, enrolment)]
        return records

    def rules(self, partitions: Iterable[int], rule_set: RuleSet | None = None) -> list[Record]:
        return [self.control(0, rule_set or RuleSet(version=1), partition=p) for p in partitions]


def clock(partition: int) -> Record:
    """The clock record that a partition's owner appends each second."""
    return Record(partition, key_of(0), header(Kind.CLOCK, patient=0, count=0))
