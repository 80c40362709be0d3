"""The key ring: the keys that open records, and their owners."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class OpenKey(NamedTuple):
    """An unwrapped data key, and the one (patient, gateway) that it belongs to."""

    secret: bytes
    patient: int
    gateway: int

    def __repr__(self) -> str:
        return f"OpenKey(…, {self.patient}, {self.gateway})"  # no log or error names a secret

    @property
    def aead(self) -> AESGCM:
        """The key ready for use.  It takes 2.5 KB, so it is made for each use: 0.7 µs."""
        return AESGCM(self.secret)


class KeyRing(Protocol):
    """The source of keys of :func:`streams.engine.opening.opening.open_blocks`."""

    def get_many(self, keys: Collection[int]) -> Mapping[int, OpenKey | None]:
        """Those of ``keys`` that exist; ``None`` for one that exists and cannot be opened.  The records of the others, and
        of those missing, are rejected.
        """
        ...


class FixedKeyRing:
    """A key ring in memory, for benchmarks and tests of the pure path."""

    def __init__(self, keys: Mapping[int, OpenKey | None]) -> None:
        self._keys = dict(keys)

    def get_many(self, keys: Collection[int]) -> Mapping[int, OpenKey | None]:
        return {key: self._keys[key] for key in keys if key in self._keys}
