"""Reads one characteristic's bytes field by field and names a missing field."""

from __future__ import annotations

from devices.errors import UndecodableError
from devices.gatt.crc import crc16
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

    def signed(self, name: str, size: int) -> int:
        """Read a signed integer of ``size`` bytes."""
        return int.from_bytes(self._take(name, size), "little", signed=True)

    def text(self, name: str) -> str:
        """Read the rest as UTF-8; devices often send the NUL behind the text as well."""
        rest = self._take(name, self.left)
        return rest.decode(errors="replace").partition("\x00")[0].strip()

    def sfloat(self, name: str) -> Number:
        """Read an IEEE 11073 SFLOAT, 2 bytes."""
        return sfloat(self.unsigned(name, 2))

    def medical_float(self, name: str) -> Number:
        """Read an IEEE 11073 FLOAT, 4 bytes."""
        return medical_float(self.unsigned(name, 4))

    def date_time(self, name: str) -> DateTime:
        """Read a Date Time (2A08), 7 bytes."""
        return date_time(self._take(name, 7), self.what)

    def optional_crc(self) -> bool | None:
        """Read an E2E-CRC of all bytes before it, where two bytes are left; True if it is right, None without one."""
        if not self.left:
            return None
        wanted = crc16(self._data[: self._at])
        return self.unsigned("E2E-CRC", 2) == wanted

    def end(self) -> None:
        """Refuse bytes after the last field (only where the length is fixed: else later versions may append fields)."""
        if self.left:
            raise UndecodableError(self.what, f"length: {self.left} bytes too many")

    def _take(self, name: str, size: int) -> bytes:
        if self.left < size:
            raise UndecodableError(self.what, f"truncated: {name} needs {size} bytes, {self.left} are left")
        self._at += size
        return self._data[self._at - size : self._at]
