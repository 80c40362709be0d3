"""Reads one characteristic's bytes field by field and names a missing field."""

from __future__ import annotations

from devices.errors import UndecodableError
from devices.gatt.date_time import DateTime, date_time
from devices.gatt.numbers import Number, medical_float, sfloat


class Fields:
    """A cursor over little-endian bytes.  Each read names its field, so that :class:`UndecodableError` names it too."""

    __slots__ = ("_at", "_data", "what")

    def __init__(self, what: str, data: bytes) -> None:
        self.what, self._data, self._at = what, data, 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._data) - self._at

    def unsigned(self, name: str, size: int) -> int:
        """Read an unsigned integer of ``size`` bytes."""
        return int.from_bytes(self._take(name, size), "little")

    def sfloat(self, name: str) -> Number:
        """Read an IEEE 11073 SFLOAT, 2 bytes."""
        return sfloat(self.unsigned(name, 2))

    def medical_float(self, name: str) -> Number:
        """Read an IEEE 11073 FLOAT, 4 bytes."""
        return medical_float(self.unsigned(name, 4))

    def date_time(self, name: str) -> DateTime:
        """Read a Date Time (2A08), 7 bytes."""
        return date_time(self._take(name, 7), self.what)

    def end(self) -> None:
        """Refuse bytes after the last field (only where the length is fixed: else later versions may append fields)."""
        if self.left:
            raise UndecodableError(self.what, f"length: {self.left} bytes too many")

    def _take(self, name: str, size: int) -> bytes:
        if self.left < size:
            raise UndecodableError(self.what, f"truncated: {name} needs {size} bytes, {self.left} are left")
        self._at += size
        return self._data[self._at - size : self._at]
