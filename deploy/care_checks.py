"""Checks of what Vigil keeps in its database: keys, identities, channels, and whether it was restored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import psycopg

from alerts.care.channels import TeamChannels, team_channels
from alerts.care.identity import open_identity
from alerts.care.reach import TeamReach, reach_of
from alerts.control.restored import sign_of_restore
from alerts.database import now
from alerts.errors import CareError
from alerts.rota.errors import RotaFileError
from alerts.rota.rota import LOOK_AHEAD
from deploy.finding import Finding
from deploy.settings import ServerSettings
from devices.errors import DeviceError, MasterKeyError
from devices.wire.keys import key_binding, read_master_key
from devices.wire.sealing import unwrap

SAMPLE: Final = 500
"""Keys, and identities, that are opened unless all are asked for: the newest and some of the others."""
_SHOWN: Final = 10

_KEYS: Final = """
SELECT key, patient, gateway, wrapped FROM data_key WHERE destroyed IS NULL
ORDER BY key > (SELECT max(key) FROM data_key) - %(n)s / 2 DESC, md5(key::text) LIMIT %(n)s"""
_IDENTITIES: Final = """
SELECT patient, identity FROM patient
ORDER BY patient > (SELECT max(patient) FROM patient) - %(n)s / 2 DESC, md5(patient::text) LIMIT %(n)s"""


def keys(settings: ServerSettings, *, every: bool = False) -> Iterator[Finding]:
    """Open wrapped data keys and sealed identities under the master key."""
    try:
        master = read_master_key(settings.master_key_file)
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            limit = {"n": 2**31 - 1 if every else SAMPLE}
            wrapped = db.execute(_KEYS, limit).fetchall()
            sealed = db.execute(_IDENTITIES, limit).fetchall()
    except (psycopg.Error, MasterKeyError):
        return  # said by the checks of the database and of the key file
    bad_keys = [row[:3] for row in wrapped if not _opens(row[3], master, row[1], row[2])]
    bad_patients = [number for number, identity in sealed if not _is_identity(identity, master, number)]
    there, bad = len(wrapped) + len(sealed), len(bad_keys) + len(bad_patients)
    if there and bad == there:
        cure = f"VIGIL_MASTER_KEY_FILE is not the key of this database, restore the right one to {settings.master_key_file}"
        yield Finding(False, f"The master key opens none of {there} data keys and identities", cure)
        return
    for key, patient, gateway in bad_keys[:_SHOWN]:
        whose = f"gateway {gateway}" if gateway else "the desk"
        cure = "restore this row of data_key from a backup; until then those records are refused"
        yield Finding(False, f"Data key {key} (patient {patient}, {whose}) is damaged", cure)
    for patient in bad_patients[:_SHOWN]:
        cure = f"enter it again, vigil patient correct {patient} --family … --given … --born … --record …"
        yield Finding(False, f"The identity of patient {patient} is damaged", cure)
    if bad > _SHOWN:
        yield Finding(False, f"{bad} data keys and identities are damaged in all", "restore them from a backup")
    if not bad:
        which = "all" if every or len(wrapped) < SAMPLE else "a sample of"
        yield Finding(True, f"The master key opens {which} {len(wrapped)} data keys and {len(sealed)} identities")


def channels(settings: ServerSettings) -> Iterator[Finding]:
    """Name the care teams whom no message reaches."""
    try:
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            at = now(db)
            found = [(team, *_rota_of(db, team.team)) for team in team_channels(db)]
    except psycopg.Error:
        return  # said by the check of the database
    for team, book, broken in found:
        if broken:
            cure = f"set it again with vigil rota set {team.team} FILE; until then its alarms call the whole team"
            yield Finding(False, f"The rota of team {team.team} cannot be read ({broken})", cure)
        if book is None:
            yield _reached(team)
        else:
            yield _covered(book, at)


def _rota_of(db: psycopg.Connection[Any], team: int) -> tuple[TeamReach | None, str]:
    try:
        return reach_of(db, team), ""
    except RotaFileError as error:
        return None, str(error)


def _covered(book: TeamReach, at: datetime) -> Finding:
    name = f"Team {book.team.team} ({book.team.name})"
    holes = book.holes(at, at + LOOK_AHEAD)
    if not holes:
        return Finding(True, f"{name} is called by its rota, which has no hole in the next {LOOK_AHEAD.days} days")
    first = holes[0]
    when = "now" if first.since <= at else f"on {first.since.astimezone(book.rota.zone):%Y-%m-%d at %H:%M}"
    what = f"The rota of {name} has a hole {when}: {first.layer}, {first.reason}"
    return Finding(False, what, f"fill it: vigil rota holes {book.team.team}, vigil rota override {book.team.team} …")


def _reached(team: TeamChannels) -> Finding:
    name = f"Team {team.team} ({team.name})"
    if team.missing:
        cure = f"set it up for vigil notify, or choose others with vigil team channels {team.team}"
        return Finding(False, f"{name} is to be told by {', '.join(team.missing)}, which the notifier does not have", cure)
    if team.reaches_people:
        return Finding(True, f"{name} is told by {', '.join(team.used)}")
    if team.log_was_chosen:
        return Finding(True, f"{name} is told by the log alone, as was chosen: somebody must watch the desk")
    cure = "set VIGIL_NOTIFY_WEBHOOK_URL for vigil notify, or say so with vigil team channels " + f"{team.team} log"
    return Finding(False, f"Nobody is paged for {name}: its alarms go to the log alone", cure)


def restored(settings: ServerSettings) -> Iterator[Finding]:
    """Say that the database was restored and nobody has said so to the log."""
    try:
        with psycopg.connect(settings.database, connect_timeout=5) as db:
            sign = sign_of_restore(db)
            row: Any = db.execute("SELECT reason, since FROM desk_epoch ORDER BY epoch DESC LIMIT 1").fetchone()
    except psycopg.Error:
        return
    if sign:
        what = f"This database was restored ({sign}), and new limits may not reach the engine"
        yield Finding(False, what, "run vigil restore --after")
    elif row and row[0].startswith("noticed"):
        what = f"This database was restored before {row[1]:%Y-%m-%d %H:%M}, and the log was told again by itself"
        yield Finding(False, what, "run vigil restore --after, which says what people must do again")


def _opens(wrapped: bytes, master: bytes, patient: int, gateway: int) -> bool:
    try:
        unwrap(wrapped, master, key_binding(patient, gateway))
    except DeviceError:
        return False
    return True


def _is_identity(sealed: bytes, master: bytes, patient: int) -> bool:
    try:
        open_identity(sealed, master, patient)
    except (DeviceError, CareError, ValueError):
        return False
    return True
