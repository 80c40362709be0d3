"""Brings a plan's people, homes and wearables into an installation's database, by the same functions the desk uses."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Final

import msgspec
import psycopg

from alerts.care.admit import admit_patient
from alerts.care.channels import LOG
from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import end_enrolment, enrol
from alerts.care.gateways import add_gateway, new_claim
from alerts.care.identity import Identity
from alerts.care.limits import set_rule_set
from alerts.care.people import add_person
from alerts.care.teams import add_team, join, set_phone
from alerts.database import Tx, scalar, scalars
from alerts.errors import DeviceTakenError, UnknownRecordError
from alerts.rules.defaults import default_rule_set
from deploy.demo.plan import Plan, Wearable
from deploy.errors import DeployError
from devices.wire.control import Facts

HEARTBEAT_S: Final = 5.0
GATEWAY_OFFLINE_S: Final = 20
"""Short, so that something happens within a demo."""
_ACTION: Final = "installation.provisioned"


class Provisioned(msgspec.Struct, frozen=True):
    """Numbers the database gave: patients by position in the plan, devices by address, gateways by home."""

    patients: list[int]
    devices: dict[str, int]
    gateways: list[int]


def provision(database: str, master: bytes, plan: Plan, since: datetime) -> Provisioned:
    """Everything of ``plan`` in one transaction; the wearables are enrolled from ``since`` on."""
    with psycopg.connect(database) as tx:
        team = add_team(tx, plan.team, [LOG])  # chosen: a demo pages nobody
        set_phone(tx, team, plan.phone)
        staff = [add_person(tx, one.sign_in, one.name, one.role, one.password) for one in plan.staff]
        for member in staff:
            join(tx, member, team)
        by = staff[-1]
        rules = msgspec.structs.replace(default_rule_set(), gateway_offline_s=GATEWAY_OFFLINE_S)
        set_rule_set(tx, rules, by)
        gateways = [add_gateway(tx, home) for home in plan.homes]
        patients: list[int] = []
        devices: dict[str, int] = {}
        for person in plan.people:
            identity = Identity(
                family=person.family,
                given=person.given,
                born=person.born,
                sex=person.sex,
                record_number=person.record_number,
            )
            patient = admit_patient(tx, master, identity, team, Facts(born=person.born), by)
            patients.append(patient)
            give_consent(tx, patient, True, by)
            for wearable in person.wears:
                device = _add(tx, wearable)
                enrol(tx, master, device, patient, gateways[person.home], since, by)
                devices[wearable.address] = device
        done = Provisioned(patients, devices, gateways)
        _note(tx, done, by)
        return done


def kept(database: str, master: bytes, plan: Plan, since: datetime | None = None) -> Provisioned:
    """The installation of an earlier start, or a new one.  ``since``: see :func:`provision`, default now.

    Raises:
        DeployError: the earlier start was that of another plan, as of recordings.
    """
    with psycopg.connect(database) as db:
        row = db.execute("SELECT detail FROM audit WHERE action = %s ORDER BY audit DESC LIMIT 1", [_ACTION]).fetchone()
        if row is None:
            return provision(database, master, plan, since or datetime.now(UTC))
        done = msgspec.convert(row[0], Provisioned)
        teams = scalars(
            db, "SELECT DISTINCT name FROM patient JOIN care_team USING (team) WHERE patient = ANY(%s)", [done.patients]
        )
    if teams != [plan.team] or len(done.patients) != len(plan.people) or len(done.gateways) != len(plan.homes):
        raise DeployError(
            f"This folder was set up for {len(done.patients)} other patients ({', '.join(teams)}): name another with --home."
        )
    return done


def bring_in_line(database: str, master: bytes, plan: Plan, done: Provisioned) -> Provisioned:
    """Have everybody wear what ``plan`` says, where the start before said otherwise: with Bluetooth, or without.

    What is not worn any more is ended, what is new begins now.  A wearable that somebody gave to another patient meanwhile,
    and a patient who was discharged, stay as they are.
    """
    planned = {wearable.address for _, wearable in plan.wearables}
    if planned == done.devices.keys():
        return done
    now = datetime.now(UTC)
    with psycopg.connect(database) as tx:
        by: int = scalar(tx, "SELECT person FROM audit WHERE action = %s ORDER BY audit DESC LIMIT 1", [_ACTION])
        gone = [device for address, device in done.devices.items() if address not in planned]
        for device in scalars(tx, "SELECT device FROM enrolment WHERE device = ANY(%s) AND until IS NULL", [gone]):
            end_enrolment(tx, device, now, by)
        devices: dict[str, int] = {}
        for patient, person in zip(done.patients, plan.people, strict=True):
            for wearable in person.wears:
                devices[wearable.address] = device = done.devices.get(wearable.address) or _device(tx, wearable)
                if wearable.address not in done.devices:
                    with contextlib.suppress(DeviceTakenError, UnknownRecordError):
                        enrol(tx, master, device, patient, done.gateways[person.home], now, by)
        done = Provisioned(done.patients, devices, done.gateways)
        _note(tx, done, by)
        return done


def claim_code(database: str, gateway: int) -> str:
    """A code that the gateway can be claimed with, once."""
    with psycopg.connect(database) as tx:
        return new_claim(tx, gateway)


def _add(tx: Tx, wearable: Wearable) -> int:
    return add_device(tx, wearable.kind, wearable.source, wearable.address, wearable.interval_s)


def _device(tx: Tx, wearable: Wearable) -> int:
    """The device with this address: one of an earlier start, else a new one."""
    known = scalars(tx, "SELECT device FROM device WHERE address = %s", [wearable.address])
    return known[0] if known else _add(tx, wearable)


def _note(tx: Tx, done: Provisioned, by: int) -> None:
    """Write down, for the next start, what this one has."""
    detail = msgspec.json.encode(done).decode()
    tx.execute("INSERT INTO audit (person, action, detail) VALUES (%s, %s, %s)", [by, _ACTION, detail])
