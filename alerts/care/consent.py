"""Consent: without it no data of a patient is accepted."""

from __future__ import annotations

from alerts.care.enrol import gateways_of
from alerts.care.records import row_of
from alerts.control.outbox import change_configuration, send, take_turn
from alerts.database import Tx, now, scalar, to_ms
from devices.wire.control import Consent


def give_consent(tx: Tx, patient: int, given: bool, by: int, *, version: str = "", pairing: int | None = None) -> None:
    """The patient consents from now on, or (``given`` False) no longer; the patient's gateways begin or stop to listen.

    ``version`` is that of the text which the patient read at their own page, opened with the leaflet ``pairing``.  ``by`` is
    0 then: no person of the ward wrote it down.

    Raises:
        UnknownRecordError: there is no such patient.
    """
    take_turn(tx)
    row_of(tx, "patient", patient, "SELECT FROM patient WHERE patient = %s")
    at = now(tx)
    tx.execute(
        "INSERT INTO consent (patient, at, given, by_person, version, pairing) VALUES (%s, %s, %s, %s, %s, %s)",
        [patient, at, given, by, version, pairing],
    )
    send(tx, patient, Consent(given, to_ms(at)), by)
    change_configuration(tx, gateways_of(tx, patient))


def has_consented(tx: Tx, patient: int) -> bool:
    """True if the patient's newest answer is yes."""
    return bool(scalar(tx, "SELECT given FROM consent WHERE patient = %s ORDER BY nth DESC LIMIT 1", [patient]))
