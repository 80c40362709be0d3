from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from deploy.cli import COMMANDS, build


def vigil(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    command = [sys.executable, "-m", "deploy.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={**clean, **environment})


def test_help_names_every_command_and_where_to_start() -> None:
    done = vigil("--help")
    assert done.returncode == 0
    assert "vigil demo" in done.stdout
    for command in COMMANDS:
        assert f" {command} " in done.stdout


def test_the_list_of_commands_says_of_each_what_its_own_help_says() -> None:
    listed, whole = (typer.main.get_command(build(commands)) for commands in ((), COMMANDS))
    assert isinstance(listed, TyperGroup)
    assert isinstance(whole, TyperGroup)
    for name in COMMANDS:
        assert whole.commands[name].get_short_help_str(200) == listed.commands[name].get_short_help_str(200), name


@pytest.mark.parametrize("command", ["worker", "desk", "notify"])
def test_a_missing_setting_ends_with_one_sentence_that_says_what_to_do(command: str) -> None:
    done = vigil(command)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("The setting VIGIL_DATABASE is missing: set this environment")
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    key = tmp_path / "key"
    done = vigil("worker", VIGIL_DATABASE="x", VIGIL_MASTER_KEY_FILE=str(key), VIGIL_WORKER_SESSION_S="-1")
    assert done.returncode == 1
    assert done.stderr.startswith("The setting VIGIL_WORKER_SESSION_S cannot be used")


def test_a_database_that_is_not_there_is_one_sentence() -> None:
    done = vigil("migrate", "--database", "postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be used (")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["worker", "desk", "notify"])
def test_a_database_that_is_no_address_is_said_at_once(command: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    done = vigil(command, VIGIL_DATABASE="nonsense", VIGIL_KAFKA="127.0.0.1:9", VIGIL_MASTER_KEY_FILE=str(key))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The setting VIGIL_DATABASE cannot be used (")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("other.csv", b"", "there are no recordings"), ("bidmc_01_Numerics.csv", b"", "Time [s]"),
     ("bidmc_01_Numerics.csv", bytes(range(256)), "no recording"),
     ("bidmc_01_Numerics.csv", b"Time [s], HR, PULSE, RESP, SpO2\n0,1,2\n", "no recording")],
)  # fmt: skip
def test_a_folder_without_whole_recordings_is_one_sentence(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    done = vigil("simulate", "--replay", str(tmp_path), "--home", str(tmp_path / "home"))
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_refused_with_status_2() -> None:
    done = vigil("fly")
    assert done.returncode == 2
    assert "fly" in done.stderr


def test_the_version_is_the_packages() -> None:
    assert vigil("--version").stdout == f"vigil {metadata.version('vigil-rpm')}\n"


@pytest.mark.parametrize(("line", "nth", "found"), [("vigil rej", "1", "rejected"), ("vigil pair cl", "2", "claim")])
def test_a_shell_completes_commands(line: str, nth: str, found: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("vigil")], capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"_VIGIL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": nth},
    )  # fmt: skip
    assert done.stdout.split() == [found]
