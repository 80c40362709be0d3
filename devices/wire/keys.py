"""The master key, and the binding of a wrapped data key."""

from __future__ import annotations

import stat
from pathlib import Path

from devices.errors import MasterKeyError
from devices.wire.sealing import KEY_BYTES


def key_binding(patient: int, gateway: int) -> bytes:
    """The patient and gateway that a wrapped data key is bound to, as associated data."""
    return b"data_key:%d:%d" % (patient, gateway)


def read_master_key(path: Path) -> bytes:
    """Read the 32 bytes of the master key.

    Raises:
        MasterKeyError: the file is missing, can be read by others, or is of another size.
    """
    try:
        mode, master = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise MasterKeyError(path, f"cannot be read ({error.strerror})") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise MasterKeyError(path, "can be read by other users")
    if len(master) != KEY_BYTES:
        raise MasterKeyError(path, f"is of {len(master)} bytes")
    return master
