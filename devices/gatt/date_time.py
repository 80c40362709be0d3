"""Date Time (2A08): a device's own clock.

Source: Bluetooth SIG, GATT Specification Supplement, Date Time.  The zone is not sent: taken as UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from devices.errors import UndecodableError


@dataclass(frozen=True, slots=True)
class DateTime:
    """The fields as sent; a ``year``, ``month`` or ``day`` of 0 is not known."""

    year: int
    month: int
    day: int
    hours: int
    minutes: int
    seconds: int

    @property
    def milliseconds(self) -> int | None:
        """Milliseconds since the epoch; None when the date is not known."""
        if not self.is_date:
            return None
        whole = datetime(self.year, self.month, self.day, self.hours, self.minutes, self.seconds, tzinfo=UTC)
        return int(whole.timestamp()) * 1000

    @property
    def is_date(self) -> bool:
        """True when the date is known."""
        return bool(self.year and self.month and self.day)

    @property
    def mark(self) -> int:
        """A number that tells two times apart also where the date is not known; ms since the epoch where it is."""
        known = self.milliseconds
        if known is not None:
            return known
        days = (self.year * 12 + self.month) * 31 + self.day
        return -1000 * (((days * 24 + self.hours) * 60 + self.minutes) * 60 + self.seconds)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}-{self.day:02}T{self.hours:02}:{self.minutes:02}:{self.seconds:02}"


def date_time(data: bytes, what: str = "Date Time") -> DateTime:
    """Decode the 7 bytes of one Date Time; :class:`UndecodableError` (named ``what``) for an impossible date or time.

    An impossible time stamp is refused and not dropped: without it a record from the device's memory would look like a
    measurement made now.
    """
    if len(data) != 7:
        raise UndecodableError(what, f"truncated: time stamp needs 7 bytes, {len(data)} are left")
    found = DateTime(int.from_bytes(data[:2], "little"), *data[2:])
    if found.year and not 1582 <= found.year <= 9999:
        raise UndecodableError(what, f"time stamp: year {found.year}")
    try:
        # A leap year stands in for an unknown one, a long month for an unknown month.
        datetime(found.year or 2000, found.month or 1, found.day or 1, found.hours, found.minutes, found.seconds, tzinfo=UTC)
    except ValueError:
        raise UndecodableError(what, f"time stamp: {found} cannot be") from None
    return found


def encode_date_time(milliseconds: int) -> bytes:
    """Encode ``milliseconds`` since the epoch in 7 bytes, UTC, cut to seconds."""
    whole = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return whole.year.to_bytes(2, "little") + bytes((whole.month, whole.day, whole.hour, whole.minute, whole.second))
