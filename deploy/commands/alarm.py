"""``vigil alarm``: the acts of the desk as commands: take a patient, record the outcome, snooze, give, hand over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from deploy.acting import AsJson, By, author, person_named, transaction, write_down
from deploy.errors import DeployError
from deploy.logs import warnings_only
from deploy.printed import print_table

if TYPE_CHECKING:
    from alerts.database import Tx
    from alerts.life.alarm import Alarm
    from alerts.life.events import Act

app = typer.Typer(help="See open alarms and act on them: one patient, one act.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="the patient's number", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="alarm")


@app.command("list")
def show_all(
    patient: Annotated[int | None, typer.Option(help="only this patient's", show_default=False)] = None,
    of: Annotated[str | None, typer.Option("--of", help="only what this person has (a sign-in)", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List open alarms, each with its state, its owner and its version.

    Examples: vigil alarm list; vigil alarm list --patient 1 --json; vigil alarm list --of m.testova
    """
    from alerts.care.hands import open_alarms, work_of

    with warnings_only(), transaction() as (tx, _):
        found = open_alarms(tx, patient) if of is None else work_of(tx, person_named(tx, of))
        records = _records(tx, found)
    print_table(records, as_json=as_json, empty="No alarm is open.")


@app.command()
def calls(patient: Number, as_json: AsJson = False) -> None:
    """List who was called about a patient, by which channel and with which receipt, and who is next.

    Example: vigil alarm calls 1
    """
    from alerts.care.calls import calls_of
    from alerts.care.records import check_in_care
    from alerts.database import to_datetime

    with transaction() as (tx, _):
        check_in_care(tx, patient)
        found = calls_of(tx, patient)
    records: list[dict[str, object]] = [
        {
            "at": to_datetime(one.at).astimezone(UTC) if one.at is not None else None,
            "call": one.step + 1,
            "who": one.who,
            "channel": one.channel,
            "state": one.state,
            "attempts": one.attempts,
        }
        for one in found.made
    ]
    if found.after is not None:
        at = to_datetime(found.after.at).astimezone(UTC)
        who = ", ".join(found.after.who)
        records.insert(0, {"at": at, "call": "next", "who": who, "channel": "", "state": "if nobody acts", "attempts": 0})
    print_table(records, as_json=as_json, empty=f"Nobody was called about patient {patient}.")


@app.command()
def acknowledge(patient: Number, by: By) -> None:
    """Take a patient: acknowledge, in one act, all alarms of theirs that nobody has.

    Example: vigil alarm acknowledge 1 --by m.testova
    """
    from alerts.life.events import Acknowledge

    _act(patient, by, "acknowledged", Acknowledge, lambda one: one.life == "unacknowledged")


@app.command()
def outcome(
    patient: Number,
    what: Annotated[Literal["called", "visit", "limits_adjusted", "false_alarm"], typer.Argument(show_default=False)],
    by: By,
    reason: Annotated[str, typer.Option(help="why it was false")] = "",
    note: Annotated[str, typer.Option()] = "",
) -> None:
    """Record one outcome for the work on a patient: for all alarms that somebody has.

    Examples: vigil alarm outcome 1 called --by m.testova;
    vigil alarm outcome 1 false_alarm --reason Movement --by m.testova
    """
    from alerts.life.events import RecordOutcome

    _act(
        patient, by, f"outcome {what}", lambda who, at: RecordOutcome(who, at, what, reason, note),
        lambda one: one.life == "acknowledged" and one.outcome is None,
    )  # fmt: skip


@app.command()
def note(patient: Number, text: Annotated[str, typer.Argument(show_default=False)], by: By) -> None:
    """Write a note on all open alarms of a patient.

    Example: vigil alarm note 1 "daughter informed" --by m.testova
    """
    from alerts.life.events import AddNote

    _act(patient, by, "noted", lambda who, at: AddNote(who, at, text), lambda _: True)


@app.command()
def snooze(
    patient: Number,
    by: By,
    minutes: Annotated[int, typer.Option(help="at most 60 for a high alarm", show_default=False)],
    reason: Annotated[str, typer.Option(show_default=False)],
    alarm: Annotated[int | None, typer.Option(help="only this alarm", show_default=False)] = None,
) -> None:
    """Snooze a patient's alarms until a time; one that gets worse calls at once.  Undo: vigil alarm unsnooze.

    Example: vigil alarm snooze 1 --minutes 10 --reason "care at the bedside" --by m.testova
    """
    from alerts.life.events import Shelve

    _act(
        patient, by, f"snoozed for {minutes} min", lambda who, at: Shelve(who, at, at + minutes * 60_000, reason),
        lambda one: alarm in (None, one.alarm),
    )  # fmt: skip


@app.command()
def unsnooze(patient: Number, by: By) -> None:
    """End the snoozes of a patient's alarms now.

    Example: vigil alarm unsnooze 1 --by m.testova
    """
    from alerts.life.events import Unshelve

    _act(patient, by, "no longer snoozed", Unshelve, lambda one: one.life == "shelved")


@app.command()
def give(patient: Number, to: Annotated[str, typer.Argument(help="a sign-in", show_default=False)], by: By) -> None:
    """Give the work on a patient to somebody else of the care team; its outcome is due when it was.

    Example: vigil alarm give 1 j.sample --by m.testova
    """
    from alerts.care.hands import act_on, check_member, open_alarms
    from alerts.database import now_ms
    from alerts.life.events import Reassign

    with warnings_only(), transaction() as (tx, _):
        who, other = author(tx, by), author(tx, to)
        check_member(tx, [patient], other)
        mine = [one for one in open_alarms(tx, patient) if one.owner is not None]
        done = act_on(tx, patient, mine, Reassign(who, now_ms(tx), other))
        write_down(tx, who, "alarm.given", f"patient:{patient}", to=other)
    print(f"{to} has {_count(done.alarms)} of patient {patient}; undo: vigil alarm give {patient} {by} --by {to}")


@app.command()
def undo(patient: Number, by: By) -> None:
    """Take your own last act on a patient's alarms back, within 20 seconds of it.

    Example: vigil alarm undo 1 --by m.testova
    """
    from alerts.care.hands import check_member, open_alarms
    from alerts.database import now_ms
    from alerts.fold.fold import last_act_of, take_back

    with warnings_only(), transaction() as (tx, _):
        who = author(tx, by)
        check_member(tx, [patient], who)
        chosen = last_act_of(tx, [one.alarm for one in open_alarms(tx, patient)], who)
        if not chosen:
            raise DeployError("There is nothing to take back: the last act is too long ago, or was somebody else's.")
        done = take_back(tx, chosen, who, now_ms(tx))
        write_down(tx, who, "alarm.taken_back", f"patient:{patient}", alarms=[one.alarm for one in done])
    print(f"the last act on {_count(done)} of patient {patient} is taken back")


@app.command("hand-over")
def hand_over(
    person: Annotated[str, typer.Argument(help="whose shift ends (a sign-in)", show_default=False)],
    to: Annotated[str, typer.Argument(help="whose shift begins (a sign-in)", show_default=False)],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Hand a shift over: all that one person has goes to another, with a summary of it.

    Example: vigil alarm hand-over m.testova j.sample --by m.testova
    """
    from alerts.care.hands import hand_over as hand

    with warnings_only(), transaction() as (tx, _):
        who, giver, other = author(tx, by), person_named(tx, person), author(tx, to)
        given = hand(tx, giver, other, who)
        write_down(tx, who, "shift.handed_over", f"person:{giver}", to=other, alarms=[one.alarm for one in given])
        records = _records(tx, given)
    print_table(records, as_json=as_json, empty="Nothing was handed over.")


def _act(patient: int, by: str, done: str, act: Callable[[int, int], Act], which: Callable[[Alarm], bool]) -> None:
    from alerts.care.hands import act_on, open_alarms
    from alerts.database import now_ms

    with warnings_only(), transaction() as (tx, _):
        who = author(tx, by)
        chosen = [one for one in open_alarms(tx, patient) if which(one)]
        pressed = act_on(tx, patient, chosen, act(who, now_ms(tx)))
        write_down(tx, who, "alarm.acted", f"patient:{patient}", done=done, alarms=[one.alarm for one in pressed.alarms])
    print(f"{_count(pressed.alarms)} of patient {patient} {done} by {by}")
    if pressed.conflict is not None:
        raise DeployError(f"One changed meanwhile and was left: {pressed.conflict}")


def _count(alarms: Iterable[Alarm]) -> str:
    n = len(list(alarms))
    return "1 alarm" if n == 1 else f"{n} alarms"


def _records(tx: Tx, alarms: Iterable[Alarm]) -> list[dict[str, object]]:
    from alerts.database import to_datetime

    people = dict(tx.execute("SELECT person, sign_in FROM person").fetchall())
    return [
        {
            "patient": one.subject if one.subject_kind == "patient" else "the system",
            "alarm": one.alarm,
            "rule": one.rule,
            "priority": one.priority.word,
            "state": one.state,
            "since": to_datetime(one.onset).astimezone(UTC),
            "owner": people.get(one.owner) if one.owner is not None else "nobody",
            "outcome": one.outcome or "none",
            "note": one.note or "",
            "version": one.version,
        }
        for one in alarms
    ]
