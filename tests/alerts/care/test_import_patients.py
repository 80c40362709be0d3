"""A file of patients is admitted line by line, and only once."""

from __future__ import annotations

from alerts.care.admit import discharge_patient, identity_of
from alerts.care.consent import has_consented
from alerts.care.facts import facts_of
from alerts.care.import_patients import Reported, import_patients
from tests.alerts.care.conftest import ADA, BEGAN, MASTER, Ward, sent
from tests.alerts.conftest import Db

FILE = (
    "family,given,born,record,consent\n"
    "Sampleson,Cleo,1950-01-02,VT-9,yes\n"
    "Bad,Date,14.07.1945,VT-10,\n"
    "Mockford,Dan,1951-02-03,VT-11,no\n"
)


def run(db: Db, ward: Ward, text: str = FILE, *, dry_run: bool = False) -> list[Reported]:
    with db.transaction():
        return import_patients(db, MASTER, text, team=ward.team, by=1, dry_run=dry_run)


def outcomes(report: list[Reported]) -> list[tuple[int, str]]:
    return [(one.line, one.outcome) for one in report]


def count(db: Db) -> int:
    row = db.execute("SELECT (SELECT count(*) FROM patient) + (SELECT count(*) FROM control_outbox)").fetchone()
    assert row
    return int(row[0])


def test_good_lines_are_admitted_bad_ones_named_and_a_second_time_nothing_changes(db: Db, ward: Ward) -> None:
    first = run(db, ward)
    assert outcomes(first) == [(2, "admitted"), (3, "refused"), (4, "admitted")]
    cleo, dan = first[0].patient, first[2].patient
    assert cleo and dan
    assert identity_of(db, MASTER, cleo).name == "SAMPLESON, Cleo"
    assert facts_of(db, cleo).born == "1950-01-02"
    assert has_consented(db, cleo) and not has_consented(db, dan)
    assert [one.column for one in first[1].problems] == ["born"]
    before = count(db)
    again = run(db, ward)
    assert outcomes(again) == [(2, "unchanged"), (3, "refused"), (4, "unchanged")]
    assert (again[0].patient, again[2].patient) == (cleo, dan)
    assert count(db) == before


def test_a_dry_run_reports_the_same_and_changes_nothing(db: Db, ward: Ward) -> None:
    before = count(db)
    assert outcomes(run(db, ward, dry_run=True)) == [(2, "ready"), (3, "refused"), (4, "ready")]
    assert count(db) == before


def test_a_record_number_of_another_patient_is_refused_in_care_or_discharged(db: Db, ward: Ward) -> None:
    with db.transaction():
        discharge_patient(db, ward.bruno, BEGAN, by=1)
    head = "family,given,born,record\n"
    report = run(db, ward, head + "Other,Person,1950-01-02,vt 41744\nTestwell,Bruno,1958-03-02,VT-4211-1\n")
    assert outcomes(report) == [(2, "refused"), (3, "refused")]
    (taken,), (gone,) = report[0].problems, report[1].problems
    assert f"Patient {ward.ada} has this record number" in taken.message
    assert f"take patient {ward.bruno} into care again" in gone.message
    assert sent(db, ward.ada) and identity_of(db, MASTER, ward.ada) == ADA


def test_a_patient_who_is_there_already_changes_no_team(db: Db, ward: Ward) -> None:
    db.execute("UPDATE care_team SET name = 'South' WHERE team = %s", [ward.team])
    db.execute("INSERT INTO care_team (name) VALUES ('North')")
    text = "family,given,born,record,sex,team\nExampleton,Ada,1945-07-14,VT-4174-4,female,"
    assert outcomes(run(db, ward, text + "South")) == [(2, "unchanged")]
    (line,) = run(db, ward, text + "North")
    assert (line.outcome, line.problems[0].column) == ("refused", "team")
