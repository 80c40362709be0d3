"""``vigil pair``: people, homes and wearables on the command line, from the first patient to a claimed gateway.

Each command imports what it needs: a gateway has ``claim``, and none of the server's packages.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from deploy.acting import AsJson, By, author, transaction, write_down
from deploy.errors import DeployError
from deploy.printed import print_record
from devices.wire.control import Facts

app = typer.Typer(
    help="Admit patients, add homes and wearables, claim a gateway.\n\n"
    "In order: team, person, patient, gateway, then on the gateway itself: claim; device.",
    no_args_is_help=True,
)


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="pair")


@app.command()
def team(name: Annotated[str, typer.Argument(help="such as 'Home ward North'")]) -> None:
    """Add a care team.  Its members see its patients; nobody else does.

    Example: vigil pair team "Home ward North"
    """
    from alerts.care.teams import add_team

    with transaction() as (tx, _):
        print(f"team {add_team(tx, name)}")


@app.command()
def person(
    sign_in: str,
    name: Annotated[str, typer.Option(help="as colleagues know them")],
    role: Annotated[Literal["nurse", "clinician", "administrator"], typer.Option()] = "nurse",
    team: Annotated[int | None, typer.Option(help="the care team they belong to")] = None,
) -> None:
    """Add a person who signs in at the desk.  The password is asked for, or read from VIGIL_PASSWORD.

    The first person also puts the default limits into force.

    Example: vigil pair person m.testova --name "M. Testova" --team 1
    """
    from alerts.care.limits import set_rule_set
    from alerts.care.people import add_person
    from alerts.care.teams import join
    from alerts.rules.defaults import default_rule_set

    password = os.environ.get("VIGIL_PASSWORD") or getpass.getpass("Password: ")
    with transaction() as (tx, _):
        number = add_person(tx, sign_in, name, role, password)
        if team is not None:
            join(tx, number, team)
        if tx.execute("SELECT FROM rule_set LIMIT 1").fetchone() is None:
            set_rule_set(tx, default_rule_set(), number)
        print(f"person {number}")


@app.command()
def patient(
    family: str,
    given: str,
    born: Annotated[str, typer.Option(help="YYYY-MM-DD")],
    record: Annotated[str, typer.Option(help="record number")],
    team: Annotated[int, typer.Option(help="the care team that watches")],
    by: By,
    consent: Annotated[bool, typer.Option(help="the patient has consented; without it nothing is accepted")] = False,
) -> None:
    """Admit a patient.

    Example: vigil pair patient EXAMPLETON Ada --born 1945-07-14 --record VT-4174-4 --team 1 --by m.testova --consent
    """
    from alerts.care.admit import admit_patient
    from alerts.care.consent import give_consent
    from alerts.care.identity import Identity

    with transaction() as (tx, master):
        who = author(tx, by)
        identity = Identity(family=family, given=given, born=born, record_number=record)
        number = admit_patient(tx, master, identity, team, Facts(born=born), who)
        if consent:
            give_consent(tx, number, True, who)
        print(f"patient {number}")


@app.command()
def gateway(
    name: Annotated[str, typer.Argument(help="where it stands, such as 'Mill Lane 4'")] = "",
    again: Annotated[int | None, typer.Option(help="a new code for this gateway instead of a new one")] = None,
    zone: Annotated[str, typer.Option(help="the home's time zone, such as Europe/Berlin", show_default=False)] = "",
) -> None:
    """Add a gateway and print its claim code, which works once within 60 minutes.

    Cuffs and thermometers send the home's local time: without the zone their times may be taken for wrong.

    Example: vigil pair gateway "Mill Lane 4" --zone Europe/Berlin
    """
    from alerts.care.gateways import add_gateway, new_claim, set_zone

    if not name and again is None:
        raise DeployError("Name the place where the gateway stands, or an earlier gateway with --again NUMBER.")
    with transaction() as (tx, _):
        number = again if again is not None else add_gateway(tx, name, zone)
        if again is not None and zone:
            set_zone(tx, number, zone)
        code = new_claim(tx, number)
        print(f"gateway {number}\nclaim code {code} (60 minutes): on the gateway run: vigil pair claim {code} --desk URL")


@app.command()
def claim(
    code: str,
    desk: Annotated[str, typer.Option(help="the desk's address", show_default=False)],
    state: Annotated[Path | None, typer.Option(help="the gateway's folder; default: VIGIL_GATEWAY_STATE")] = None,
) -> None:
    """On the gateway: exchange the claim code for its credential, which stays in its folder.

    Example: vigil pair claim ABCD-EFGH --desk https://desk.example.org
    """
    from gateway.desk.downlink import claim as claim_at
    from gateway.settings import GatewaySettings

    settings = GatewaySettings()
    claimed = asyncio.run(claim_at(desk, code, state or settings.state, ca=settings.desk_ca))
    print(f"This is gateway {claimed.gateway} now: start it with vigil gateway.")


@app.command()
def device(
    name: Annotated[str, typer.Argument(help="what it is, such as 'chest belt'")],
    source: Annotated[Literal["ble", "mqtt"], typer.Option()],
    address: Annotated[str, typer.Option(help="Bluetooth address, or its user name on the MQTT broker")],
    patient: Annotated[int, typer.Option()],
    gateway: Annotated[int, typer.Option()],
    by: By,
    interval: Annotated[int, typer.Option(min=0, help="seconds between its readings; 0: when the patient measures")] = 0,
    user: Annotated[
        int | None,
        typer.Option(help="of a cuff or scale that several people use: the number under which it keeps the patient"),
    ] = None,
) -> None:
    """Add a wearable and give it to a patient, from now on.

    A cuff or scale that two people use is added for each of them, with --user.  What another user measures waits in the
    gateway, and is told at the desk, until that user is added too.

    Example: vigil pair device belt --source ble --address C0:DE:00:00:00:01 --patient 1 --gateway 1 --by m.testova
    """
    from alerts.care.devices import add_device
    from alerts.care.enrol import enrol

    with transaction() as (tx, master):
        number = add_device(tx, name, source, address, interval, user)
        enrol(tx, master, number, patient, gateway, datetime.now(UTC), author(tx, by))
        print(f"device {number}")


@app.command()
def move(
    device: int,
    by: By,
    patient: Annotated[int | None, typer.Option(help="the new patient; without it the device belongs to nobody")] = None,
    gateway: Annotated[int | None, typer.Option()] = None,
) -> None:
    """Take a wearable from its patient from now on, and give it to another one if named.  One that is nobody's is given too.

    Example: vigil pair move 3 --patient 2 --gateway 1 --by m.testova
    """
    from alerts.care.enrol import end_enrolment, enrol, is_enrolled, transfer

    if (patient is None) != (gateway is None):
        raise DeployError("Name both the new patient and the gateway, or neither: --patient 2 --gateway 1.")
    with transaction() as (tx, master):
        who = author(tx, by)
        if patient is None or gateway is None:
            print(f"device {device} was patient {end_enrolment(tx, device, datetime.now(UTC), who)}'s, and is nobody's now")
            return
        give = transfer if is_enrolled(tx, device) else enrol
        give(tx, master, device, patient, gateway, datetime.now(UTC), who)
        print(f"device {device} is patient {patient}'s now")


@app.command()
def leaflet(
    patient: Annotated[int, typer.Argument(help="the patient's number", show_default=False)],
    by: By,
    gateway: Annotated[
        int | None, typer.Option(help="the one in the home; default: the one that serves the patient", show_default=False)
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="in the box: belt, oximeter, cuff, thermometer, scale, meter or glucose_sensor; default: the page asks",
            show_default=False,
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=30, help="until it ends, if nobody finishes it")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make a leaflet: the link, with its QR, that leads a patient from the box to the ward's receipt, without anybody else.

    The code is printed this once.  Earlier leaflets of the patient that nobody has finished end.  Undo: vigil patient
    revoke-code.

    Example: vigil pair leaflet 1 --gateway 1 --kind belt --by m.testova
    """
    import segno

    from alerts.care.pairing_codes import make_leaflet
    from alerts.desk.settings import DeskSettings

    address = DeskSettings().public_url.rstrip("/")
    with transaction() as (tx, master):
        who = author(tx, by)
        made = make_leaflet(tx, master, patient, gateway, who, kind=kind, days=days)
        write_down(tx, who, "pairing.made", f"patient:{patient}", code=made.pairing)
    link = f"{address}/pair/{made.code}"
    if as_json:
        print_record({"code": made.pairing, "link": link, "expires": made.expires}, as_json=True)
        return
    print(f"leaflet {made.pairing} of patient {patient}, until {made.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC:\n{link}")
    if address.startswith("http://"):
        print("This link is not encrypted: set VIGIL_DESK_PUBLIC_URL to the desk's https address before you hand it out.")
    segno.make(link, error="m").terminal(border=2, compact=True)


@app.command()
def consent(patient: int, by: By, withdraw: Annotated[bool, typer.Option(help="it is withdrawn")] = False) -> None:
    """Record a patient's consent, or its withdrawal: from then on nothing of this patient is accepted.

    Example: vigil pair consent 1 --withdraw --by m.testova
    """
    from alerts.care.consent import give_consent

    with transaction() as (tx, _):
        give_consent(tx, patient, not withdraw, author(tx, by))
        print(f"patient {patient}: consent {'withdrawn' if withdraw else 'given'}")
