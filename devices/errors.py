"""The errors between a device's bytes and a sealed batch.

DeviceError
├── UndecodableError      bytes that are no valid measurement
├── BatchError
│   ├── MalformedBatchError   a record that is no batch, or of an unknown version
│   └── SealError             the payload does not open under this key
└── MasterKeyError        the file of the master key is missing, open to others, or of another size
"""

from __future__ import annotations

from pathlib import Path


class DeviceError(Exception):
    """Anything wrong with what a device or gateway sent."""


class UndecodableError(DeviceError):
    """Bytes that the named characteristic or envelope cannot hold."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what, self.reason = what, reason


class BatchError(DeviceError):
    """A record of the log that cannot be used; ``reason`` goes into the table ``rejected``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MalformedBatchError(BatchError):
    """Not a batch: too short, of unknown version or kind, or a payload that does not fit its header."""


class SealError(BatchError):
    """The payload was not sealed under this key with this header, or was changed on the way."""


class MasterKeyError(DeviceError):
    """The master key cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The master key {path} {reason}: name a file of 32 bytes with mode 0600 in VIGIL_MASTER_KEY_FILE.")
        self.path, self.reason = path, reason
