"""The command line in this process, on a database of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest

from deploy.cli import main
from deploy.schema.migrate import migrate
from devices.wire.sealing import new_key


class Vigil(NamedTuple):
    run: Callable[..., CompletedProcess[str]]
    database: str
    master: bytes


@pytest.fixture
def vigil(plain_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vigil:
    """The command in this process: what a process of its own adds is in tests/deploy/test_cli.py."""
    migrate(plain_database)
    key = tmp_path / "master.key"
    key.write_bytes(new_key())
    key.chmod(0o600)
    settings = {
        "VIGIL_DATABASE": plain_database,
        "VIGIL_KAFKA": "127.0.0.1:9",
        "VIGIL_MASTER_KEY_FILE": str(key),
        "VIGIL_PASSWORD": "correct horse battery",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["vigil", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return CompletedProcess(words, int(end.value.code or 0), *capsys.readouterr())

    return Vigil(run, plain_database, key.read_bytes())
