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

PASSWORD = "correct horse battery"


class Vigil(NamedTuple):
    run: Callable[..., CompletedProcess[str]]
    database: str
    master: bytes


MakeVigil = Callable[[str, bytes], Vigil]


@pytest.fixture
def make_vigil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> MakeVigil:
    """`make_vigil(database, master key)`: the command in this process, with these in its environment.

    What a process of its own adds is in tests/deploy/test_cli.py.
    """

    def run(*words: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["vigil", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return CompletedProcess(words, int(end.value.code or 0), *capsys.readouterr())

    def make(database: str, master: bytes) -> Vigil:
        key = tmp_path / "master.key"
        key.write_bytes(master)
        key.chmod(0o600)
        for name, value in {
            "VIGIL_DATABASE": database,
            "VIGIL_KAFKA": "127.0.0.1:9",
            "VIGIL_MASTER_KEY_FILE": str(key),
            "VIGIL_PASSWORD": PASSWORD,
        }.items():
            monkeypatch.setenv(name, value)
        return Vigil(run, database, master)

    return make


@pytest.fixture
def vigil(plain_database: str, make_vigil: MakeVigil) -> Vigil:
    """The command on a database with empty tables."""
    migrate(plain_database)
    return make_vigil(plain_database, new_key())
