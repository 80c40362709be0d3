"""All looks of a gateway at itself, in the order of the way of a reading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gateway.desk.configuration import Configuration, read_credential, read_desk
from gateway.health import machine, servers
from gateway.health.check import Check, Looks
from gateway.health.radio import bluetooth
from gateway.settings import GatewaySettings


async def checks(settings: GatewaySettings, *, running: bool = True) -> list[Check]:
    """Look at everything; each look has a limit, and one that fails is no reason to leave the others out.

    ``running``: the caller is the gateway itself.
    """
    state, limit = settings.state, settings.outbox_mb << 20
    first = await asyncio.to_thread(_safely, "state", partial(machine.claim, state))
    if not all(one.ok for one in first):
        return first
    claimed, stored, kept = read_credential(state), Configuration(state).current, read_desk(state)
    file = state / "config.json"
    changed = file.stat().st_mtime if file.exists() else None
    address, ca = settings.desk or kept.address, settings.desk_ca or (Path(kept.ca) if kept.ca else None)
    at = settings.kafka or (stored.kafka if stored else "")
    looks: dict[str, Callable[[], Looks]] = {
        "program": partial(machine.process, state),
        "clock": partial(machine.clock, settings.clock),
        "disk": partial(machine.disk, state, limit),
        "outbox": partial(machine.outbox, state, limit),
        "broker": partial(servers.broker, settings),
        "desk": partial(servers.desk, address, ca, claimed, stored, changed),
        "Kafka": partial(servers.kafka, at, stored.topic if stored else "", settings.kafka_options),
    }
    if running:
        del looks["program"]
    found = await asyncio.gather(*(asyncio.to_thread(_safely, part, look) for part, look in looks.items()))
    radio = await bluetooth() if settings.ble else []
    return [*first, *radio, *(one for part in found for one in part)]


def _safely(part: str, look: Callable[[], Looks]) -> list[Check]:
    try:
        return list(look())
    except Exception as error:
        return [
            Check(part, False, f"This could not be looked at ({type(error).__name__}: {error})", "tell whoever runs Vigil")
        ]
