"""One cause of many patients' technical alarms: a gateway, the network, a kind of device.  Each is one line that opens.

A gateway that is silent for several patients is one cause.  Several gateways that fell silent within two minutes of each
other are the network's (or the server's) doing, and so one cause, even where every home has one patient.  Devices of one
kind that fail in the same way within five minutes of each other are a third.  The numbers are engineering choices.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.desk.worklist.snapshot import Patient
from alerts.desk.worklist.words import GATEWAY_RULES
from alerts.fold.fold import GROUPED_RULE
from alerts.life.alarm import Alarm

Member = tuple[Patient, Alarm]

_NETWORK_MS: Final = 120_000
_GATEWAYS: Final = 3
"""Gateways that make it the network."""
_KIND_MS: Final = 300_000
_PATIENTS: Final = 5
"""Patients that make it the kind of device."""


@dataclass(frozen=True, slots=True)
class Cause:
    """``key`` of the line; ``title`` in a word or two, ``hint``: why these belong together."""

    key: str
    title: str
    hint: str
    members: tuple[Member, ...]


def causes_of(members: Iterable[Member]) -> list[Cause]:
    """The causes that several patients share; an alarm belongs to one at most."""
    technical = [(p, a) for p, a in members if a.category == "technical"]
    silent = [(p, a) for p, a in technical if a.rule == GROUPED_RULE]
    return [*_gateways(silent), *_kinds((p, a) for p, a in technical if a.rule not in GATEWAY_RULES and a.active)]


def _gateways(silent: Sequence[Member]) -> Iterator[Cause]:
    left: list[Member] = []
    number = 0
    for found in _together(silent, _NETWORK_MS):
        gateways = {alarm.source for _, alarm in found}
        if len(gateways) < _GATEWAYS:
            left += found
            continue
        number += 1
        hint = f"{len(gateways)} gateways fell silent together: is it the network, or the server?"
        yield Cause("network" if number == 1 else f"network{number}", "Network", hint, tuple(found))
    for gateway, found in _by(left, lambda one: one[1].source).items():
        if len(found) > 1:
            hint = f"one gateway, no contact with the devices of {len(found)} patients"
            yield Cause(f"g{gateway}", "Gateway", hint, tuple(found))


def _kinds(members: Iterable[Member]) -> Iterator[Cause]:
    alike = _by(list(members), lambda one: (one[1].rule, _kind(*one)))
    for (rule, kind), of in sorted(alike.items()):
        if not kind:
            continue
        for number, found in enumerate(_together(of, _KIND_MS)):
            patients = {patient.patient for patient, _ in found}
            if len(patients) >= _PATIENTS:
                key = re.sub(r"[^a-z0-9]+", "-", f"k-{rule}-{kind}-{number or ''}".lower()).strip("-")
                yield Cause(key, kind, f"devices of one kind failed together: {kind}", tuple(found))


def _kind(patient: Patient, alarm: Alarm) -> str:
    name = next((device.name for device in patient.devices if device.device == alarm.source), "")
    return re.sub(r"[\s#]*\d+$", "", name).strip()


def _together(members: Iterable[Member], gap_ms: int) -> Iterator[list[Member]]:
    """Members whose onsets follow each other within ``gap_ms``."""
    found: list[Member] = []
    for one in sorted(members, key=lambda member: (member[1].onset, member[1].alarm)):
        if found and one[1].onset - found[-1][1].onset > gap_ms:
            yield found
            found = []
        found.append(one)
    if found:
        yield found


def _by(members: Iterable[Member], key: Callable[[Member], Any]) -> dict[Any, list[Member]]:
    found: dict[Any, list[Member]] = defaultdict(list)
    for one in members:
        found[key(one)].append(one)
    return found
