"""The configuration of a gateway: its patients, their keys, and the devices it listens to.

A key or enrolment that cannot be read leaves out its patient or device, with an error in the log; the others are served.
"""

from __future__ import annotations

from typing import Final

import structlog

from alerts.care.consent import has_consented
from alerts.care.pairing_scan import scan_of
from alerts.care.records import row_of
from alerts.control.data_keys import current_key
from alerts.database import Tx, epoch_ms
from devices.errors import SealError
from devices.wire.pairing import Assigned, Config, PatientKey, Resend

_GATEWAY: Final = f"""
SELECT config_version, zone, {epoch_ms("resend_asked")}, {epoch_ms("resend_since")}
FROM gateway WHERE revoked IS NULL AND gateway = %s FOR SHARE"""
_ENROLLED: Final = f"""
SELECT device, patient, {epoch_ms("since")}, source, address, interval_s, device_user
FROM enrolment JOIN device USING (device) WHERE gateway = %s AND until IS NULL ORDER BY device"""
_log = structlog.get_logger("alerts.care.gateway_config")


def gateway_config(tx: Tx, master: bytes, gateway: int, kafka: str, topic: str, *, heartbeat_s: float = 30.0) -> Config:
    """The configuration of a gateway, without patients who have not consented: no data of theirs is collected.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    version, zone, asked, resend_since = row_of(tx, "gateway", gateway, _GATEWAY)
    devices = []
    for device, patient, since, source, address, interval_s, user in tx.execute(_ENROLLED, [gateway]).fetchall():
        if since is None:
            _log.error("an enrolment cannot be read: end it and begin another", device=device, patient=patient)
            continue
        devices.append(Assigned(device, patient, since, source, address, max(0, interval_s), user))
    patients = sorted({device.patient for device in devices})
    keys = {patient: _key(tx, master, patient, gateway) for patient in patients if has_consented(tx, patient)}
    return Config(
        version=version,
        kafka=kafka,
        topic=topic,
        patients=tuple(key for key in keys.values() if key),
        devices=tuple(device for device in devices if keys.get(device.patient)),
        heartbeat_s=heartbeat_s,
        resend=Resend(asked, resend_since or 0) if asked else None,
        scan=scan_of(tx, gateway),
        zone=zone,
    )


def _key(tx: Tx, master: bytes, patient: int, gateway: int) -> PatientKey | None:
    try:
        return PatientKey(patient, *current_key(tx, master, patient, gateway))
    except SealError as error:
        _log.error("a data key cannot be read: run vigil doctor", patient=patient, gateway=gateway, reason=error.reason)
        return None
