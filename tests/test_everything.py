"""The command behind ``make test`` says what cannot run here before anything takes its time, and again at the end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import everything, programs


def test_what_cannot_run_is_said_first_and_again_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def servers() -> list[str]:
        print("SERVERS")
        return ["TimescaleDB could not be fetched."]

    def tests(options: list[str]) -> str:
        print("TESTS")
        everything.REPORT.write_text("<testsuites/>")
        return ""

    monkeypatch.setenv("PATH", str(tmp_path))  # neither programs nor apt-get
    monkeypatch.setattr(programs, "RECORDINGS", tmp_path / "recordings")
    monkeypatch.setattr(everything, "REPORT", tmp_path / "tests.xml")
    monkeypatch.setattr(everything, "prepare_servers", servers)
    monkeypatch.setattr(everything, "tests", tests)
    monkeypatch.setattr(everything, "static", lambda *_: "")
    monkeypatch.setattr(sys, "argv", ["everything"])
    assert everything.main() == 0
    first, _, rest = capsys.readouterr().out.partition("SERVERS")
    fetched, _, last = rest.partition("TESTS")
    for line in ("dbus-daemon is missing, so not tested: Bluetooth sensors", "the recordings are not here"):
        assert line in first
        assert line in last
    assert "TimescaleDB could not be fetched." in fetched
    assert "TimescaleDB could not be fetched." in last
