"""The code on a leaflet: it opens one pairing, and afterwards one patient's own page.

It is random, lasts for days, belongs to one patient and one home's gateway, and can be revoked.  The database keeps a keyed
hash of it: neither a copy of the database nor a guess opens anything (docs/decisions/0210).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.rows import dict_row

from alerts.care.device_kinds import KINDS
from alerts.care.gateways import CODE_LETTERS
from alerts.care.keyed_hash import keyed_hash
from alerts.care.records import check_in_care, row_of
from alerts.database import Tx, now, scalar, scalars
from alerts.errors import PairingError

CODE_LENGTH: Final = 12
"""30 ** 12 codes: at ten wrong tries a minute, one in 10 ** 11 years."""
DAYS: Final = 7
"""A leaflet that nobody has finished ends after so many days, unless it is made for fewer or more."""
MOST_DAYS: Final = 30
KEPT_DAYS: Final = 30
"""The patient's own page ends so many days after it was last opened."""
_PURPOSE: Final = b"vigil pairing code v1"
_LIVE: Final = "revoked IS NULL AND expires > clock_timestamp()"


@dataclass(frozen=True, slots=True)
class Leaflet:
    """A new code (``XXXX-XXXX-XXXX``), which is shown this once, and until when it works."""

    pairing: int
    code: str
    expires: datetime


def make_leaflet(
    tx: Tx, master: bytes, patient: int, gateway: int | None, by: int, *, kind: str | None = None, days: int = DAYS
) -> Leaflet:
    """A leaflet for a patient; earlier ones that were not finished end.

    Args:
        tx: the caller's transaction.
        master: the master key.
        patient: whose page it opens.
        gateway: of the home; ``None``: the one that serves the patient now.
        by: the person who hands it out.
        kind: of the device in the box (:data:`alerts.care.device_kinds.KINDS`); ``None``: the page asks.
        days: until it ends, if nobody finishes it.

    Raises:
        UnknownRecordError: no such patient or gateway in use.
        NotInCareError: the patient is discharged.
        PairingError: no gateway serves the patient, the kind or the days cannot be, or the ward has no telephone number.
    """
    check_in_care(tx, patient)
    if kind is not None and kind not in KINDS:
        raise PairingError(f"There is no kind of device {kind[:40]!r}: choose one of {', '.join(KINDS)}.")
    if not 1 <= days <= MOST_DAYS:
        raise PairingError(f"A leaflet lasts 1 to {MOST_DAYS} days, not {days}: choose another number.")
    if not scalar(tx, "SELECT phone FROM care_team JOIN patient USING (team) WHERE patient = %s", [patient]):
        raise PairingError(
            "The care team has no telephone number, which stands on each screen: enter it first (vigil team phone)."
        )
    home = _home_of(tx, patient) if gateway is None else gateway
    row_of(tx, "gateway", home, "SELECT FROM gateway WHERE revoked IS NULL AND gateway = %s")
    tx.execute(
        "UPDATE pairing SET revoked = clock_timestamp() WHERE patient = %s AND received IS NULL AND revoked IS NULL",
        [patient],
    )
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    expires = now(tx) + timedelta(days=days)
    pairing: int = scalar(
        tx,
        "INSERT INTO pairing (patient, gateway, code_hash, by_person, expires, leaflet_kind, kind) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING pairing",
        [patient, home, code_hash(code, master), by, expires, kind, kind],
    )
    return Leaflet(pairing, "-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4)), expires)


def _home_of(tx: Tx, patient: int) -> int:
    serving = scalars(
        tx,
        "SELECT DISTINCT gateway FROM enrolment JOIN gateway USING (gateway) "
        "WHERE patient = %s AND revoked IS NULL AND until IS NULL UNION SELECT gateway FROM pairing JOIN gateway g "
        "USING (gateway) WHERE patient = %s AND g.revoked IS NULL AND pairing.revoked IS NULL AND expires > now()",
        [patient, patient],
    )
    if len(serving) != 1:
        many = "several gateways serve" if serving else "no gateway serves"
        raise PairingError(f"Which gateway is in the home? So far {many} patient {patient}: name it (--gateway).")
    return int(serving[0])


def code_hash(code: str, master: bytes) -> bytes:
    """The hash that is kept of a code, however it was typed; 32 bytes."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return keyed_hash(master, _PURPOSE, plain.encode())


def pairing_of(tx: Tx, master: bytes, code: str) -> int | None:
    """The pairing of a code that works now: not revoked, not too old, of a patient in care, and of a gateway
    in use unless the pairing is finished.
    """
    found: int | None = scalar(
        tx,
        "SELECT pairing FROM pairing p JOIN patient USING (patient) JOIN gateway g ON g.gateway = p.gateway "
        "WHERE code_hash = %s AND p.revoked IS NULL AND expires > clock_timestamp() AND discharged IS NULL "
        "AND (g.revoked IS NULL OR received IS NOT NULL)",
        [code_hash(code, master)],
    )
    return found


def codes(tx: Tx, patient: int) -> list[dict[str, Any]]:
    """The leaflets of a patient, newest first: their number and state, never the code.

    Raises:
        UnknownRecordError: there is no such patient.
    """
    row_of(tx, "patient", patient, "SELECT FROM patient WHERE patient = %s")
    with tx.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"SELECT pairing AS code, CASE WHEN revoked IS NOT NULL THEN 'revoked' WHEN NOT ({_LIVE}) THEN 'too old' "
            "WHEN received IS NOT NULL THEN 'own page' WHEN opened IS NOT NULL THEN 'begun' ELSE 'not opened' END AS state, "
            "gateway, created, expires, step, who, device, opened, seen, received FROM pairing WHERE patient = %s "
            "ORDER BY pairing DESC",
            [patient],
        ).fetchall()
    return list(rows)


def revoke_code(tx: Tx, patient: int, pairing: int | None = None) -> list[int]:
    """Revoke one leaflet of a patient, or (``None``) all of them; return the numbers of those that worked until now.

    Raises:
        UnknownRecordError: the patient has no such leaflet.
    """
    if pairing is not None:
        query = "SELECT FROM pairing WHERE patient = %s AND pairing = %s"
        row_of(tx, f"code of patient {patient} with the number", pairing, query, patient)
    return scalars(
        tx,
        f"UPDATE pairing SET revoked = clock_timestamp() WHERE patient = %s AND {_LIVE} "
        "AND (%s::int4 IS NULL OR pairing = %s) RETURNING pairing",
        [patient, pairing, pairing],
    )


def step_to(tx: Tx, pairing: int, step: str, **answers: object) -> None:
    """Store that the patient has come to ``step``, with what they answered by column."""
    values: Mapping[str, object] = {"step": step, **answers}
    columns = ", ".join(f"{name} = %s" for name in values)  # names are written in this program alone
    tx.execute(
        f"UPDATE pairing SET {columns}, seen = clock_timestamp() WHERE pairing = %s".encode(), [*values.values(), pairing]
    )
