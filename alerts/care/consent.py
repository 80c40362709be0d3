"""Consent: without it nothing of a patient is accepted, whoever sends it."""

from __future__ import annotations

from alerts.care.enrol import gateways_of
from alerts.control.outbox import change_configuration, send, take_turn
from alerts.database import Tx, now, to_ms
from alerts.errors import UnknownRecordError
from devices.wire.control import Consent


def give_consent(tx: Tx, patient: int, given: bool, by: int) -> None:
    """The patient consents from now on, or (``given`` False) no longer; their gateways stop or begin to listen.

    Raises:
        UnknownRecordError: there is no such patient.
    """
    take_turn(tx)
    if tx.execute("SELECT FROM patient WHERE patient = %s", [patient]).fetchone() is None:
        raise UnknownRecordError("patient", patient)
    at = now(tx)
    tx.execute("INSERT INTO consent (patient, at, given, by_person) VALUES (%s, %s, %s, %s)", [patient, at, given, by])
    send(tx, patient, Consent(given, to_ms(at)), by)
    change_configuration(tx, gateways_of(tx, patient))


def has_consented(tx: Tx, patient: int) -> bool:
    """Whether the newest word was yes."""
    row = tx.execute("SELECT given FROM consent WHERE patient = %s ORDER BY at DESC LIMIT 1", [patient]).fetchone()
    return bool(row and row[0])
