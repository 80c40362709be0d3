"""Faults that devices and gateways report themselves (:class:`devices.wire.event.Fault`), in words at each device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alerts.desk.worklist.snapshot import Device

Reported = Mapping[tuple[int, int, int], Sequence[str]]
"""By (patient, device, gateway); device 0: of the gateway itself."""


def reported_faults(rows: Iterable[Sequence[Any]]) -> Reported:
    """The faults of rows (patient, device, gateway, what, reason); one that cannot be read is none."""
    found: dict[tuple[int, int, int], list[str]] = defaultdict(list)
    for patient, device, gateway, what, reason in rows:
        if what and reason:
            found[patient, device, gateway].append(f"{what}: {reason}")
    return found


def with_faults(patient: int, device: Device, reported: Reported) -> Device:
    """The device with its faults and those of its gateway."""
    own = reported.get((patient, device.device, device.gateway), ())
    gateways = (f"gateway, {one}" for one in reported.get((patient, 0, device.gateway), ()))
    return replace(device, faults=(*own, *gateways))
