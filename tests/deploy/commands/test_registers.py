"""Patients, people, gateways and teams are looked up and changed on the command line, on a real database."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alerts.care.admit import admit_patient
from alerts.care.channels import register_channels
from alerts.care.consent import give_consent
from alerts.care.devices import add_device
from alerts.care.enrol import enrol
from alerts.care.facts import facts_of
from alerts.care.gateways import add_gateway, claim, hash_of
from alerts.care.identity import Identity
from alerts.care.people import add_person, person_with
from alerts.care.teams import add_team, join
from deploy.schema.migrate import migrate
from deploy.stack.postgres import Postgres
from devices.wire.control import Facts
from devices.wire.sealing import new_key
from tests.deploy.commands.conftest import PASSWORD, MakeVigil, Vigil
from tests.fix_database import fresh_database

BY = ("--by", "a.boss")


@pytest.fixture(scope="module")
def seeded(postgres: Postgres) -> Iterator[tuple[str, bytes]]:
    """The name of a database, and its master key: team 1 with a nurse, an administrator, patients 1 and 2, gateways 1 and 2,
    and device 1 for patient 1 at gateway 1.
    """
    master = new_key()
    for url in fresh_database(postgres, extension=False):
        migrate(url)
        with psycopg.connect(url) as tx:
            team = add_team(tx, "North")
            join(tx, add_person(tx, "m.testova", "M. Testova", "nurse", PASSWORD), team)
            boss = add_person(tx, "a.boss", "A. Boss", "administrator", PASSWORD)
            for family, given, born, record in (
                ("Exampleton", "Ada", "1945-07-14", "VT-1"),
                ("Testwell", "Bruno", "1958-03-02", "VT-2"),
            ):
                identity = Identity(family=family, given=given, born=born, record_number=record)
                admit_patient(tx, master, identity, team, Facts(), boss)
            give_consent(tx, 1, True, boss)
            homes = [add_gateway(tx, name) for name in ("Mill Lane 4", "Mill Lane 5")]
            belt = add_device(tx, "belt", "ble", "C0:DE:00:00:00:01", 1)
            enrol(tx, master, belt, 1, homes[0], datetime.now(UTC), boss)
        yield url.rpartition("/")[2], master


@pytest.fixture
def ward(seeded: tuple[str, bytes], postgres: Postgres, make_vigil: MakeVigil) -> Iterator[Vigil]:
    """A copy of the seeded database, for one test."""
    name, master = seeded
    copy = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        yield make_vigil(postgres.url_of(copy), master)
        server.execute(f"DROP DATABASE {copy} WITH (FORCE)")


def ok(vigil: Vigil, *words: str) -> str:
    done = vigil.run(*words)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def refused(vigil: Vigil, *words: str) -> str:
    done = vigil.run(*words)
    assert done.returncode == 1, (words, done.stdout)
    assert "Traceback" not in done.stderr
    return done.stderr


def shown(vigil: Vigil, *words: str) -> Any:
    return json.loads(ok(vigil, *words, "--json"))


def sent(vigil: Vigil) -> list[tuple[int, str]]:
    with psycopg.connect(vigil.database) as db:
        return db.execute("SELECT patient, kind FROM control_outbox ORDER BY sequence").fetchall()


def test_facts_that_news2_needs_reach_the_engine_and_can_be_taken_back(ward: Vigil) -> None:
    before = len(sent(ward))
    ok(ward, "patient", "facts", "1", "--oxygen", "yes", "--consciousness", "C", "--spo2-scale", "2", *BY)
    with psycopg.connect(ward.database) as db:
        assert facts_of(db, 1) == Facts(2, True, "C", "1945-07-14")
    ok(ward, "patient", "facts", "1", "--consciousness", "unknown", *BY)
    assert sent(ward)[before:] == [(1, "facts")] * 2
    known = shown(ward, "patient", "show", "1")
    assert (known["oxygen"], known["consciousness"], known["spo2_scale"]) == (True, None, 2)
    assert "Name what has changed" in refused(ward, "patient", "facts", "1", *BY)
    assert "no patient 9" in refused(ward, "patient", "facts", "9", "--oxygen", "no", *BY)


def test_a_discharge_is_undone_and_what_needs_care_is_refused_meanwhile(ward: Vigil) -> None:
    with psycopg.connect(ward.database, autocommit=True) as db:
        db.execute(
            "INSERT INTO alarm (subject_kind, subject, rule, source, category, active, priority, onset, life)"
            " VALUES ('patient', 1, 'news2', 0, 'physiological', true, 3, now(), 'unacknowledged')"
        )
        assert "1 alarms that nobody acknowledged" in refused(ward, "patient", "discharge", "1", *BY)
        db.execute("UPDATE alarm SET life = 'acknowledged'")
    ok(ward, "patient", "discharge", "1", *BY)
    assert sent(ward)[-2:] == [(1, "enrolment"), (1, "pause")]  # every rule is paused: what stands ends, nothing comes again
    assert [one["patient"] for one in shown(ward, "patient", "list")] == [2]
    assert [one["patient"] for one in shown(ward, "patient", "list", "--all")] == [1, 2]
    pause = ("patient", "pause", "1", "spo2.low", "--minutes", "5", "--reason", "bath")
    for words in (
        ("patient", "discharge", "1"),
        ("patient", "facts", "1", "--oxygen", "no"),
        ("patient", "correct", "1", "--given", "Eva"),
        pause,
    ):
        assert "vigil patient readmit 1" in refused(ward, *words, *BY)
    ok(ward, "patient", "readmit", "1", *BY)
    assert "is in care" in refused(ward, "patient", "readmit", "1", *BY)
    ok(ward, "pair", "move", "1", "--patient", "1", "--gateway", "1", *BY)
    assert shown(ward, "patient", "show", "1")["devices"][0]["until"] is None


def test_a_record_number_is_given_once(ward: Vigil) -> None:
    again = ("pair", "patient", "OTHER", "Eva", "--born", "1950-01-01", "--record", "vt 1", "--team", "1", *BY)
    assert "Patient 1 has this record number already" in refused(ward, *again)
    assert "Patient 1 has this" in refused(ward, "patient", "correct", "2", "--record", "VT1", *BY)
    ok(ward, "patient", "discharge", "1", *BY)
    assert "see vigil patient readmit 1" in refused(ward, *again)


def test_a_typing_error_in_an_identity_is_corrected_everywhere(ward: Vigil) -> None:
    ok(ward, "patient", "correct", "1", "--born", "1954-07-14", "--family", "Examplestone", *BY)
    known = shown(ward, "patient", "show", "1")
    assert (known["name"], known["born"], known["record_number"]) == ("EXAMPLESTONE, Ada", "1954-07-14", "VT-1")
    assert sent(ward)[-1] == (1, "facts")
    for words in (("--born", "1950-13-01"), ("--born", "2950-01-01"), ("--given", "A\x00"), ("--family", " ")):
        refused(ward, "patient", "correct", "1", *words, *BY)
    refused(ward, "person", "change", "m.testova", "--name", " ", *BY)
    with psycopg.connect(ward.database) as db:
        assert facts_of(db, 1).born == "1954-07-14"


def test_an_identity_that_cannot_be_read_is_named_entered_again_and_hides_nobody(ward: Vigil) -> None:
    with psycopg.connect(ward.database) as db:
        db.execute("UPDATE patient SET identity = '\\x00' WHERE patient = 1")
    assert [one["name"] for one in shown(ward, "patient", "list")] == ["(identity cannot be read)", "TESTWELL, Bruno"]
    assert "enter it again with --family" in refused(ward, "patient", "correct", "1", "--given", "Ada", *BY)
    whole = ("--family", "Exampleton", "--given", "Ada", "--born", "1945-07-14", "--record", "VT-1")
    ok(ward, "patient", "correct", "1", *whole, *BY)
    assert shown(ward, "patient", "show", "1")["name"] == "EXAMPLETON, Ada"


def test_a_pause_is_begun_shown_and_ended(ward: Vigil) -> None:
    ok(ward, "patient", "pause", "1", "spo2.low", "--minutes", "60", "--reason", "bath", *BY)
    assert [one["rule"] for one in shown(ward, "patient", "show", "1")["pauses"]] == ["spo2.low"]
    assert "no rule 'sp02.low'" in refused(ward, "patient", "pause", "1", "sp02.low", "--minutes", "9", "--reason", "x", *BY)
    ok(ward, "patient", "resume", "1", "spo2.low", *BY)
    assert "has no pause of spo2.low" in refused(ward, "patient", "resume", "1", "spo2.low", *BY)
    assert sent(ward)[-2:] == [(1, "pause"), (1, "pause")]


def test_a_patient_is_away_and_watched_again_and_a_nurse_enters_what_she_measured(ward: Vigil) -> None:
    assert "undo: vigil patient resume 1 '*'" in ok(ward, "patient", "away", "1", "admitted", "--days", "7", *BY)
    (pause,) = shown(ward, "patient", "show", "1")["pauses"]
    assert (pause["rule"], pause["reason"]) == ("*", "Admitted to hospital")
    ok(ward, "patient", "resume", "1", "*", *BY)
    assert "on its way to the log" in ok(ward, "patient", "observe", "1", "--rr", "24", "--bp", "118/70", *BY)
    assert "write it as 120/80" in refused(ward, "patient", "observe", "1", "--bp", "118", *BY)
    assert "nobody has less than 1 or more than 120" in refused(ward, "patient", "observe", "1", "--rr", "240", *BY)
    with psycopg.connect(ward.database) as db:
        content = db.execute("SELECT content FROM observation").fetchall()
    assert content == [({"respiratory_rate": 24, "systolic": 118, "diastolic": 70},)]


def test_a_stolen_gateway_is_revoked_and_another_one_takes_its_wearables(ward: Vigil) -> None:
    code = ok(ward, "pair", "gateway", "--again", "1").split("claim code ")[1].split()[0]
    with psycopg.connect(ward.database) as db:
        credential = claim(db, code).credential
    output = ok(ward, "gateway", "revoke", "1", *BY)
    assert "1 patients are not watched" in output
    assert "vigil gateway replace 1 NEW" in output
    with psycopg.connect(ward.database) as db:
        query = "SELECT gateway FROM gateway WHERE credential_hash = %s AND revoked IS NULL"
        assert db.execute(query, [hash_of(credential)]).fetchone() is None
        assert db.execute("SELECT count(*) FROM data_key WHERE gateway = 1 AND revoked IS NULL").fetchone() == (0,)
    assert "no gateway 1" in refused(ward, "gateway", "revoke", "1", *BY)
    assert "no gateway 1" in refused(ward, "gateway", "replace", "2", "1", *BY)
    ok(ward, "gateway", "replace", "1", "2", *BY)
    assert [one["gateway"] for one in shown(ward, "patient", "show", "1")["devices"]] == [2, 1]
    assert [(one["gateway"], one["devices"]) for one in shown(ward, "gateway", "list")] == [(1, 0), (2, 1)]
    assert shown(ward, "gateway", "show", "2")["devices"][0]["patient"] == 1


def test_a_wearable_is_looked_up_and_its_interval_reaches_engine_and_gateway(ward: Vigil) -> None:
    (belt,) = shown(ward, "device", "list")
    assert (belt["name"], belt["address"], belt["patient"], belt["gateway"]) == ("belt", "C0:DE:00:00:00:01", 1, 1)
    before = len(sent(ward))
    ok(ward, "device", "change", "1", "--interval", "300", "--name", "chest belt", *BY)
    assert sent(ward)[before:] == [(1, "enrolment")]
    with psycopg.connect(ward.database) as db:
        (version,) = db.execute("SELECT config_version FROM gateway WHERE gateway = 1").fetchone() or (0,)
        db.execute(
            "INSERT INTO event (patient, time, device, epoch, sequence, gateway, kind, value, arrived, at_offset)"
            " VALUES (1, now(), 1, 1, 1, 1, 'battery', '{\"percent\": 64}', now(), 1)"
        )
    known = shown(ward, "device", "show", "1")
    assert (known["name"], known["interval_s"], version) == ("chest belt", 300, 3)
    assert [one["patient"] for one in known["wearers"]] == [1]
    assert [(one["kind"], one["content"]) for one in known["events"]] == [("battery", '{"percent": 64}')]
    assert "no device 9" in refused(ward, "device", "show", "9")
    assert "not between 0 and" in refused(ward, "device", "change", "1", "--interval", "99999999", *BY)
    assert "--name or --interval" in refused(ward, "device", "change", "1", *BY)


@pytest.mark.parametrize("kind", ["patient", "person", "team", "gateway", "device"])
def test_every_register_is_listed_and_shown_in_the_same_way(ward: Vigil, kind: str) -> None:
    first = shown(ward, kind, "list")[0]
    key = first.get("sign_in", first.get(kind))
    one = shown(ward, kind, "show", str(key))
    assert {name: one[name] for name in ("name", next(iter(first)))} == {
        name: first[name] for name in ("name", next(iter(first)))
    }
    assert str(first["name"]) in ok(ward, kind, "list")
    assert f"name: {first['name']}" in ok(ward, kind, "show", str(key))
    for command in ("list", "show"):
        assert f"Example: vigil {kind} {command}" in ok(ward, kind, command, "--help")


def test_a_number_with_a_slip_of_the_finger_is_nobodys(ward: Vigil) -> None:
    pause = ("patient", "pause", "1", "news2", "--reason", "bath", *BY, "--minutes")
    for words in (
        ("patient", "show", "0_1"), ("gateway", "show", "١"), ("team", "show", "1e0"), ("patient", "show", "-1"),
        (*pause, "6_0"), (*pause, "6.0"), ("pair", "move", "0_1", *BY), ("pair", "consent", "1_0", *BY),
    ):  # fmt: skip
        done = ward.run(*words)
        assert done.returncode == 2, words
    ok(ward, *pause, "60")


def test_the_time_zone_of_a_home_is_set(ward: Vigil) -> None:
    ok(ward, "gateway", "zone", "1", "Europe/Berlin", *BY)
    assert shown(ward, "gateway", "show", "1")["zone"] == "Europe/Berlin"
    assert "no time zone 'Berlin': name one such as" in refused(ward, "gateway", "zone", "1", "Berlin", *BY)
    ok(ward, "pair", "gateway", "Mill Lane 6", "--zone", "America/New_York")
    ok(ward, "pair", "gateway", "--again", "1", "--zone", "Asia/Kolkata")
    assert [one["zone"] for one in shown(ward, "gateway", "list")] == ["Asia/Kolkata", None, "America/New_York"]


def test_a_person_is_stopped_let_in_again_and_gets_a_password(ward: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    def signs_in(word: str) -> bool:
        with psycopg.connect(ward.database) as db:
            return person_with(db, "m.testova", word) is not None

    ok(ward, "person", "disable", "M.Testova", *BY)
    assert not signs_in(PASSWORD)
    assert "disabled and cannot act" in refused(ward, "person", "enable", "m.testova", "--by", "m.testova")
    ok(ward, "person", "enable", "m.testova", *BY)
    assert signs_in(PASSWORD)
    monkeypatch.setenv("VIGIL_PASSWORD", "another long password")
    ok(ward, "person", "password", "m.testova", *BY)
    assert signs_in("another long password")
    ok(ward, "person", "change", "m.testova", "--role", "clinician", *BY)
    assert shown(ward, "person", "show", "m.testova")["role"] == "clinician"
    assert [one["sign_in"] for one in shown(ward, "person", "list")] == ["a.boss", "m.testova"]
    assert "see vigil person list" in refused(ward, "person", "disable", "nobody", *BY)
    with psycopg.connect(ward.database) as db:
        actions = [action for (action,) in db.execute("SELECT action FROM audit ORDER BY audit")]
    assert actions == ["person.disabled", "person.enabled", "person.password", "person.changed"]


def test_a_member_leaves_a_team_and_comes_back(ward: Vigil) -> None:
    ok(ward, "team", "leave", "1", "m.testova", *BY)
    assert shown(ward, "team", "show", "1")["members"] == []
    assert "no member of team 1" in refused(ward, "team", "leave", "1", "m.testova", *BY)
    ok(ward, "team", "join", "1", "m.testova", *BY)
    assert [one["sign_in"] for one in shown(ward, "team", "show", "1")["members"]] == ["m.testova"]


def test_a_team_is_told_by_every_channel_of_the_notifier_until_it_chooses(ward: Vigil) -> None:
    (team,) = shown(ward, "team", "list")
    assert (team["channels"], team["reaches_people"]) == (["log"], False)
    assert "has no channel webhook, only log" in refused(ward, "team", "channels", "1", "webhook", *BY)
    with psycopg.connect(ward.database) as db:
        register_channels(db, ["log", "webhook"])
    (team,) = shown(ward, "team", "list")
    assert (team["channels"], team["chosen"], team["reaches_people"]) == (["webhook"], False, True)
    assert ok(ward, "team", "channels", "1", "webhook", "log", *BY) == "Team 1 (North) is told by webhook, log.\n"
    assert "nobody is paged" in ok(ward, "team", "channels", "1", "log", *BY)
    assert shown(ward, "team", "show", "1")["chosen"]
    assert "is told by webhook." in ok(ward, "team", "channels", "1", "--every", *BY)
    assert "Name the team's channels" in refused(ward, "team", "channels", "1", *BY)


def test_a_ward_is_imported_from_a_file_which_bad_lines_do_not_stop(ward: Vigil, tmp_path: Path) -> None:
    file = tmp_path / "ward.csv"
    file.write_text(
        "family,given,born,record,consent\nSampleson,Cleo,1950-01-02,VT-9,yes\nBad,Date,14.07.1945,VT-10,\n"
        "Exampleton,Ada,1945-07-14,VT-1,\n"
    )
    words = ("patient", "import", str(file), "--team", "1", *BY)
    tried = ward.run(*words, "--dry-run")
    assert (tried.returncode, tried.stderr) == (1, "")
    assert "1 ready, 1 unchanged, 1 refused" in tried.stdout
    assert len(shown(ward, "patient", "list")) == 2
    done = ward.run(*words, "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [(one["line"], one["outcome"], one["patient"]) for one in report["lines"]] == [
        (2, "admitted", 3),
        (3, "refused", None),
        (4, "unchanged", 1),
    ]
    assert report["lines"][1]["problems"][0]["column"] == "born"
    assert shown(ward, "patient", "show", "3")["consent"] is True
    file.write_text(file.read_text().replace("14.07.1945", "1945-07-14"))
    assert "1 admitted, 2 unchanged" in ok(ward, *words)
    with psycopg.connect(ward.database) as db:
        rows = db.execute("SELECT subject FROM audit WHERE action = 'patient.admitted' ORDER BY audit").fetchall()
    assert rows == [("patient:3",), ("patient:4",)]
    file.write_bytes("Exampletön".encode("cp1252"))
    assert "UTF-8" in refused(ward, *words)
