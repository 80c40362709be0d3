"""The time zone of a home: devices whose clock cannot be read send local time without saying so."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog

_LOCALTIME: Final = Path("/etc/localtime")
_ZONES: Final = "zoneinfo/"
_NO_HOME: Final = {"", "UTC", "Etc/UTC", "Etc/UCT", "UCT", "Universal", "Zulu", "GMT", "Etc/GMT"}
"""The zone of a machine whose zone nobody has set."""
_AHEAD_MS: Final = 30_000
_QUARTER_MS: Final = 900_000
_FARTHEST_MS: Final = 14 * 3_600_000

_log: Final = structlog.get_logger(__name__)


def home_zone(from_desk: str, from_settings: str) -> ZoneInfo | None:
    """The zone of the home: the desk's word, then the settings', then this machine's own unless that is UTC.

    None where none is set: then the time of a device whose clock cannot be read is a guess.
    """
    for name in (from_desk, from_settings):
        if name and (found := _zone(name)) is not None:
            return found
    own = _machine_zone()
    return None if own in _NO_HOME else _zone(own)


def local_ahead(zone: ZoneInfo, device_time: int, arrived: int) -> int:
    """The ms by which local time, read as if it were UTC, is ahead of it at ``device_time`` (ms).

    Of the hour that comes twice in autumn, the later one that is not in the future at ``arrived`` counts.
    """
    naive = datetime.fromtimestamp(device_time / 1000, UTC).replace(tzinfo=zone)
    moments = [round(naive.replace(fold=fold).timestamp() * 1000) for fold in (0, 1)]
    past = [moment for moment in moments if moment <= arrived + _AHEAD_MS]
    return device_time - (max(past) if past else moments[0])


def wrong_by(zone: ZoneInfo | None, device_time: int, now: int) -> int:
    """The ms by which a clock that shows ``device_time`` at ``now`` is wrong; it may show UTC or the home's time.

    Where no zone is known it may show the time of any.
    """
    off = device_time - now
    if zone is None:
        return off - round(off / _QUARTER_MS) * _QUARTER_MS if abs(off) <= _FARTHEST_MS else off
    local = off - local_ahead(zone, device_time, now)
    return min(off, local, key=abs)


@lru_cache(16)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        pass
    _log.error("time zone is not known: use a name such as Europe/Berlin", zone=name[:40])
    return None


def _machine_zone() -> str:
    if named := os.environ.get("TZ", "").lstrip(":"):
        return named
    try:
        return str(_LOCALTIME.resolve(strict=True)).partition(_ZONES)[2]
    except OSError:
        return ""
