"""``vigil rota`` and ``vigil person channels``, as whoever sets them up uses them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from alerts.care.channels import register_channels
from alerts.database import scalar
from alerts.fold.fold import fold_conditions
from alerts.notify.escalate import escalate
from deploy.care_checks import channels
from deploy.settings import ServerSettings
from tests.alerts.fold.test_fold import condition
from tests.deploy.commands.conftest import Vigil

FILE = """\
zone = "Europe/Berlin"
manager = "a.boss"

[[layer]]
name = "nurse"
people = ["m.testova", "j.sample"]
begins = 2020-01-06
hand_over = "Mon 07:00"

[[escalation.high]]
call = ["nurse"]
wait_min = 2

[[escalation.high]]
call = ["team"]
wait_min = 5
"""
Done = Callable[..., str]


@pytest.fixture
def done(vigil: Vigil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Done:
    """A command that has to succeed; gives what it printed.  There is a team with two nurses, and the channel sms."""

    def run(*words: str) -> str:
        ended = vigil.run(*words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    monkeypatch.chdir(tmp_path)
    (tmp_path / "rota.toml").write_text(FILE)
    run("pair", "team", "North")
    run("pair", "person", "a.boss", "--name", "A. Boss", "--role", "administrator")
    for sign_in in ("m.testova", "j.sample"):
        run("pair", "person", sign_in, "--name", sign_in, "--team", "1")
    with psycopg.connect(vigil.database) as tx:
        register_channels(tx, ["sms", "webhook"], ["sms"])
    return run


def refused(vigil: Vigil, *words: str) -> str:
    ended = vigil.run(*words)
    assert ended.returncode == 1
    return ended.stderr


def test_a_rota_is_set_shown_changed_and_taken_back(vigil: Vigil, done: Done) -> None:
    assert "nurse for 2 min, team for 5 min" in done("rota", "set", "1", "rota.toml", "--by", "a.boss")
    shown = json.loads(done("rota", "show", "1", "--json"))
    (nurse,) = shown["on_duty"]
    assert {nurse["now"], nurse["next"]} == {"m.testova", "j.sample"}
    assert done("rota", "show", "1", "--file") == FILE
    assert "no hole" in done("rota", "holes", "1")

    other = nurse["next"]
    output = done("rota", "swap", "1", "nurse", "m.testova", "j.sample", "--by", "a.boss", "--json")
    assert [one["layer"] for one in json.loads(output)] == ["nurse", "nurse"]
    assert json.loads(done("rota", "show", "1", "--json"))["on_duty"][0]["now"] == other
    numbers = [one["override"] for one in json.loads(done("rota", "overrides", "1", "--json"))]
    for number in numbers:
        done("rota", "withdraw", "1", str(number), "--by", "a.boss")
    assert json.loads(done("rota", "show", "1", "--json"))["on_duty"][0]["now"] == nurse["now"]
    done("rota", "remove", "1", "--by", "a.boss")
    assert "has no rota" in refused(vigil, "rota", "show", "1")
    with psycopg.connect(vigil.database) as tx:
        actions = [row[0] for row in tx.execute("SELECT action FROM audit WHERE action LIKE 'rota%' ORDER BY audit")]
    assert actions == ["rota.set", "rota.swap", "rota.withdrawn", "rota.withdrawn", "rota.removed"]


def test_a_calendar_goes_out_and_comes_in_and_a_second_import_changes_nothing(
    vigil: Vigil, done: Done, tmp_path: Path
) -> None:
    done("rota", "set", "1", "rota.toml", "--by", "a.boss")
    assert "duties in out.ics" in done("rota", "export", "1", "--days", "30", "--file", "out.ics")
    assert "SUMMARY:nurse: m.testova" in done("rota", "export", "1", "--of", "m.testova", "--days", "30")
    for _ in range(2):
        done("rota", "import", "1", "out.ics", "--by", "a.boss")
        count = len(json.loads(done("rota", "overrides", "1", "--json")))
        assert 4 <= count <= 6
    (tmp_path / "bad.ics").write_text("nonsense")
    assert "no iCalendar" in refused(vigil, "rota", "import", "1", "bad.ics", "--by", "a.boss")


def test_errors_say_what_to_do(vigil: Vigil, done: Done, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(FILE.replace("wait_min = 2", "wait_min = 0"))
    assert "bad.toml:12:" in refused(vigil, "rota", "check", "bad.toml")
    assert "Nothing was set" in refused(vigil, "rota", "set", "1", "bad.toml", "--by", "a.boss")
    (tmp_path / "bad.toml").write_text(FILE.replace("j.sample", "x.unknown"))
    assert "Nobody signs in as x.unknown" in refused(vigil, "rota", "set", "1", "bad.toml", "--by", "a.boss")
    assert "has no rota" in refused(vigil, "rota", "holes", "1")
    assert "cannot be read" in refused(vigil, "rota", "check", "missing.toml")
    done("rota", "set", "1", "rota.toml", "--by", "a.boss")
    times = ("--from", "tomorrow", "--to", "2030-01-01")
    assert "write it as" in refused(vigil, "rota", "override", "1", "nurse", "j.sample", *times, "--by", "a.boss")


def test_a_persons_channels_are_added_listed_and_removed(vigil: Vigil, done: Done) -> None:
    assert "no channel of their own" in done("person", "channels", "m.testova")
    add = ("person", "channels", "m.testova", "--add", "sms", "--address", "+441632960001", "--by", "m.testova")
    done(*add, "--quiet", "22:00-07:00")
    done("person", "channels", "m.testova", "--add", "webhook", "--after", "60", "--by", "m.testova")
    assert json.loads(done("person", "channels", "m.testova", "--json")) == [
        {"channel": "sms", "address": "+441632960001", "after_s": 0, "quiet": "22:00–07:00"},
        {"channel": "webhook", "address": "", "after_s": 60, "quiet": ""},
    ]
    with psycopg.connect(vigil.database) as tx:
        audit = str(tx.execute("SELECT detail FROM audit WHERE action = 'person.channel'").fetchall())
    assert "sms" in audit
    assert "441632960001" not in audit
    done("person", "channels", "m.testova", "--remove", "sms", "--by", "m.testova")
    assert len(json.loads(done("person", "channels", "m.testova", "--json"))) == 1
    assert "no channel pager" in refused(vigil, "person", "channels", "m.testova", "--add", "pager", "--by", "m.testova")
    assert "Say who changes this" in refused(vigil, "person", "channels", "m.testova", "--remove", "webhook")
    assert "no quiet hours" in refused(vigil, *add, "--quiet", "night")


def test_the_doctor_names_holes_and_a_rota_that_cannot_be_read(vigil: Vigil, done: Done, tmp_path: Path) -> None:
    (tmp_path / "days.toml").write_text(FILE.replace('hand_over = "Mon 07:00"', 'from = "07:00"\nto = "19:00"'))
    done("rota", "set", "1", "days.toml", "--by", "a.boss")
    settings = ServerSettings()
    (finding,) = channels(settings)
    assert (finding.ok, "nobody is on duty" in finding.what) == (False, True)
    with psycopg.connect(vigil.database) as tx:
        tx.execute("UPDATE rota SET source = 'zone ='")
    assert [("cannot be read" in one.what, one.ok) for one in channels(settings)] == [(True, False), (False, True)]


def test_who_was_called_is_listed(vigil: Vigil, done: Done) -> None:
    done("rota", "set", "1", "rota.toml", "--by", "a.boss")
    with psycopg.connect(vigil.database) as tx:
        tx.execute("INSERT INTO patient (patient, identity, team) VALUES (5, '', 1)")
        fold_conditions(tx, [condition(second=int(time.time()))])
        escalate(tx, scalar(tx, "SELECT episode FROM episode"), int(time.time()) * 1000)
    following, first = json.loads(done("alarm", "calls", "5", "--json"))
    assert (first["call"], first["channel"], first["state"]) == (1, "webhook", "waits")
    assert (following["call"], following["who"]) == ("next", "the whole team")
