"""Which device speaks for whom, through which gateway, and from when: one patient at a time, transfers explicit."""

from __future__ import annotations

from datetime import datetime

from alerts.control.data_keys import current_key
from alerts.control.outbox import change_configuration, send, take_turn
from alerts.database import Tx, to_ms
from alerts.errors import DeviceTakenError, InvalidEnrolmentError, UnknownRecordError
from devices.wire.control import Enrolled, Enrolment


def enrol(tx: Tx, master: bytes, device: int, patient: int, gateway: int, since: datetime, by: int) -> None:
    """From ``since`` on what ``device`` measures is ``patient``'s, through ``gateway``; their data key is made here.

    Raises:
        DeviceTakenError: the device is enrolled now; :func:`transfer` it or end that first.
        InvalidEnrolmentError: ``since`` lies before the end of the device's last enrolment.
        UnknownRecordError: no such patient in care, device, or gateway in use.
    """
    take_turn(tx)
    for kind, number, query in (
        ("device", device, "SELECT FROM device WHERE device = %s"),
        ("patient", patient, "SELECT FROM patient WHERE patient = %s AND discharged IS NULL"),
        ("gateway", gateway, "SELECT FROM gateway WHERE gateway = %s AND revoked IS NULL"),
    ):
        if tx.execute(query, [number]).fetchone() is None:
            raise UnknownRecordError(kind, number)
    for other, until in tx.execute("SELECT patient, until FROM enrolment WHERE device = %s", [device]).fetchall():
        if until is None:
            raise DeviceTakenError(device, other)
        if since < until:
            raise InvalidEnrolmentError(f"Device {device} was somebody's until {until:%Y-%m-%d %H:%M:%S} UTC: begin later.")
    tx.execute(
        "INSERT INTO enrolment (device, patient, gateway, since) VALUES (%s, %s, %s, %s)", [device, patient, gateway, since]
    )
    current_key(tx, master, patient, gateway)
    send(tx, patient, enrolment_of(tx, patient), by)
    change_configuration(tx, [gateway])


def end_enrolment(tx: Tx, device: int, at: datetime, by: int) -> int:
    """From ``at`` on ``device`` is nobody's; the patient whose it was.

    Raises:
        InvalidEnrolmentError: it is nobody's now, or its enrolment begins after ``at``.
    """
    take_turn(tx)
    row = tx.execute(
        "SELECT enrolment, patient, gateway, since FROM enrolment WHERE device = %s AND until IS NULL", [device]
    ).fetchone()
    if row is None:
        raise InvalidEnrolmentError(f"Device {device} is nobody's now.")
    enrolment, patient, gateway, since = row
    if at < since:
        raise InvalidEnrolmentError(f"Device {device} is enrolled only since {since:%Y-%m-%d %H:%M:%S} UTC: end it later.")
    tx.execute("UPDATE enrolment SET until = %s WHERE enrolment = %s", [at, enrolment])
    send(tx, patient, enrolment_of(tx, patient), by)
    change_configuration(tx, [gateway])
    return int(patient)


def transfer(tx: Tx, master: bytes, device: int, patient: int, gateway: int, at: datetime, by: int) -> None:
    """Until ``at`` the device is whose it was, from ``at`` on ``patient``'s; as :func:`end_enrolment` and :func:`enrol`."""
    end_enrolment(tx, device, at, by)
    enrol(tx, master, device, patient, gateway, at, by)


def end_all(tx: Tx, patient: int, at: datetime, by: int) -> None:
    """End every enrolment of a patient."""
    rows = tx.execute("SELECT device FROM enrolment WHERE patient = %s AND until IS NULL ORDER BY device", [patient])
    for (device,) in rows.fetchall():
        end_enrolment(tx, device, at, by)


def enrolment_of(tx: Tx, patient: int) -> Enrolment:
    """All that may speak for a patient, as the engine is told."""
    devices = tx.execute(
        "SELECT device, gateway, since, until, interval_s FROM enrolment JOIN device USING (device) "
        "WHERE patient = %s ORDER BY enrolment",
        [patient],
    ).fetchall()
    revoked = tx.execute("SELECT key FROM data_key WHERE patient = %s AND revoked IS NOT NULL ORDER BY key", [patient])
    return Enrolment(
        devices=tuple(
            Enrolled(device, gateway, to_ms(since), None if until is None else to_ms(until), interval_s)
            for device, gateway, since, until, interval_s in devices
        ),
        gateways=tuple(gateways_of(tx, patient)),
        revoked_keys=tuple(key for (key,) in revoked),
    )


def gateways_of(tx: Tx, patient: int) -> list[int]:
    """The gateways in use that serve a patient now."""
    rows = tx.execute(
        "SELECT DISTINCT gateway FROM enrolment JOIN gateway USING (gateway) "
        "WHERE patient = %s AND until IS NULL AND revoked IS NULL ORDER BY gateway",
        [patient],
    )
    return [int(gateway) for (gateway,) in rows]
