"""Bluetooth: BlueZ runs, and an adapter is powered."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from dbus_fast import BusType, Message
from dbus_fast.aio import MessageBus

from gateway.health.check import LIMIT_S, Check
from gateway.limit import within

_ADAPTER: Final = "org.bluez.Adapter1"
_PART: Final = "Bluetooth"


async def bluetooth() -> list[Check]:
    """The answer of BlueZ about its adapters."""
    try:
        objects = await within(LIMIT_S, _objects())
    except Exception as error:  # dbus-fast raises whatever its socket and parser raise
        what = f"There is no system bus ({type(error).__name__})"
        return [Check(_PART, False, what, "start dbus, or set VIGIL_GATEWAY_BLE=false where there is no Bluetooth")]
    if objects is None:
        return [Check(_PART, False, "BlueZ does not run", "install bluez and start its service (bluetooth.service)")]
    adapters = {path: parts[_ADAPTER] for path, parts in objects.items() if _ADAPTER in parts}
    if not adapters:
        return [Check(_PART, False, "BlueZ has no adapter", "plug one in, see rfkill list and dmesg")]
    powered = sorted(path.rpartition("/")[2] for path, one in adapters.items() if one["Powered"].value)
    if not powered:
        return [
            Check(
                _PART, False, "No Bluetooth adapter is powered", "run rfkill unblock bluetooth, then bluetoothctl power on"
            )
        ]
    return [Check(_PART, True, f"Bluetooth works ({', '.join(powered)})")]


async def _objects() -> dict[str, dict[str, dict[str, Any]]] | None:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        reply = await bus.call(
            Message(
                destination="org.bluez",
                path="/",
                interface="org.freedesktop.DBus.ObjectManager",
                member="GetManagedObjects",
            )
        )
        return reply.body[0] if reply is not None and reply.message_type.name == "METHOD_RETURN" else None
    finally:
        bus.disconnect()
        await asyncio.sleep(0)
