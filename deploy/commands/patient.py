"""``vigil patient``: look patients up, import them, change what is known of them, discharge, readmit and pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import typer

from deploy.acting import AsJson, By, author, transaction, write_down
from deploy.errors import DeployError
from deploy.look_up import add_show, print_all
from deploy.printed import print_record, print_table

if TYPE_CHECKING:
    from alerts.care.identity import Identity
    from alerts.database import Tx

app = typer.Typer(
    help="Look patients up, import a ward, change facts and identity, discharge, readmit, pause rules.", no_args_is_help=True
)
Number = Annotated[int, typer.Argument(help="the patient's number", show_default=False)]
_YES: Final[dict[str, bool | None]] = {"yes": True, "no": False, "unknown": None}


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="patient")


@app.command("list")
def show_all(
    team: Annotated[int | None, typer.Option(help="only this care team's", show_default=False)] = None,
    everyone: Annotated[bool, typer.Option("--all", help="discharged patients too")] = False,
    as_json: AsJson = False,
) -> None:
    """List the patients in care.

    Example: vigil patient list --team 1 --json
    """
    from alerts.care.registers import patients

    def found(tx: Tx, master: bytes) -> list[dict[str, Any]]:
        return patients(tx, master, team=team, discharged=everyone)

    print_all(found, "patient", "vigil pair patient", as_json=as_json)


add_show(app, "patient", "Show what is known of a patient: identity, facts, consent, devices, pauses.", Number, "1")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8; its first line names the columns", show_default=False)],
    by: By,
    team: Annotated[int | None, typer.Option(help="the care team of lines that name none", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="report, and change nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Admit the patients of a CSV file, and report each line.

    Columns: family, given, born (YYYY-MM-DD), record; if wanted sex, phone, team (number or name), consent (yes or no).
    Commas, semicolons or tabs separate the values.

    A bad line is named with its column, and the good ones are admitted.  A patient who is there already with the same record
    number and identity stays unchanged: correct the bad lines, and import the same file again.  Ends with status 1 if a line
    was refused.

    Example: vigil patient import ward.csv --team 1 --by a.boss --dry-run
    """
    from alerts.care.import_lines import decoded
    from alerts.care.import_patients import import_patients

    text = decoded(file.read_bytes())
    with transaction() as (tx, master):
        who = author(tx, by)
        report = import_patients(tx, master, text, team=team, by=who, dry_run=dry_run)
        for line in report:
            if line.outcome == "admitted":
                write_down(tx, who, "patient.admitted", f"patient:{line.patient}", imported=True)
    counts = {word: sum(line.outcome == word for line in report) for word in ("admitted", "ready", "unchanged", "refused")}
    if as_json:
        print_record({**counts, "lines": msgspec.to_builtins(report)}, as_json=True)
    else:
        rows = [
            {"line": line.line, "outcome": line.outcome, "patient": line.patient or "", "column": column, "what to do": text}
            for line in report
            for column, text in [(one.column, one.message) for one in line.problems] or [("", "")]
        ]
        print_table(rows, as_json=False, empty="")
        print(", ".join(f"{count} {word}" for word, count in counts.items() if count))
    if counts["refused"]:
        raise typer.Exit(1)


@app.command()
def facts(
    patient: Number,
    by: By,
    oxygen: Annotated[Literal["yes", "no", "unknown"] | None, typer.Option(help="breathes added oxygen")] = None,
    consciousness: Annotated[
        Literal["A", "C", "V", "P", "U", "unknown"] | None, typer.Option(help="ACVPU; C: new confusion")
    ] = None,
    spo2_scale: Annotated[int | None, typer.Option(min=1, max=2, help="of NEWS2; 2 only as prescribed")] = None,
    pregnant: Annotated[Literal["yes", "no"] | None, typer.Option()] = None,
    dry_weight: Annotated[
        float | None, typer.Option(min=0, max=600, help="kg, from which gains count from now on; 0: not known")
    ] = None,
) -> None:
    """Change facts that scores need and no wearable measures, from now on.  What is not named stays as it is.

    NEWS2 cannot count oxygen or consciousness that is not known.  Undo: give the former value again.

    Example: vigil patient facts 1 --oxygen yes --consciousness A --by m.testova
    """
    from alerts.care.facts import facts_of, set_facts

    changes: dict[str, Any] = {}
    if oxygen is not None:
        changes["oxygen"] = _YES[oxygen]
    if consciousness is not None:
        changes["consciousness"] = None if consciousness == "unknown" else consciousness
    if spo2_scale is not None:
        changes["spo2_scale"] = spo2_scale
    if pregnant is not None:
        changes["pregnant"] = _YES[pregnant]
    if dry_weight is not None:
        changes["dry_weight"] = dry_weight or None
    if not changes:
        raise DeployError("Name what has changed: --oxygen, --consciousness, --spo2-scale, --pregnant or --dry-weight.")
    with transaction() as (tx, _):
        who = author(tx, by)
        known = msgspec.structs.replace(facts_of(tx, patient), **changes)
        set_facts(tx, patient, known, who)
        write_down(tx, who, "facts.changed", f"patient:{patient}", fields=sorted(changes))
    print_record({"patient": patient, **msgspec.structs.asdict(known)}, as_json=False)


@app.command()
def programme(
    patient: Number,
    by: By,
    name: Annotated[str | None, typer.Argument(help="such as heart-failure or copd", show_default=False)] = None,
    none: Annotated[bool, typer.Option("--none", help="in no programme any more")] = False,
) -> None:
    """Put a patient into a programme, whose rules then stand before those of the whole installation.

    Undo: name the former programme, or --none.  vigil rules list --patient 1 shows what holds then.

    Examples: vigil patient programme 1 heart-failure --by m.testova; vigil patient programme 1 --none --by m.testova
    """
    from alerts.care.layers import set_programme

    if none == (name is not None):
        raise DeployError("Name the programme, or say --none: vigil patient programme 1 heart-failure.")
    with transaction() as (tx, _):
        who = author(tx, by)
        set_programme(tx, patient, name, who)
        write_down(tx, who, "patient.programme", f"patient:{patient}", programme=name)
    print(f"Patient {patient}: programme {name or 'none'}, on its way to the log.")


@app.command()
def correct(
    patient: Number,
    by: By,
    family: Annotated[str | None, typer.Option(show_default=False)] = None,
    given: Annotated[str | None, typer.Option(show_default=False)] = None,
    born: Annotated[str | None, typer.Option(help="YYYY-MM-DD", show_default=False)] = None,
    sex: Annotated[str | None, typer.Option(show_default=False)] = None,
    record: Annotated[str | None, typer.Option(help="record number", show_default=False)] = None,
    phone: Annotated[str | None, typer.Option(show_default=False)] = None,
) -> None:
    """Correct a patient's identity.  What is not named stays; an identity that cannot be read is entered again, whole.

    Example: vigil patient correct 1 --born 1954-07-14 --by m.testova
    """
    from alerts.care.admit import identity_of
    from alerts.care.correct import correct_identity
    from alerts.care.identity import Identity
    from alerts.errors import CareError, UnknownRecordError
    from devices.errors import DeviceError

    named = {"family": family, "given": given, "born": born, "sex": sex, "record_number": record, "phone": phone}
    changes = {field: text for field, text in named.items() if text is not None}
    if not changes:
        raise DeployError("Name what is to be corrected: --family, --given, --born, --sex, --record or --phone.")
    with transaction() as (tx, master):
        who = author(tx, by)
        try:
            corrected: Identity = msgspec.structs.replace(identity_of(tx, master, patient), **changes)
        except UnknownRecordError:
            raise
        except (DeviceError, CareError):
            if family is None or given is None or born is None:
                raise DeployError(
                    f"The identity of patient {patient} cannot be read: first see that vigil doctor finds the master key"
                    " right, then enter it again with --family, --given, --born and --record."
                ) from None
            corrected = Identity(**changes)
        correct_identity(tx, master, patient, corrected, who)
        write_down(tx, who, "identity.corrected", f"patient:{patient}", fields=sorted(changes))
    print(f"patient {patient} is {corrected.name}, born {corrected.born}, record number {corrected.record_number}")


@app.command()
def discharge(patient: Number, by: By) -> None:
    """End a patient's care now: the wearables become nobody's, and the lists show the patient no more.

    What was measured stays.  Undo: vigil patient readmit, then give the wearables again with vigil pair move.

    Example: vigil patient discharge 1 --by m.testova
    """
    from alerts.care.admit import discharge_patient

    with transaction() as (tx, _):
        who = author(tx, by)
        discharge_patient(tx, patient, datetime.now(UTC), who)
        write_down(tx, who, "patient.discharged", f"patient:{patient}")
    print(f"patient {patient} is discharged; undo: vigil patient readmit {patient} --by {by}")


@app.command()
def readmit(patient: Number, by: By) -> None:
    """Take a discharged patient into care again, with facts, limits and consent as they were, and without wearables.

    Example: vigil patient readmit 1 --by m.testova
    """
    from alerts.care.admit import readmit_patient

    with transaction() as (tx, _):
        who = author(tx, by)
        readmit_patient(tx, patient, who)
        write_down(tx, who, "patient.readmitted", f"patient:{patient}")
    print(
        f"patient {patient} is in care again; give the wearables back:"
        f" vigil pair move DEVICE --patient {patient} --gateway GATEWAY --by {by}"
    )


@app.command()
def codes(patient: Number, as_json: AsJson = False) -> None:
    """List the leaflets of a patient: their number and how far they are, never the code.  Make one: vigil pair leaflet.

    Example: vigil patient codes 1
    """
    from alerts.care.pairing_codes import codes as found

    with transaction() as (tx, _):
        rows = found(tx, patient)
    print_table(
        rows, as_json=as_json, empty=f"Patient {patient} has no leaflet: make one with vigil pair leaflet {patient}."
    )


@app.command("revoke-code")
def revoke(
    patient: Number,
    by: By,
    code: Annotated[int | None, typer.Option(help="the leaflet's number; default: all of them", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a patient's leaflets: their link, and the patient's own page behind it, open no more.

    Example: vigil patient revoke-code 1 --code 3 --by m.testova
    """
    from alerts.care.pairing_codes import revoke_code

    with transaction() as (tx, _):
        who = author(tx, by)
        ended = revoke_code(tx, patient, code)
        for one in ended:
            write_down(tx, who, "pairing.revoked", f"patient:{patient}", code=one)
    if as_json:
        print_record({"patient": patient, "revoked": ended}, as_json=True)
    else:
        numbers = ", ".join(map(str, ended))
        print(f"patient {patient}: leaflet {numbers} opens nothing any more" if ended else "None of them was open any more.")


@app.command()
def pause(
    patient: Number,
    rule: Annotated[str, typer.Argument(help="such as spo2.low, news2, no_data; '*': all rules", show_default=False)],
    minutes: Annotated[int, typer.Option(min=1, max=720, help="how long", show_default=False)],
    reason: Annotated[str, typer.Option(help="why", show_default=False)],
    by: By,
) -> None:
    """Let a rule of a patient say nothing for a time; '*' means all of its rules.  Undo: vigil patient resume.

    Example: vigil patient pause 1 spo2.low --minutes 60 --reason physiotherapy --by m.testova
    """
    from alerts.care.pauses import pause as begin
    from alerts.database import now

    with transaction() as (tx, _):
        who = author(tx, by)
        until = now(tx) + timedelta(minutes=minutes)
        begin(tx, patient, rule, until, reason, who)
        write_down(tx, who, "rule.paused", f"patient:{patient}", rule=rule, minutes=minutes)
    print(f"patient {patient}: {rule} says nothing until {until.astimezone(UTC):%H:%M} UTC")


@app.command()
def observe(
    patient: Number,
    by: By,
    rr: Annotated[float | None, typer.Option(help="breaths a minute, counted")] = None,
    spo2: Annotated[float | None, typer.Option(help="oxygen saturation, %")] = None,
    pulse: Annotated[float | None, typer.Option(help="beats a minute")] = None,
    bp: Annotated[str | None, typer.Option(help="blood pressure, as 120/80")] = None,
    temp: Annotated[float | None, typer.Option(help="temperature, °C")] = None,
) -> None:
    """Enter what was measured by hand just now.  It takes the path of a reading, and counts within seconds.

    Oxygen and consciousness: vigil patient facts.  What was wrong is corrected by another observation.

    Examples: vigil patient observe 1 --rr 24 --by m.testova; vigil patient observe 1 --bp 120/80 --temp 37.2 --by m.testova
    """
    from alerts.care.observations import observe as enter
    from alerts.life.typed_number import decimal_number
    from devices.vitals import Vital

    named = {Vital.RESPIRATORY_RATE: rr, Vital.SPO2: spo2, Vital.PULSE_RATE: pulse, Vital.TEMPERATURE: temp}
    values = {vital: value for vital, value in named.items() if value is not None}
    if bp is not None:
        systolic, diastolic = (decimal_number(part) for part in f"{bp}/".split("/")[:2])
        if systolic is None or diastolic is None:
            raise DeployError(f"{bp} is no blood pressure: write it as 120/80.")
        values |= {Vital.SYSTOLIC: systolic, Vital.DIASTOLIC: diastolic}
    with transaction() as (tx, _):
        who = author(tx, by)
        number = enter(tx, patient, values, who)
        write_down(tx, who, "observation.made", f"patient:{patient}", vitals=sorted(values))
    print(f"observation {number} of patient {patient} is on its way to the log")


@app.command()
def away(
    patient: Number,
    reason: Annotated[Literal["admitted", "holiday", "returned", "asked"], typer.Argument(help="why", show_default=False)],
    days: Annotated[int, typer.Option(min=1, max=31, help="how long", show_default=False)],
    by: By,
    note: Annotated[str, typer.Option(help="more about it")] = "",
) -> None:
    """Watch a patient no more for some days: admitted to hospital, on holiday, devices returned, asked for a break.

    Their standing alarms end and none begins.  Undo: vigil patient resume 1 '*'.

    Example: vigil patient away 1 admitted --days 7 --by m.testova
    """
    from alerts.care.pauses import pause_patient
    from alerts.database import now

    with transaction() as (tx, _):
        who = author(tx, by)
        until = now(tx) + timedelta(days=days)
        pause_patient(tx, patient, until, reason, note, who)
        write_down(tx, who, "patient.paused", f"patient:{patient}", days=days, reason=reason)
    print(
        f"patient {patient} is not watched until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC;"
        f" undo: vigil patient resume {patient} '*' --by {by}"
    )


@app.command()
def resume(patient: Number, rule: Annotated[str, typer.Argument(help="as it was paused")], by: By) -> None:
    """End a pause now.

    Example: vigil patient resume 1 spo2.low --by m.testova
    """
    from alerts.care.pauses import resume as end

    with transaction() as (tx, _):
        who = author(tx, by)
        if not end(tx, patient, rule, who):
            raise DeployError(f"Patient {patient} has no pause of {rule}: see vigil patient show {patient}.")
        write_down(tx, who, "rule.resumed", f"patient:{patient}", rule=rule)
    print(f"patient {patient}: {rule} speaks again")
