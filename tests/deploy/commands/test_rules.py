"""Rule sets on the command line: a file is checked, applied with who and why, shown again and listed, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from alerts.care.people import add_person
from alerts.control.outbox import WHOLE_PARTITION
from alerts.rules.defaults import GENERAL
from devices.wire.control import RuleSet
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
