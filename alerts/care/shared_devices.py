"""Which of you is user 2?  Users of a shared cuff or scale that a gateway has seen and that are nobody's so far.

A gateway keeps what such a user measures and reports a fault "user 2" (docs/decisions/0178).  Only a user that was seen can
be chosen: so nobody takes another's number, which would bring a spouse's pressure into their record (docs/decisions/0212).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.care.devices import add_device
from alerts.care.enrol import end_enrolment, enrol
from alerts.control.outbox import take_turn
from alerts.database import Tx, now, scalar
from alerts.errors import PairingError

_SEEN: Final = r"""
SELECT DISTINCT ON (number, upper(d.address)) e.device, d.name, d.address, number
FROM enrolment e JOIN device d USING (device)
JOIN event v ON v.patient = e.patient AND v.device = e.device AND v.kind = 'fault' AND v.time >= e.since
    AND v.time BETWEEN now() - interval '26 hours' AND now() + interval '1 hour'
CROSS JOIN LATERAL (SELECT substring(v.value ->> 'what' FROM '^user ([0-9]{{1,3}})$')::int AS number) named
WHERE e.until IS NULL AND number BETWEEN 0 AND 254 AND {of}
    AND NOT EXISTS (SELECT FROM device o JOIN enrolment w USING (device)
        WHERE w.until IS NULL AND upper(o.address) = upper(d.address) AND o.device_user = number)
ORDER BY number, upper(d.address), e.device"""
_FIRST_OF: Final = """
SELECT name, address, interval_s, (
    SELECT e.device FROM enrolment e JOIN device o USING (device)
    WHERE e.until IS NULL AND e.patient = %s AND upper(o.address) = upper(d.address) AND o.device_user IS NULL)
FROM device d WHERE upper(address) = upper(%s) ORDER BY device LIMIT 1"""
_OF_PATIENT: Final = _SEEN.format(
    of="e.patient = %(patient)s AND NOT EXISTS (SELECT FROM other_user n WHERE n.patient = e.patient "
    "AND upper(n.address) = upper(d.address) AND n.device_user = number)"
)
_OF_ADDRESS: Final = _SEEN.format(of="e.gateway = %(gateway)s AND upper(d.address) = upper(%(address)s)")


@dataclass(frozen=True, slots=True)
class UnknownUser:
    """``user`` measured with a device that is enrolled as ``device``, and is nobody's."""

    device: int
    name: str
    address: str
    user: int


def unknown_users(tx: Tx, patient: int) -> list[UnknownUser]:
    """Users of this patient's devices of whom nobody has said yet whose they are."""
    return [UnknownUser(*row) for row in tx.execute(_OF_PATIENT.encode(), {"patient": patient}).fetchall()]


def unknown_at(tx: Tx, gateway: int, address: str) -> list[int]:
    """The users of the device at an address that are nobody's, as the home's gateway has seen them."""
    rows = tx.execute(_OF_ADDRESS.encode(), {"gateway": gateway, "address": address}).fetchall()
    return [UnknownUser(*row).user for row in rows]


def become_user(tx: Tx, master: bytes, gateway: int, patient: int, address: str, user: int, by: int) -> int:
    """From now on what ``user`` of this device measures is the patient's; return the number of the device.

    A device at this address that the patient had without a user ends: what it brought was another user's.

    Raises:
        PairingError: that user was not seen, or is somebody's.
    """
    take_turn(tx)
    if user not in unknown_at(tx, gateway, address):
        raise PairingError(f"User {user} of this device was not seen, or is somebody else's: measure once and look again.")
    name, stored, interval_s, without = tx.execute(_FIRST_OF, [patient, address]).fetchone() or ("", address, 0, None)
    at = now(tx)
    if without is not None:
        end_enrolment(tx, without, at, by)
    known: int | None = scalar(tx, "SELECT device FROM device WHERE address = %s AND device_user = %s", [stored, user])
    device = known or add_device(tx, f"{name}, user {user}", "ble", stored, interval_s, user)
    enrol(tx, master, device, patient, gateway, at, by)
    return device


def is_somebody_else(tx: Tx, patient: int, address: str, user: int) -> None:
    """Remember that this user is not the patient; what they measure stays in the gateway until they are paired."""
    tx.execute(
        "INSERT INTO other_user (patient, address, device_user) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [patient, address, user],
    )
