"""The configuration of a gateway: its patients, their keys, and the devices it listens to.

What begins (consent, an enrolment) is in it once it has taken effect in the log: the engine refuses what was sent before.
What ends is out of it as soon as somebody says so.

A key or enrolment that cannot be read leaves out its patient or device, with an error in the log; the others are served.
"""

from __future__ import annotations

from typing import Final

import structlog

from alerts.care.pairing_scan import scan_of
from alerts.care.records import row_of
from alerts.care.refusals import REFUSED_FOR_GOOD
from alerts.control.data_keys import current_key
from alerts.database import Tx, epoch_ms, scalar
from devices.errors import MalformedBatchError, SealError
from devices.wire.control import Consent, Enrolment, decode_control
from devices.wire.pairing import Assigned, Config, PatientKey, Resend, Withdrawn

LEAVING_D: Final = 30
"""Days after the end of an enrolment in which its readings are still taken: the log takes none that are older."""

_GATEWAY: Final = f"""
SELECT config_version, zone, {epoch_ms("resend_asked")}, {epoch_ms("resend_since")}
FROM gateway WHERE revoked IS NULL AND gateway = %s FOR SHARE"""
_ENROLLED: Final = f"""
SELECT device, patient, {epoch_ms("since")}, source, address, interval_s, device_user, until IS NULL
FROM enrolment JOIN device USING (device)
WHERE gateway = %s AND (until IS NULL OR until > now() - make_interval(days => {LEAVING_D})) ORDER BY device"""
_CONSENTS: Final = f"""
SELECT DISTINCT ON (patient) patient, given, {epoch_ms("at")} FROM consent WHERE patient = ANY(%s)
ORDER BY patient, nth DESC"""
_IN_EFFECT: Final = """
SELECT p, (SELECT c.payload::text FROM control c WHERE c.patient = p AND c.kind = 'consent' ORDER BY at_offset DESC LIMIT 1),
    (SELECT c.payload::text FROM control c WHERE c.patient = p AND c.kind = 'enrolment' ORDER BY at_offset DESC LIMIT 1)
FROM unnest(%s::int4[]) p"""
STATE: Final = f"""
SELECT concat_ws('.', coalesce((SELECT max(epoch) FROM desk_epoch), 0), g.config_version,
    extract(epoch FROM (SELECT max(at) FROM rejected WHERE gateway = g.gateway AND {REFUSED_FOR_GOOD}))::text, (
    SELECT sum(
        coalesce((SELECT at_offset FROM control WHERE patient = p.patient AND kind = 'consent'
                  ORDER BY at_offset DESC LIMIT 1), -1)
        + coalesce((SELECT at_offset FROM control WHERE patient = p.patient AND kind = 'enrolment'
                    ORDER BY at_offset DESC LIMIT 1), -1))
    FROM (SELECT DISTINCT patient FROM enrolment e WHERE e.gateway = g.gateway AND e.until IS NULL) p))
FROM gateway g WHERE g.gateway = %s"""
"""A mark of what a gateway's configuration is made of: it differs after each change, and after a restore of the database."""
_log = structlog.get_logger("alerts.care.gateway_config")


def gateway_config(tx: Tx, master: bytes, gateway: int, kafka: str, topic: str, *, heartbeat_s: float = 30.0) -> Config:
    """The configuration of a gateway, without patients who have not consented: no data of theirs is collected.

    Raises:
        UnknownRecordError: there is no such gateway in use.
    """
    version, zone, asked, resend_since = row_of(tx, "gateway", gateway, _GATEWAY)
    rows = tx.execute(_ENROLLED, [gateway]).fetchall()
    everybody = sorted({row[1] for row in rows})
    consents = {patient: (given, at) for patient, given, at in tx.execute(_CONSENTS, [everybody]).fetchall()}
    admitted = _admitted(tx, gateway, [one for one in everybody if consents.get(one, (False, 0))[0]])
    devices = []
    for device, patient, since, source, address, interval_s, user, current in rows:
        if not current or device not in admitted.get(patient, ()):
            continue
        if since is None:
            _log.error("an enrolment cannot be read: end it and begin another", device=device, patient=patient)
            continue
        devices.append(Assigned(device, patient, since, source, address, max(0, interval_s), user))
    keys = {patient: key for patient in admitted if (key := _key(tx, master, patient, gateway))}
    served = {device.patient for device in devices} & keys.keys()
    return Config(
        version=version,
        kafka=kafka,
        topic=topic,
        patients=tuple(key for patient, key in keys.items() if patient in served),
        devices=tuple(device for device in devices if device.patient in served),
        heartbeat_s=heartbeat_s,
        resend=Resend(asked, resend_since or 0) if asked else None,
        leaving=tuple(key for patient, key in keys.items() if patient not in served),
        withdrawn=tuple(Withdrawn(patient, at or 0) for patient, (given, at) in consents.items() if not given),
        refused=bool(
            scalar(tx, f"SELECT EXISTS (SELECT FROM rejected WHERE gateway = %s AND {REFUSED_FOR_GOOD})", [gateway])
        ),
        scan=scan_of(tx, gateway),
        zone=zone,
    )


def _admitted(tx: Tx, gateway: int, patients: list[int]) -> dict[int, frozenset[int]]:
    """For each of ``patients`` whose consent has taken effect: the devices whose enrolment behind ``gateway`` has, and has
    not ended.
    """
    found = {}
    for patient, consent, enrolment in tx.execute(_IN_EFFECT, [patients]).fetchall():
        try:
            agreed, enrolled = (None if text is None else decode_control(text.encode()) for text in (consent, enrolment))
        except MalformedBatchError as error:
            _log.error("a control record of the log cannot be read", patient=patient, reason=error.reason)
            continue
        if isinstance(agreed, Consent) and agreed.given and isinstance(enrolled, Enrolment):
            now = (one.device for one in enrolled.devices if one.gateway == gateway and one.until is None)
            found[patient] = frozenset(now) if gateway in enrolled.gateways else frozenset()
    return found


def _key(tx: Tx, master: bytes, patient: int, gateway: int) -> PatientKey | None:
    try:
        return PatientKey(patient, *current_key(tx, master, patient, gateway))
    except SealError as error:
        _log.error("a data key cannot be read: run vigil doctor", patient=patient, gateway=gateway, reason=error.reason)
        return None
