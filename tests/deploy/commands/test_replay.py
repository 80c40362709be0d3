"""``vigil replay`` over a folder of CSV and over what the database holds: table, JSON and page."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from alerts.care.admit import admit_patient
from alerts.care.identity import Identity
from alerts.care.limits import set_limits
from alerts.care.people import add_person
from devices.vitals import Vital
from devices.wire.control import Facts, Level, Limit, Limits
from tests.deploy.commands.conftest import PASSWORD, Vigil

MILD = 'name = "mild"\n[limit.spo2.low]\nhigh = { limit = 85, hold_s = 15 }\n'
VALUES = [97] * 20 + [88] * 40 + [97] * 30


def test_a_folder_is_replayed_old_against_new(vigil: Vigil, tmp_path: Path) -> None:
    folder, rules, page = tmp_path / "data", tmp_path / "mild.toml", tmp_path / "page.html"
    folder.mkdir()
    (folder / "one.csv").write_text("time,spo2\n" + "".join(f"{at},{value}\n" for at, value in enumerate(VALUES)))
    rules.write_text(MILD)
    found = vigil.run("replay", str(folder), "--rules", str(rules), "--html", str(page), "--json")
    assert found.returncode == 0, found.stderr
    general, mild = json.loads(found.stdout)
    assert (general["rules"], general["calls"], mild["calls"]) == ("general", 1, 0)
    assert [one["patient"] for one in mild["lost"]] == ["one"]
    assert "<svg" in page.read_text()
    shown = vigil.run("replay", str(folder), "--rules", str(rules)).stdout
    assert "1 of 1" in shown
    assert "is an assumption" in shown


def test_what_the_database_holds_is_replayed_with_the_patients_own_limits(vigil: Vigil, tmp_path: Path) -> None:
    rules, begin = tmp_path / "mild.toml", datetime(2026, 11, 1, 10, tzinfo=UTC)
    rules.write_text(MILD)
    with psycopg.connect(vigil.database) as tx:
        by = add_person(tx, "c.boss", "C. Boss", "administrator", PASSWORD)
        (team,) = tx.execute("INSERT INTO care_team (name) VALUES ('Home') RETURNING team").fetchone() or (0,)
        people = [
            admit_patient(tx, vigil.master, Identity(family=name, given="T", born="1950-02-03"), team, Facts(), by)
            for name in ("Low", "Own")
        ]
        set_limits(tx, people[1], Limits((Limit(Vital.SPO2, "low", None, Level(80.0)),)), by)
        for patient in people:
            for at, value in enumerate(VALUES):
                tx.execute(
                    "INSERT INTO reading (patient, time, device, epoch, sequence, arrived, at_offset, spo2)"
                    " VALUES (%s, %s, 7, 1, %s, %s, 0, %s)",
                    [patient, begin + timedelta(seconds=at), at, begin, value],
                )
    found = vigil.run("replay", "--rules", str(rules), "--from", "2026-11-01T10:00", "--to", "2026-11-01T10:02", "--json")
    assert found.returncode == 0, found.stderr
    old, mild = json.loads(found.stdout)
    assert (old["rules"], old["calls"], mild["calls"]) == ("in force", 1, 0), "the other one has an own limit of 80"
    assert [one["patient"] for one in mild["lost"]] == [f"patient {people[0]}"]
    assert "Say of which time" in vigil.run("replay", "--rules", str(rules)).stderr
    nothing = vigil.run("replay", "--rules", str(rules), "--from", "2020-01-01", "--to", "2020-01-02")
    assert "Nothing was measured" in nothing.stderr
