"""Rule sets on the command line: a file is checked, applied with who and why, shown again and listed, on a real database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from alerts.care.admit import admit_patient
from alerts.care.identity import Identity
from alerts.care.people import add_person
from alerts.control.outbox import WHOLE_PARTITION
from alerts.rules.defaults import GENERAL
from devices.wire.control import Facts, RuleSet
from tests.deploy.commands.conftest import PASSWORD, Vigil

REASON = "fewer calls at night"


def test_a_file_with_errors_names_them_all_with_file_and_line_and_is_not_applied(vigil: Vigil, tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text('name = "ours"\n[limit.spo2.low]\nhigh = "low"\n[limit.pulse.high]\nhigh = 130\n')
    for words in (("check", str(file)), ("apply", str(file), "--by", "nobody", "--why", REASON)):
        found = vigil.run("rules", *words)
        assert found.returncode == 1
        assert f"{file}:3: this must be a number" in found.stderr
        assert f"{file}:4: there is no vital pulse" in found.stderr
    assert "cannot be read" in vigil.run("rules", "check", str(tmp_path / "none.toml")).stderr


def test_a_version_is_applied_with_who_and_why_and_shown_again(vigil: Vigil, tmp_path: Path) -> None:
    with psycopg.connect(vigil.database) as tx:
        add_person(tx, "a.boss", "A. Boss", "administrator", PASSWORD)
    assert "the default one is in force" in vigil.run("rules", "history").stdout
    assert 'name = "general"' in vigil.run("rules", "show").stdout
    file = tmp_path / "ours.toml"
    file.write_text(GENERAL.read_text().replace("limit = 92", "limit = 90").replace('"general"', '"ours"'))
    found = vigil.run("rules", "apply", str(file), "--by", "a.boss", "--why", REASON)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("Version 1 (ours)")
    rules = {one["rule"]: one["text"] for one in json.loads(vigil.run("rules", "list", "--json").stdout)}
    assert rules["spo2.low"].startswith("high below 90 %")
    assert vigil.run("rules", "show").stdout == file.read_text()
    (one,) = json.loads(vigil.run("rules", "history", "--json").stdout)
    assert (one["version"], one["by"], one["reason"]) == (1, "a.boss", REASON)
    with psycopg.connect(vigil.database) as tx:
        (count,) = tx.execute(
            "SELECT count(*) FROM control_outbox WHERE patient = %s AND kind = 'rule_set'", [WHOLE_PARTITION]
        ).fetchone() or (0,)
    assert count == 1, "it goes to the log like every control record"
    assert RuleSet(1).version == one["version"]
    assert "see vigil rules history" in vigil.run("rules", "show", "--version", "7").stderr


MILD = 'name = "mild"\n[limit.spo2.low]\nhigh = { limit = 88, hold_s = 30 }\nsource = "the ward"\n'


def admitted(vigil: Vigil) -> int:
    with psycopg.connect(vigil.database) as tx:
        add_person(tx, "b.boss", "B. Boss", "administrator", PASSWORD)
        team = tx.execute("INSERT INTO care_team (name) VALUES ('Cardiology') RETURNING team").fetchone()
        assert team is not None
        identity = Identity(family="Test", given="Tessa", born="1950-02-03")
        return admit_patient(tx, vigil.master, identity, team[0], Facts(), 1)


def whose(vigil: Vigil, patient: int) -> dict[str, str]:
    rows = json.loads(vigil.run("rules", "show", "--patient", str(patient), "--json").stdout)
    return {one["rule"]: one["set"] for one in rows}


def test_a_set_of_a_programme_a_ward_or_a_patient_stands_before_the_others_and_is_taken_back(
    vigil: Vigil, tmp_path: Path
) -> None:
    patient, file = admitted(vigil), tmp_path / "mild.toml"
    file.write_text(MILD)
    by = ("--by", "b.boss", "--why", REASON)
    assert whose(vigil, patient)["spo2.low"] == "general"
    found = vigil.run("patient", "programme", str(patient), "copd", "--by", "b.boss")
    assert found.returncode == 0, found.stderr
    assert whose(vigil, patient)["spo2.low"] == "programme copd"
    with psycopg.connect(vigil.database) as tx:
        (ward,) = tx.execute("SELECT team FROM patient WHERE patient = %s", [patient]).fetchone() or (0,)
    for words, whose_it_is in (("--ward", str(ward)), "ward Cardiology"), (("--patient", str(patient)), "patient"):
        found = vigil.run("rules", "apply", str(file), *words, *by)
        assert found.returncode == 0, found.stderr
        assert whose(vigil, patient)["spo2.low"] == whose_it_is
        (one,) = json.loads(vigil.run("rules", "history", *words, "--json").stdout)
        assert (one["version"], one["by"], one["reason"]) == (1, "b.boss", REASON)
    assert whose(vigil, patient)["heart_rate.high"] == "general"
    assert vigil.run("rules", "undo", "--patient", str(patient), *by).returncode == 0
    assert whose(vigil, patient)["spo2.low"] == "ward Cardiology"
    with psycopg.connect(vigil.database) as tx:
        rows = tx.execute(
            "SELECT kind, payload FROM control_outbox WHERE kind IN ('own_rules', 'rule_set') ORDER BY sequence"
        ).fetchall()
        audited = [row[0] for row in tx.execute("SELECT action FROM audit ORDER BY audit").fetchall()]
    last: dict[str, Any] = dict(rows)
    assert last["own_rules"] == {"kind": "own_rules", "sets": ["programme copd", "ward Cardiology"], "rules": None}
    assert "ward Cardiology" in [one["name"] for one in last["rule_set"]["sets"]]
    assert audited[-4:] == ["patient.programme", "rules.apply", "rules.apply", "rules.undo"]


def test_what_no_ward_may_set_and_what_nobody_has_is_refused(vigil: Vigil, tmp_path: Path) -> None:
    patient, file = admitted(vigil), tmp_path / "all.toml"
    file.write_text(GENERAL.read_text())
    found = vigil.run("rules", "apply", str(file), "--patient", str(patient), "--by", "b.boss", "--why", REASON)
    assert "[technical] belongs to the set of the whole installation" in found.stderr
    assert f"{file}:" in found.stderr
    found = vigil.run("patient", "programme", str(patient), "skiing", "--by", "b.boss")
    assert "take one of copd, diabetes, heart-failure, post-operative" in found.stderr
    assert "nothing to undo" in vigil.run("rules", "undo", "--programme", "copd", "--by", "b.boss", "--why", "x").stderr
    both = vigil.run("rules", "show", "--ward", "1", "--patient", "1")
    assert "Name one of" in both.stderr
