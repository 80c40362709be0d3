"""Errors a user sees: one sentence that says what to do."""

from __future__ import annotations

import errno
import sys
from typing import Any, Final

from pydantic import ValidationError

from alerts.errors import AlertError
from deploy.stack.errors import StackError
from devices.errors import DeviceError
from gateway.errors import GatewayError
from simulators.errors import SimulatorError
from streams.errors import StreamsError


class DeployError(RuntimeError):
    """Base of the errors of the command line and the stack; the message says what to do."""


class DemoFailedError(DeployError):
    """The demo broke one of its promises."""


class SchemaTooNewError(DeployError):
    """The database knows a migration that this program does not."""

    def __init__(self, number: int) -> None:
        super().__init__(f"The database is at schema {number:04}, made by a newer Vigil: update this one, then start again.")
        self.number = number


EXPLAINED: Final = (DeployError, StackError, DeviceError, GatewayError, StreamsError, AlertError, SimulatorError)
ROLES: Final = {
    "gateway": "gateway",
    "mqtt": "gateway",
    "mapping": "gateway",
    "pair": "server",
    "demo": "embedded",
    "simulate": "embedded",
}
"""The optional dependencies that a command needs; every other one needs those of ``server``."""
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_SHARED: Final = {"database", "kafka", "topic", "master_key_file"}
_EXAMPLES: Final = {
    "database": "a PostgreSQL URL such as postgresql://vigil@127.0.0.1/vigil",
    "kafka": "the bootstrap servers, such as 127.0.0.1:9092",
    "master_key_file": "a file of 32 random bytes that only its owner can read",
}


def explained(error: Exception, command: str = "") -> str | None:
    """The sentence for an error of ``command`` that a user can mend; None for a bug, which deserves its traceback."""
    if isinstance(error, ModuleNotFoundError):
        return _not_installed(error, command)
    if isinstance(error, ValidationError):
        return _settings(error)
    if isinstance(error, EXPLAINED):
        return str(error)
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"There is no room left on the disk ({error.filename or error.strerror}): free some, and start again."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; check the path."
    # a gateway has no psycopg; where nobody has imported it the error is none of its
    return _database(error, psycopg) if (psycopg := sys.modules.get("psycopg")) else None


def _not_installed(error: ModuleNotFoundError, command: str) -> str | None:
    package = (error.name or "").partition(".")[0]
    if package in {"alerts", "deploy", "devices", "gateway", "simulators", "streams"}:
        return None
    program, _, subcommand = command.partition(" ")
    if program == "gateway" and subcommand not in {"", "doctor", "refused"} and not subcommand.startswith("-"):
        role = "server"  # its register
    else:
        role = "gateway" if command == "pair claim" else ROLES.get(program, "server")
    return f"The package {package} is missing: install vigil-rpm[{role}] for this command."


def _database(error: Exception, psycopg: Any) -> str | None:
    if isinstance(error, psycopg.errors.DiskFull):
        return "There is no room left on the database's disk: free some, and start again."
    if isinstance(error, psycopg.OperationalError):
        lines = [
            line for line in str(error).strip().splitlines() if not line.startswith(("HINT", "DETAIL", "CONTEXT", "\t"))
        ]
        return f"The database cannot be used ({lines[-1] if lines else 'no answer'}): check VIGIL_DATABASE and that it runs."
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        return f"The setting VIGIL_DATABASE cannot be used ({str(error).strip()}): set it to {_EXAMPLES['database']}."
    if isinstance(error, psycopg.IntegrityError):
        reason = error.diag.message_primary or type(error).__name__
        return f"The database refuses this change ({reason}): it exists already, or names something that does not."
    return None


def _settings(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]).lower().removeprefix("vigil_") if first["loc"] else ""
    room = error.title.removesuffix("Settings").upper()
    variable = f"VIGIL_{name.upper()}" if name in _SHARED else f"VIGIL_{room}_{name.upper()}"
    hint = f" to {_EXAMPLES[name]}" if name in _EXAMPLES else ""
    if first["type"] == "missing":
        return f"The setting {variable} is missing: set this environment variable{hint}."
    return f"The setting {variable} cannot be used ({first['msg']}): set it{hint or ' to another value'}."
