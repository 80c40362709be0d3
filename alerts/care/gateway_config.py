"""The configuration of a gateway: its patients, their keys, and the devices it listens to."""

from __future__ import annotations

from alerts.care.consent import has_consented
from alerts.care.records import row_of
from alerts.control.data_keys import current_key
from alerts.database import Tx, to_ms
from devices.wire.pairing import Assigned, Config, PatientKey, Resend


def gateway_config(tx: Tx, master: bytes, gateway: int, kafka: str, topic: str, *, heartbeat_s: float = 30.0) -> Config:
    """The configuration of a gateway, without patients who have not consented: no data of theirs is collected.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    query = "SELECT config_version, resend_asked, resend_since FROM gateway WHERE revoked IS NULL AND gateway = %s FOR SHARE"
    version, asked, resend_since = row_of(tx, "gateway", gateway, query)
    enrolled = tx.execute(
        "SELECT device, patient, since, source, address, interval_s FROM enrolment JOIN device USING (device) "
        "WHERE gateway = %s AND until IS NULL ORDER BY device",
        [gateway],
    ).fetchall()
    served = [patient for patient in sorted({row[1] for row in enrolled}) if has_consented(tx, patient)]
    return Config(
        version=version,
        kafka=kafka,
        topic=topic,
        patients=tuple(PatientKey(patient, *current_key(tx, master, patient, gateway)) for patient in served),
        devices=tuple(
            Assigned(device, patient, to_ms(since), source, address, interval_s)
            for device, patient, since, source, address, interval_s in enrolled
            if patient in served
        ),
        heartbeat_s=heartbeat_s,
        resend=Resend(to_ms(asked), to_ms(resend_since)) if asked else None,
    )
