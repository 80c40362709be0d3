"""Bring a database to the schema of this version: numbered SQL files, in order, each once, each in its own transaction."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import psycopg

from deploy.errors import SchemaTooNewError

FOLDER: Final = Path(__file__).parent
_LOCK: Final = 0x56494749  # "VIGI": one migration at a time, whoever starts it
_NAME: Final = re.compile(r"(\d{4})_\w+\.sql")
_CONNECT_S: Final = 10

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    number int4 PRIMARY KEY,
    name text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
)"""


def numbered(folder: Path = FOLDER) -> list[tuple[int, Path]]:
    """The SQL files of ``folder`` as (number, path), in order."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match)


def migrate(url: str, folder: Path = FOLDER) -> list[str]:
    """Apply what ``url`` has not seen yet; the names of the files applied now.  Safe to call from several at once.

    Raises:
        SchemaTooNewError: the database was migrated by a newer version of this program.
        psycopg.Error: the database is away, or refuses a statement (that file is rolled back whole).
    """
    files = numbered(folder)
    applied: list[str] = []
    quiet = "-c client_min_messages=warning"
    with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_S, options=quiet) as db:
        db.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # ends with the session
        db.execute(_TABLE)
        there = {int(number) for (number,) in db.execute("SELECT number FROM schema_version")}
        if unknown := there - {number for number, _ in files}:
            raise SchemaTooNewError(max(unknown))
        for number, path in files:
            if number in there:
                continue
            with db.transaction():
                db.execute(path.read_bytes())
                db.execute("INSERT INTO schema_version (number, name) VALUES (%s, %s)", [number, path.name])
            applied.append(path.name)
    return applied
