"""From an empty database to a claimed gateway with a wearable, on the command line alone."""

from __future__ import annotations

import json
import re

import psycopg
import pytest

from alerts.care.gateway_config import gateway_config
from tests.deploy.commands.conftest import Vigil

WARD = "Home ward North"


def test_a_home_is_set_up_in_six_commands(vigil: Vigil) -> None:
    steps = (
        (("team", WARD), "team 1"),
        (("person", "m.testova", "--name", "M. Testova", "--team", "1"), "person 1"),
        (("patient", "EXAMPLETON", "Ada", "--born", "1945-07-14", "--record", "VT-1", "--team", "1", "--by", "m.testova",
          "--consent"), "patient 1"),
        (("gateway", "Mill Lane 4"), "gateway 1"),
        (("device", "belt", "--source", "ble", "--address", "C0:DE:00:00:00:01", "--patient", "1", "--gateway", "1", "--by",
          "m.testova", "--interval", "1"), "device 1"),
    )  # fmt: skip
    for words, output in steps:
        done = vigil.run("pair", *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(output)
    with psycopg.connect(vigil.database) as db:
        config = gateway_config(db, vigil.master, 1, "k", "t")
        assert [(one.device, one.patient, one.interval_s) for one in config.devices] == [(1, 1, 1)]
        assert [key.patient for key in config.patients] == [1]
        kinds = [kind for (kind,) in db.execute("SELECT kind FROM control_outbox ORDER BY sequence")]
        assert kinds == ["rule_set", "facts", "consent", "enrolment"]
        assert not any(b"EXAMPLETON" in identity for (identity,) in db.execute("SELECT identity FROM patient"))
    moved = vigil.run("pair", "move", "1", "--by", "m.testova")
    assert "nobody's now" in moved.stdout
    with psycopg.connect(vigil.database) as db:
        assert gateway_config(db, vigil.master, 1, "k", "t").devices == ()


def test_what_cannot_be_done_is_one_sentence(vigil: Vigil) -> None:
    cases = (
        (("person", "m.testova", "--name", "M. Testova", "--team", "9"), "There is no care team 9."),
        (("team", WARD), "exists already"),
        (("team", " "), "The name of a care team is blank: give one."),
        (
            ("patient", "X", "Y", "--born", "1950-13-01", "--record", "VT-1", "--team", "1", "--by", "a.fictus"),
            "The date of birth '1950-13-01' is no date since 1900: write it as YYYY-MM-DD.",
        ),
        (
            ("patient", "X", "Y", "--born", "2950-01-01", "--record", "VT-1", "--team", "1", "--by", "a.fictus"),
            "is in the future: check the year.",
        ),
        (
            ("patient", " ", "Y", "--born", "1950-01-01", "--record", "VT-1", "--team", "1", "--by", "a.fictus"),
            "The family name is blank: give one.",
        ),
        (("gateway",), "Name the place"),
        (("consent", "5", "--by", "nobody"), "add them with vigil pair person"),
        (("claim", "AAAA-AAAA", "--desk", "http://127.0.0.1:9"), "127.0.0.1:9"),
    )
    assert vigil.run("pair", "team", WARD).returncode == 0
    assert vigil.run("pair", "person", "a.fictus", "--name", "Dr A. Fictus", "--team", "1").returncode == 0
    for words, part in cases:
        done = vigil.run("pair", *words)
        assert done.returncode == 1, words
        assert part in done.stderr
        assert "Traceback" not in done.stderr


def test_a_leaflet_is_made_listed_and_revoked(vigil: Vigil, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_DESK_PUBLIC_URL", "https://desk.example.org/")
    for words in (
        ("pair", "team", WARD),
        ("pair", "person", "m.testova", "--name", "M. Testova", "--team", "1"),
        (
            "pair",
            "patient",
            "EXAMPLETON",
            "Ada",
            "--born",
            "1945-07-14",
            "--record",
            "VT-1",
            "--team",
            "1",
            "--by",
            "m.testova",
        ),
        ("pair", "gateway", "Mill Lane 4"),
    ):
        assert vigil.run(*words).returncode == 0
    make = ("pair", "leaflet", "1", "--gateway", "1", "--by", "m.testova")
    assert "enter it first (vigil team phone)" in vigil.run(*make).stderr
    assert vigil.run("team", "phone", "1", "030 5550100", "--by", "m.testova").returncode == 0
    printed = vigil.run(*make, "--kind", "belt").stdout
    assert re.search(r"^https://desk\.example\.org/pair/(?:[2-9A-Z]{4}-?){3}$", printed, re.MULTILINE), printed
    assert "█" in printed or "▄" in printed  # the QR
    made = json.loads(vigil.run(*make, "--json").stdout)
    assert made["link"].startswith("https://desk.example.org/pair/")
    listed = json.loads(vigil.run("patient", "codes", "1", "--json").stdout)
    assert [(one["code"], one["state"]) for one in listed] == [(2, "not opened"), (1, "revoked")]
    assert made["link"].rpartition("/")[2] not in str(listed)
    assert "opens nothing any more" in vigil.run("patient", "revoke-code", "1", "--code", "2", "--by", "m.testova").stdout
    assert "None of them" in vigil.run("patient", "revoke-code", "1", "--by", "m.testova").stdout
    assert "no code of patient 1" in vigil.run("patient", "revoke-code", "1", "--code", "9", "--by", "m.testova").stderr
    with psycopg.connect(vigil.database) as db:
        acts = [one for (one,) in db.execute("SELECT action FROM audit ORDER BY audit")]
    assert acts == ["team.phone", "pairing.made", "pairing.made", "pairing.revoked"]
