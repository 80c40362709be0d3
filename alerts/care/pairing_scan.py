"""Scans for a patient's page: the home's gateway is asked to look for devices, and what it sees is kept while it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from alerts.care.device_kinds import SHARED, Kind, interval_of, kinds_of
from alerts.care.devices import add_device
from alerts.care.enrol import end_enrolment, enrol
from alerts.care.shared_devices import unknown_at
from alerts.control.outbox import change_configuration, take_turn
from alerts.database import Tx, epoch_ms, now, now_ms
from alerts.errors import DeviceTakenError, PairingError
from devices.wire.pairing import Scan, Seen

MINUTES: Final = 5
"""A scan lasts so long unless it is asked for again."""
ANSWER_S: Final = 15.0
"""A gateway that has not answered so long after it was asked, or reported nothing for so long, is not reached."""
_AGAIN_S: Final = 3.0
Owner = Literal["nobody", "patient", "somebody"]

_STATE: Final = f"""
SELECT {epoch_ms("asked")}, {epoch_ms("until")}, {epoch_ms("reported")}, fault FROM gateway_scan WHERE gateway = %s"""
_NEARBY: Final = "SELECT address, name, profiles, rssi, can_buzz FROM nearby WHERE gateway = %s ORDER BY at, address"
_WEARERS: Final = """
SELECT e.patient, d.device, d.device_user FROM device d LEFT JOIN enrolment e ON e.device = d.device AND e.until IS NULL
WHERE upper(d.address) = upper(%s) AND d.source = 'ble' ORDER BY d.device"""


@dataclass(frozen=True, slots=True)
class ScanState:
    """``asked_s``: seconds since it was asked for; ``reported_s``: since the last report, ``None`` before the first;
    ``left_s``: until it ends, 0 afterwards; ``fault``: the reason for which the gateway cannot look.
    """

    asked_s: float
    reported_s: float | None
    left_s: float
    fault: str

    @property
    def answered(self) -> bool:
        """False if the gateway has had time to report and has not."""
        quiet = self.asked_s if self.reported_s is None else self.reported_s
        return quiet < ANSWER_S or self.left_s == 0


@dataclass(frozen=True, slots=True)
class Card:
    """A device that the gateway sees, and whose it is: nobody's, this patient's (``device``), or somebody else's."""

    address: str
    name: str
    kinds: tuple[Kind, ...]
    profiles: tuple[str, ...]
    rssi: int
    can_buzz: bool
    owner: Owner
    device: int | None = None
    users: tuple[int, ...] = ()
    """The users of a shared device of somebody else that measured with it and are nobody's."""

    @property
    def shared(self) -> bool:
        """True if several people of a home may use it."""
        return bool(SHARED.intersection(self.kinds))


def ask_scan(tx: Tx, gateway: int, *, minutes: int = MINUTES) -> None:
    """Ask a gateway to look for devices from now on; one that was asked a moment ago is not asked again."""
    take_turn(tx)
    at = now(tx)
    asked = tx.execute(
        "INSERT INTO gateway_scan AS s (gateway, request, asked, until) "
        "VALUES (%(g)s, nextval('scan_request'), %(at)s, %(at)s + make_interval(mins => %(m)s)) "
        "ON CONFLICT (gateway) DO UPDATE SET request = excluded.request, asked = excluded.asked, until = excluded.until, "
        "reported = NULL, fault = '', buzz = '', buzz_request = 0 WHERE s.asked < %(at)s - make_interval(secs => %(again)s) "
        "OR s.until <= %(at)s RETURNING gateway",
        {"g": gateway, "at": at, "m": minutes, "again": _AGAIN_S},
    ).fetchone()
    if asked is not None:
        tx.execute("DELETE FROM nearby WHERE gateway = %s", [gateway])
        change_configuration(tx, [gateway])


def end_scan(tx: Tx, gateway: int) -> None:
    """Ask it to look no more; what it saw is deleted."""
    take_turn(tx)
    tx.execute("DELETE FROM nearby WHERE gateway = %s", [gateway])
    query = "UPDATE gateway_scan SET until = clock_timestamp() WHERE gateway = %s AND until > clock_timestamp()"
    if tx.execute(query, [gateway]).rowcount:
        change_configuration(tx, [gateway])


def forget_nearby(tx: Tx) -> None:
    """Delete what gateways saw whose scan is over: one that lost its network meanwhile reports no end."""
    tx.execute(
        "DELETE FROM nearby n WHERE NOT EXISTS "
        "(SELECT FROM gateway_scan s WHERE s.gateway = n.gateway AND until > clock_timestamp())"
    )


def scan_of(tx: Tx, gateway: int) -> Scan | None:
    """The order that the gateway's configuration holds; ``None`` if nobody asks."""
    row = tx.execute(
        f"SELECT request, {epoch_ms('until')}, buzz, buzz_request FROM gateway_scan "
        "WHERE gateway = %s AND until > clock_timestamp()",
        [gateway],
    ).fetchone()
    return None if row is None else Scan(*row)


def store_seen(tx: Tx, gateway: int, seen: Seen) -> bool:
    """Store a report; False if nobody asks for that scan any more: nothing is kept then."""
    row = tx.execute(
        "UPDATE gateway_scan SET reported = clock_timestamp(), fault = %s "
        "WHERE gateway = %s AND request = %s AND until > clock_timestamp() RETURNING gateway",
        [seen.fault, gateway, seen.request],
    ).fetchone()
    if row is None:
        forget_nearby(tx)
        return False
    for one in seen.devices:
        tx.execute(
            "INSERT INTO nearby (gateway, address, name, profiles, rssi, can_buzz) VALUES (%s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (gateway, address) DO UPDATE SET (name, profiles, rssi, can_buzz) = "
            "(excluded.name, excluded.profiles, excluded.rssi, excluded.can_buzz)",
            [gateway, one.address, one.name, list(one.profiles), one.rssi, one.can_buzz],
        )
    return True


def scan_state(tx: Tx, gateway: int) -> ScanState | None:
    """The state of a gateway's scan; ``None`` if nobody ever asked."""
    row = tx.execute(_STATE, [gateway]).fetchone()
    if row is None:
        return None
    (asked, until, reported, fault), at = row, now_ms(tx)
    since_report = None if reported is None else max(0.0, (at - reported) / 1000)
    return ScanState(max(0.0, (at - asked) / 1000), since_report, max(0.0, (until - at) / 1000), fault)


def cards(tx: Tx, gateway: int, patient: int, kind: Kind | None = None) -> list[Card]:
    """The devices of a kind (``None``: any) that a gateway sees, in the order in which they came: no card moves."""
    found = [_card(tx, gateway, patient, *row) for row in tx.execute(_NEARBY, [gateway]).fetchall()]
    return [one for one in found if one.kinds and (kind is None or kind in one.kinds)]


def _card(
    tx: Tx, gateway: int, patient: int, address: str, name: str, profiles: list[str], rssi: int, can_buzz: bool
) -> Card:
    owner, device = owner_of(tx, patient, address)
    card = Card(address, name, kinds_of(profiles), tuple(profiles), rssi, can_buzz, owner, device)
    return replace(card, users=tuple(unknown_at(tx, gateway, address))) if owner == "somebody" and card.shared else card


def owner_of(tx: Tx, patient: int, address: str) -> tuple[Owner, int | None]:
    """Whose the device at an address is now, and its number if it is this patient's."""
    wearers: Sequence[tuple[int | None, int, int | None]] = tx.execute(_WEARERS, [address]).fetchall()
    for wearer, device, _ in wearers:
        if wearer == patient:
            return "patient", device
    return ("somebody", None) if any(wearer is not None for wearer, _, _ in wearers) else ("nobody", None)


def choose(tx: Tx, master: bytes, gateway: int, patient: int, address: str, name: str, by: int) -> int:
    """Enrol the device at an address that the gateway sees; return its number.  One that is the patient's stays so.

    Raises:
        PairingError: the gateway does not see it any more.
        DeviceTakenError: it is somebody else's.
    """
    found = next((one for one in cards(tx, gateway, patient) if one.address == address), None)
    if found is None:
        raise PairingError("This device is not seen any more: bring it near the box and look again.")
    if found.owner == "patient":
        assert found.device is not None
        return found.device
    wearers = tx.execute(_WEARERS, [address]).fetchall()
    for wearer, device, _ in wearers:
        if wearer is not None:
            raise DeviceTakenError(device, wearer)
    take_turn(tx)
    free = next((device for _, device, user in wearers if user is None), None)
    device = free or add_device(tx, name, "ble", found.address, interval_of(found.profiles))
    enrol(tx, master, device, patient, gateway, now(tx), by)
    return device


def take_off(tx: Tx, patient: int, device: int, by: int) -> bool:
    """End the enrolment of a device if it is this patient's; False if it is not."""
    take_turn(tx)
    if (
        tx.execute(
            "SELECT FROM enrolment WHERE device = %s AND patient = %s AND until IS NULL", [device, patient]
        ).fetchone()
        is None
    ):
        return False
    end_enrolment(tx, device, now(tx), by)
    return True


def ask_buzz(tx: Tx, gateway: int, address: str) -> None:
    """Have a device that the gateway sees make itself noticed; nothing happens where it cannot, or no scan lasts."""
    take_turn(tx)
    row = tx.execute(
        "UPDATE gateway_scan s SET buzz = %s, buzz_request = buzz_request + 1 WHERE s.gateway = %s "
        "AND until > clock_timestamp() AND EXISTS (SELECT FROM nearby n WHERE n.gateway = s.gateway AND n.address = %s "
        "AND can_buzz) RETURNING s.gateway",
        [address, gateway, address],
    ).fetchone()
    if row is not None:
        change_configuration(tx, [gateway])
