"""The facts that a patient's page knows when it is opened: whose leaflet it is, and how far they have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from alerts.care.admit import identity_of
from alerts.care.consent import has_consented
from alerts.care.device_kinds import KINDS, Kind
from alerts.care.pairing_codes import KEPT_DAYS, pairing_of
from alerts.database import Tx, epoch_ms
from alerts.desk.pages.pair.steps import Progress, Step, shown, step_of
from alerts.errors import CareError
from devices.errors import DeviceError

_VISIT: Final = f"""
SELECT p.patient, p.gateway, p.step, p.who, p.kind, p.leaflet_kind, p.device, {epoch_ms("p.chosen")}, p.received IS NOT NULL,
       p.opened IS NULL, t.name, t.phone, g.zone
FROM pairing p JOIN patient USING (patient) JOIN care_team t USING (team) JOIN gateway g ON g.gateway = p.gateway
WHERE pairing = %s"""
_OPENED: Final = """
UPDATE pairing SET opened = coalesce(opened, clock_timestamp()), seen = clock_timestamp(), expires = CASE
    WHEN received IS NULL THEN expires ELSE greatest(expires, clock_timestamp() + make_interval(days => %s)) END
WHERE pairing = %s AND (seen IS NULL OR seen < clock_timestamp() - interval '1 minute')"""
_FIRST_SAMPLE: Final = f"""
SELECT vital, value, {epoch_ms("time")}, {epoch_ms("arrived")} FROM latest
WHERE patient = %s AND device = %s AND status = 0 AND value IS NOT NULL AND arrived >= to_timestamp(%s / 1000.0)
ORDER BY arrived DESC, vital"""
_AUDIT: Final = "INSERT INTO audit (person, action, subject, detail) VALUES (0, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of one vital, measured and received (appended to the log) at these times (ms).

    ``lower``: of a systolic pressure, the diastolic one that was measured with it.
    """

    vital: int
    value: float
    at: int
    arrived: int
    lower: float | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of the page.

    ``name`` is the first name and an initial, ``born`` the year, empty where the identity cannot be read.  ``chosen``: when
    the device was chosen, ms.  ``at_home``: the zone is that of the home; otherwise it is the desk's, and is named.
    """

    pairing: int
    patient: int
    gateway: int
    ward: str
    phone: str
    zone: ZoneInfo
    at_home: bool
    name: str
    born: str
    who: str
    device: int | None
    chosen: int | None
    progress: Progress
    first: bool

    @property
    def step(self) -> Step:
        """The screen that is shown."""
        return shown(self.progress)

    @property
    def helped(self) -> bool:
        """True if somebody does this for the patient."""
        return self.who == "helper"


def read_visit(tx: Tx, master: bytes, code: str, zone: ZoneInfo) -> Visit | None:
    """The visit that a code opens; ``None`` if it opens nothing.  ``zone`` is the desk's, for a home that has none."""
    pairing = pairing_of(tx, master, code)
    row = None if pairing is None else tx.execute(_VISIT, [pairing]).fetchone()
    if pairing is None or row is None:
        return None
    patient, gateway, step, who, kind, leaflet_kind, device, chosen, received, first, ward, phone, home = row
    name, born = _who(tx, master, patient)
    progress = Progress(
        step_of(step),
        consented=has_consented(tx, patient),
        kind=cast("Kind", kind) if kind in KINDS else None,
        asked_kind=leaflet_kind is None or received,
        chosen=device is not None,
        finished=received,
    )
    return Visit(
        pairing,
        patient,
        gateway,
        ward,
        phone,
        _zone(home, zone),
        bool(home),
        name,
        born,
        who or "",
        device,
        chosen,
        progress,
        first,
    )


def note_opening(tx: Tx, visit: Visit) -> None:
    """Store that the page was opened; one that has come to its end stays open for another while."""
    tx.execute(_OPENED, [KEPT_DAYS, visit.pairing])
    if visit.first:
        write_down(tx, visit, "pairing.opened")


def write_down(tx: Tx, visit: Visit, action: str, **detail: object) -> None:
    """Store an act at the page in the audit: by nobody of the ward, with the leaflet that opened it."""
    tx.execute(_AUDIT, [action, f"patient:{visit.patient}", Jsonb({"code": visit.pairing, **detail})])


def received_values(tx: Tx, visit: Visit) -> Sequence[Value]:
    """The values of the chosen device that the ward has received since it was chosen: they are in the database."""
    if visit.device is None or visit.chosen is None:
        return ()
    rows = tx.execute(_FIRST_SAMPLE, [visit.patient, visit.device, visit.chosen]).fetchall()
    return [Value(*row) for row in rows if None not in row]


def _who(tx: Tx, master: bytes, patient: int) -> tuple[str, str]:
    try:
        identity = identity_of(tx, master, patient)
    except (DeviceError, CareError):
        return "", ""
    initial = identity.family.strip()[:1].upper()
    return f"{identity.given.split()[0]} {initial}." if identity.given.split() else f"{initial}.", identity.born[:4]


def _zone(home: str, desk: ZoneInfo) -> ZoneInfo:
    try:
        return ZoneInfo(home) if home else desk
    except (OSError, ValueError, KeyError):
        return desk
