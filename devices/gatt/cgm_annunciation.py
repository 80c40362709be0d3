"""Sensor Status Annunciation of a CGM: up to three octets, and the trust that follows from them.

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.1, section 3.1.1.5.  The trust is this project's reading of
it (*confirm*).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.gatt.fields import Fields
from devices.sample import Status

# status: 0 session stopped, 2 wrong sensor, 3 malfunction, 5 general fault.  1 (battery) and 4 (alert) cast no doubt.
_STATUS_ARTEFACT: Final = 0x2D
# calibration and temperature: 3 calibration required, 4 too hot, 5 too cold.
_CALIBRATION_ARTEFACT: Final = 0x38
_TOO_LOW, _TOO_HIGH = 0x40, 0x80
SESSION_STOPPED: Final = 0x01


@dataclass(frozen=True, slots=True)
class Annunciation:
    """The octets as sent, each None where it was not; in the order in which they are sent."""

    status: int | None = None
    calibration: int | None = None
    warning: int | None = None

    @property
    def octets(self) -> tuple[int, ...]:
        """Those that were sent."""
        return tuple(one for one in (self.status, self.calibration, self.warning) if one is not None)

    @property
    def trust(self) -> Status:
        """The status of a value beside it."""
        if (self.status or 0) & _STATUS_ARTEFACT or (self.calibration or 0) & _CALIBRATION_ARTEFACT:
            return Status.ARTEFACT
        if (self.warning or 0) & _TOO_HIGH:
            return Status.POSITIVE_INFINITY
        return Status.NEGATIVE_INFINITY if (self.warning or 0) & _TOO_LOW else Status.OK


def read_annunciation(fields: Fields, *, status: bool, calibration: bool, warning: bool) -> Annunciation:
    """Read the octets that are there."""
    return Annunciation(
        fields.unsigned("status octet", 1) if status else None,
        fields.unsigned("calibration and temperature octet", 1) if calibration else None,
        fields.unsigned("warning octet", 1) if warning else None,
    )
