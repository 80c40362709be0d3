"""A CGM's messages about its session: Feature (2AA8), Status (2AA9), Session Start Time (2AAA) and Session Run Time (2AAB).

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.1, sections 3.2 to 3.5.  ``intact`` is False where the
E2E-CRC is wrong, None where none was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.gatt.cgm_annunciation import Annunciation, read_annunciation
from devices.gatt.current_time import LocalTime, local_time
from devices.gatt.date_time import DateTime
from devices.gatt.fields import Fields
from devices.specimen import Specimen, specimen_of

CGM_FEATURE: Final = 0x2AA8
CGM_STATUS: Final = 0x2AA9
CGM_SESSION_START: Final = 0x2AAA
CGM_SESSION_RUN_TIME: Final = 0x2AAB

_CRC_SUPPORTED: Final = 1 << 12
_NO_CRC: Final = 0xFFFF
_MS_PER_QUARTER: Final = 900_000


@dataclass(frozen=True, slots=True)
class CgmFeature:
    """``features`` are bits; ``type`` and ``location`` the codes of where the sensor measures."""

    features: int
    type: int
    location: int
    intact: bool | None

    @property
    def specimen(self) -> Specimen:
        return specimen_of(self.type)


@dataclass(frozen=True, slots=True)
class CgmStatus:
    """``offset``: minutes since the session's start, now."""

    offset: int
    annunciation: Annunciation
    intact: bool | None


@dataclass(frozen=True, slots=True)
class CgmSessionStart:
    """When the session began, by the sensor's clock, which shows local time."""

    time: DateTime
    local: LocalTime
    intact: bool | None

    @property
    def milliseconds(self) -> int | None:
        """Milliseconds since the epoch as the clock shows it; None where the date is not known."""
        return self.time.milliseconds

    @property
    def ahead(self) -> int | None:
        """The ms by which that local time is ahead of UTC; None where the sensor does not know its zone."""
        if self.local.zone is None:
            return None
        return (self.local.zone + (self.local.dst or 0)) * _MS_PER_QUARTER


def parse_cgm_feature(data: bytes) -> CgmFeature:
    """Parse the features; a sensor without E2E-CRC sends 0xFFFF in its place."""
    fields = Fields("CGM feature", data)
    features, where = fields.unsigned("features", 3), fields.unsigned("type and sample location", 1)
    absent = not features & _CRC_SUPPORTED and data[4:6] == _NO_CRC.to_bytes(2, "little")
    intact = fields.optional_crc()
    fields.end()
    return CgmFeature(features, where & 0x0F, where >> 4, None if absent else intact)


def parse_cgm_status(data: bytes) -> CgmStatus:
    """Parse the status of the running session."""
    fields = Fields("CGM status", data)
    offset = fields.unsigned("time offset", 2)
    annunciation = read_annunciation(fields, status=True, calibration=True, warning=True)
    found = CgmStatus(offset, annunciation, fields.optional_crc())
    fields.end()
    return found


def parse_cgm_session_start(data: bytes) -> CgmSessionStart:
    """Parse the start of the session; a year of 0 is not known."""
    fields = Fields("CGM session start time", data)
    found = CgmSessionStart(fields.date_time("session start time"), local_time(fields), fields.optional_crc())
    fields.end()
    return found


def parse_cgm_session_run_time(data: bytes) -> tuple[int, bool | None]:
    """Parse (the hours for which the sensor will work, intact)."""
    fields = Fields("CGM session run time", data)
    hours = fields.unsigned("session run time", 2)
    intact = fields.optional_crc()
    fields.end()
    return hours, intact
