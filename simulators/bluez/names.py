"""Names of BlueZ's D-Bus interfaces and errors, as bluetoothd 5.66 to 5.80 uses them."""

from __future__ import annotations

from typing import Final

from simulators.errors import BlueZError

OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
DESCRIPTOR: Final = "org.bluez.GattDescriptor1"
MONITORS: Final = "org.bluez.AdvertisementMonitorManager1"
MONITOR: Final = "org.bluez.AdvertisementMonitor1"

FAILED: Final = "org.bluez.Error.Failed"
IN_PROGRESS: Final = "org.bluez.Error.InProgress"
NOT_READY: Final = "org.bluez.Error.NotReady"
NOT_PERMITTED: Final = "org.bluez.Error.NotPermitted"
NOT_SUPPORTED: Final = "org.bluez.Error.NotSupported"
ALREADY_EXISTS: Final = "org.bluez.Error.AlreadyExists"
AUTHENTICATION_FAILED: Final = "org.bluez.Error.AuthenticationFailed"
UNKNOWN_OBJECT: Final = "org.freedesktop.DBus.Error.UnknownObject"
UNKNOWN_METHOD: Final = "org.freedesktop.DBus.Error.UnknownMethod"
INVALID_ARGS: Final = "org.freedesktop.DBus.Error.InvalidArgs"

ABORT_BY_LOCAL: Final = "le-connection-abort-by-local"
ABORT_BY_PEER: Final = "le-connection-abort-by-peer"


def att_error(code: int) -> BlueZError:
    """The error for an ATT error (Core Specification, Vol 3, Part F, 3.4.1.1) without an own name, in BlueZ's words."""
    return BlueZError(FAILED, f"Operation failed with ATT error: 0x{code:02x}")
