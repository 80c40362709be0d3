"""Enrolments: a device measures one patient at a time, through one gateway, from a moment on; transfers are explicit."""

from __future__ import annotations

from datetime import datetime

from alerts.care.records import row_of
from alerts.control.data_keys import current_key
from alerts.control.outbox import change_configuration, send, take_turn
from alerts.database import Tx, scalar, scalars, to_ms
from alerts.errors import DeviceTakenError, InvalidEnrolmentError
from devices.wire.control import Enrolled, Enrolment


def enrol(tx: Tx, master: bytes, device: int, patient: int, gateway: int, since: datetime, by: int) -> None:
    """From ``since`` on, ``device`` measures ``patient`` through ``gateway``; makes their data key.

    Raises:
        DeviceTakenError: the device is enrolled now; :func:`transfer` it, or end that enrolment first.
        InvalidEnrolmentError: ``since`` is before the end of the device's last enrolment.
        UnknownRecordError: no such patient in care, device, or gateway in use.
    """
    take_turn(tx)
    row_of(tx, "device", device, "SELECT FROM device WHERE device = %s")
    row_of(tx, "patient", patient, "SELECT FROM patient WHERE discharged IS NULL AND patient = %s")
    row_of(tx, "gateway", gateway, "SELECT FROM gateway WHERE revoked IS NULL AND gateway = %s")
    for other, until in tx.execute("SELECT patient, until FROM enrolment WHERE device = %s", [device]).fetchall():
        if until is None:
            raise DeviceTakenError(device, other)
        if since < until:
            raise InvalidEnrolmentError(f"Device {device} was enrolled until {until:%Y-%m-%d %H:%M:%S} UTC: begin later.")
    tx.execute(
        "INSERT INTO enrolment (device, patient, gateway, since) VALUES (%s, %s, %s, %s)", [device, patient, gateway, since]
    )
    current_key(tx, master, patient, gateway)
    send(tx, patient, enrolment_of(tx, patient), by)
    change_configuration(tx, [gateway])


def end_enrolment(tx: Tx, device: int, at: datetime, by: int) -> int:
    """End the enrolment of ``device`` at ``at``; return the patient it was enrolled for.

    Raises:
        InvalidEnrolmentError: it is not enrolled now, or its enrolment begins after ``at``.
    """
    take_turn(tx)
    row = tx.execute(
        "SELECT enrolment, patient, gateway, since FROM enrolment WHERE device = %s AND until IS NULL", [device]
    ).fetchone()
    if row is None:
        raise InvalidEnrolmentError(f"Device {device} is not enrolled now.")
    enrolment, patient, gateway, since = row
    if at < since:
        raise InvalidEnrolmentError(f"Device {device} is enrolled only since {since:%Y-%m-%d %H:%M:%S} UTC: end it later.")
    tx.execute("UPDATE enrolment SET until = %s WHERE enrolment = %s", [at, enrolment])
    send(tx, patient, enrolment_of(tx, patient), by)
    change_configuration(tx, [gateway])
    return int(patient)


def transfer(tx: Tx, master: bytes, device: int, patient: int, gateway: int, at: datetime, by: int) -> None:
    """At ``at`` the device passes from its patient to ``patient``; errors as :func:`end_enrolment` and :func:`enrol`."""
    end_enrolment(tx, device, at, by)
    enrol(tx, master, device, patient, gateway, at, by)


def is_enrolled(tx: Tx, device: int) -> bool:
    """True if the device measures somebody now."""
    return bool(scalar(tx, "SELECT count(*) FROM enrolment WHERE device = %s AND until IS NULL", [device]))


def end_all(tx: Tx, patient: int, at: datetime, by: int) -> None:
    """End every enrolment of a patient."""
    for device in scalars(
        tx, "SELECT device FROM enrolment WHERE patient = %s AND until IS NULL ORDER BY device", [patient]
    ):
        end_enrolment(tx, device, at, by)


def enrolment_of(tx: Tx, patient: int) -> Enrolment:
    """All devices and gateways of a patient, and their revoked keys, as the control record holds them."""
    devices = tx.execute(
        "SELECT device, gateway, since, until, interval_s FROM enrolment JOIN device USING (device) "
        "WHERE patient = %s ORDER BY enrolment",
        [patient],
    ).fetchall()
    revoked = scalars(tx, "SELECT key FROM data_key WHERE patient = %s AND revoked IS NOT NULL ORDER BY key", [patient])
    return Enrolment(
        devices=tuple(
            Enrolled(device, gateway, to_ms(since), None if until is None else to_ms(until), interval_s)
            for device, gateway, since, until, interval_s in devices
        ),
        gateways=tuple(gateways_of(tx, patient)),
        revoked_keys=tuple(revoked),
    )


def gateways_of(tx: Tx, patient: int) -> list[int]:
    """The gateways in use that serve a patient now."""
    return scalars(
        tx,
        "SELECT DISTINCT gateway FROM enrolment JOIN gateway USING (gateway) "
        "WHERE patient = %s AND until IS NULL AND revoked IS NULL ORDER BY gateway",
        [patient],
    )
